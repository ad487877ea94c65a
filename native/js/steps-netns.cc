#include <fcntl.h>

#include <cerrno>

#include "js/netns-ref.h"
#include "js/step.h"

namespace egressd::js {
namespace {

Napi::Value OpenedToJs(Napi::Env env, const net::NetnsIdentity& identity, Fd* held) {
  Napi::Object value = IdentityToJs(env, identity);
  value["since"] = Napi::BigInt::New(env, identity.since);
  value["fd"] = held->valid() ? Napi::Value(Napi::Number::New(env, held->Release())) : env.Null();
  return value;
}

Status Hold(bool hold, const Fd& netns, Fd* held) {
  if (!hold) return {};
  EGRESSD_ASSIGN(copy, net::DuplicateNetnsFd(netns.get()));
  *held = std::move(copy);
  return {};
}

class Create final : public Step {
 public:
  explicit Create(Args& args) : as_(args.Number<uint32_t>("as")), hold_(args.Flag("hold")) { args.Maybe("pin", &pin_); }

  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(made, context.Make());
    if (pin_) EGRESSD_TRY(net::PinNetns(made.netns.get(), *pin_));
    Status status = Settle(made.netns);
    if (status.ok()) status = context.Assign(as_, std::move(made));
    if (!status.ok() && pin_) (void)net::UnpinNetns(*pin_);
    return status;
  }
  Napi::Value Value(Napi::Env env) override { return OpenedToJs(env, identity_, &held_); }

 private:
  Status Settle(const Fd& netns) {
    EGRESSD_ASSIGN(identity, net::IdentifyNetns(netns.get()));
    identity_ = identity;
    return Hold(hold_, netns, &held_);
  }

  uint32_t as_;
  bool hold_;
  std::optional<std::string> pin_;
  net::NetnsIdentity identity_;
  Fd held_;
};

class Open final : public Step {
 public:
  explicit Open(Args& args)
      : as_(args.Number<uint32_t>("as")), hold_(args.Flag("hold")), source_(NetnsSourceFromArgs(args.Child("from"))) {}

  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(netns, source_.Open());
    EGRESSD_ASSIGN(identity, net::IdentifyNetns(netns.get()));
    identity_ = identity;
    EGRESSD_TRY(Hold(hold_, netns, &held_));
    return context.Assign(as_, {std::move(netns), std::nullopt});
  }
  Napi::Value Value(Napi::Env env) override { return OpenedToJs(env, identity_, &held_); }

 private:
  uint32_t as_;
  bool hold_;
  NetnsSource source_;
  net::NetnsIdentity identity_;
  Fd held_;
};

class Unpin final : public Step {
 public:
  explicit Unpin(Args& args) : path_(args.String("path")) {}
  Status Run(net::Context&) override { return net::UnpinNetns(path_); }

 private:
  std::string path_;
};

constexpr char kSysctls[] = "/proc/sys/";
constexpr char kTables[] = "/proc/thread-self/net/";

// NB: both folders resolve in the namespace of the thread that opens the file.
class ProcFile final : public Step {
 public:
  ProcFile(Args& args, const char* folder, bool write) : write_(write), path_(folder + args.String("key")) {
    if (path_.find("..") != std::string::npos) args.Fail("key", "has \"..\" in it");
    if (write) value_ = args.String("value");
  }

  Status Run(net::Context& context) override {
    return context.Inside(slot, [&] { return write_ ? Write() : Read(); });
  }
  Napi::Value Value(Napi::Env env) override {
    return write_ ? env.Undefined() : Napi::Value(Napi::String::New(env, value_));
  }

 private:
  Error Failed(const char* call) const { return Error{errno, call, path_, 0}; }
  Status Write() {
    const Fd file(open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid()) return Failed("open");
    if (write(file.get(), value_.data(), value_.size()) < 0) return Failed("write");
    return {};
  }
  Status Read() {
    const Fd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return Failed("open");
    char text[4096];
    const ssize_t size = read(file.get(), text, sizeof(text));
    if (size < 0) return Failed("read");
    value_.assign(text, static_cast<size_t>(size));
    while (!value_.empty() && value_.back() == '\n') value_.pop_back();
    return {};
  }

  bool write_;
  std::string path_;
  std::string value_;
};

constexpr StepKind kSteps[] = {
    {"netns.create", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Create>(args); }},
    {"netns.open", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Open>(args); }},
    {"netns.unpin", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Unpin>(args); }},
    {"sysctl.get", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<ProcFile>(args, kSysctls, false); }},
    {"sysctl.set", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<ProcFile>(args, kSysctls, true); }},
    {"procnet.get", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<ProcFile>(args, kTables, false); }},
};

}  // namespace

std::span<const StepKind> NetnsSteps() { return kSteps; }

}  // namespace egressd::js
