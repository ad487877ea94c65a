#include <linux/netlink.h>

#include "js/step.h"
#include "js/to-js.h"
#include "net/inspect.h"
#include "wire/dump.h"

namespace egressd::js {
namespace {

void RefuseDots(Args& args, const char* key, const std::string& text) {
  if (text.find("..") != std::string::npos) args.Fail(key, "has \"..\" in it");
}

class Settings final : public Step {
 public:
  explicit Settings(Args& args) : under_(args.String("under")) { RefuseDots(args, "under", under_); }
  Status Run(net::Context& context) override {
    return context.Inside(slot, [&]() -> Status {
      EGRESSD_ASSIGN(text, net::ListSettings(under_));
      text_ = std::move(text);
      return {};
    });
  }
  Napi::Value Value(Napi::Env env) override { return ToJs(env, text_); }

 private:
  std::string under_;
  std::string text_;
};

class Files final : public Step {
 public:
  explicit Files(Args& args) : keys_(args.Strings("keys")) {
    for (const std::string& key : keys_) RefuseDots(args, "keys", key);
  }
  Status Run(net::Context& context) override {
    return context.Inside(slot, [&]() -> Status {
      for (const std::string& key : keys_) {
        Result<std::string> text = net::ReadWhole("/proc/thread-self/net/" + key);
        if (!text.ok() && text.error().number != ENOENT) return text.error();
        texts_.push_back(text.ok() ? std::optional(std::move(*text)) : std::nullopt);
      }
      return {};
    });
  }
  Napi::Value Value(Napi::Env env) override {
    Napi::Array array = Napi::Array::New(env, texts_.size());
    for (size_t i = 0; i < texts_.size(); ++i) array[static_cast<uint32_t>(i)] = ToJs(env, texts_[i]);
    return array;
  }

 private:
  std::vector<std::string> keys_;
  std::vector<std::optional<std::string>> texts_;
};

class Features final : public Step {
 public:
  explicit Features(Args& args) : name_(args.String("name")) {}
  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(session, context.Route(slot));
    EGRESSD_ASSIGN(text, net::ReadFeatures(session->socket().fd(), name_));
    text_ = std::move(text);
    return {};
  }
  Napi::Value Value(Napi::Env env) override { return ToJs(env, text_); }

 private:
  std::string name_;
  std::string text_;
};

class Processes final : public Step {
 public:
  explicit Processes(Args&) {}
  Status Run(net::Context& context) override {
    return context.Inside(slot, [&]() -> Status {
      EGRESSD_ASSIGN(found, net::FindInhabitants());
      found_ = std::move(found);
      return {};
    });
  }
  Napi::Value Value(Napi::Env env) override {
    Napi::Array array = Napi::Array::New(env, found_.size());
    for (size_t i = 0; i < found_.size(); ++i) {
      Napi::Object object = Napi::Object::New(env);
      object["pid"] = ToJs(env, found_[i].pid);
      object["thread"] = ToJs(env, found_[i].thread);
      object["command"] = ToJs(env, found_[i].command);
      array[static_cast<uint32_t>(i)] = object;
    }
    return array;
  }

 private:
  std::vector<net::Inhabitant> found_;
};

class Dump final : public Step {
 public:
  explicit Dump(Args& args) : kind_(args.String("kind")) {
    if (args.ok() && !wire::DumpOf(kind_).ok()) args.Fail("kind", "no kind is called \"" + kind_ + "\"");
  }

  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(dump, wire::DumpOf(kind_));
    if (dump.protocol == NETLINK_ROUTE) {
      EGRESSD_ASSIGN(session, context.Route(slot));
      return Read(session, dump.request);
    }
    return context.Inside(slot, [&]() -> Status {
      EGRESSD_ASSIGN(session, net::Session::Open(dump.protocol));
      return Read(&session, dump.request);
    });
  }
  Napi::Value Value(Napi::Env env) override {
    return Napi::Buffer<uint8_t>::Copy(env, messages_.data(), messages_.size());
  }
  Result<wire::Bytes> Frames(const net::Slots&) override {
    EGRESSD_ASSIGN(dump, wire::DumpOf(kind_));
    wire::Bytes bytes;
    wire::AppendFrame(dump.request, NLM_F_REQUEST | NLM_F_DUMP, 0, 0, &bytes);
    return bytes;
  }

 private:
  Status Read(net::Session* session, const wire::Message& request) {
    return session->Dump(
        request, request.what, [&] { messages_.clear(); },
        [&](uint16_t type, wire::View body) -> Status {
          const wire::Message message{type, 0, {body.begin(), body.end()}};
          wire::AppendFrame(message, 0, 0, 0, &messages_);
          return {};
        });
  }

  std::string kind_;
  wire::Bytes messages_;
};

constexpr StepKind kSteps[] = {
    {"sysctl.list", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Settings>(args); }},
    {"procnet.read", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Files>(args); }},
    {"link.features", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Features>(args); }},
    {"netns.processes", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Processes>(args); }},
    {"netlink.dump", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Dump>(args); }},
};

}  // namespace

std::span<const StepKind> InspectSteps() { return kSteps; }

}  // namespace egressd::js
