#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "js/step.h"
#include "net/own-file.h"

namespace egressd::js {
namespace {

// Small files, written and moved between the steps that they are about.

class Write final : public Step {
 public:
  explicit Write(Args& args) : path_(args.String("path")), text_(args.String("text")) {}
  Status Run(net::Context&) override {
    EGRESSD_ASSIGN(file, net::MakeOwnFile(path_));
    for (size_t done = 0; done < text_.size();) {
      const ssize_t size = write(file.get(), text_.data() + done, text_.size() - done);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) {
        const Error error{errno, "write", path_, 0};
        unlink(path_.c_str());
        return error;
      }
      done += static_cast<size_t>(size);
    }
    return {};
  }

 private:
  std::string path_;
  std::string text_;
};

class Move final : public Step {
 public:
  explicit Move(Args& args) : from_(args.String("from")), to_(args.String("to")) {}
  Status Run(net::Context&) override {
    if (rename(from_.c_str(), to_.c_str()) != 0) return Error{errno, "rename", to_, 0};
    return {};
  }

 private:
  std::string from_;
  std::string to_;
};

class Remove final : public Step {
 public:
  explicit Remove(Args& args) : path_(args.String("path")) {}
  Status Run(net::Context&) override {
    if (unlink(path_.c_str()) != 0 && errno != ENOENT) return Error{errno, "unlink", path_, 0};
    return {};
  }

 private:
  std::string path_;
};

constexpr StepKind kSteps[] = {
    {"file.write", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Write>(args); }},
    {"file.move", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Move>(args); }},
    {"file.remove", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Remove>(args); }},
};

}  // namespace

std::span<const StepKind> FileSteps() { return kSteps; }

}  // namespace egressd::js
