#include "js/step.h"
#include "js/to-js.h"
#include "net/inet-socket.h"

namespace egressd::js {
namespace {

class Open final : public Step {
 public:
  explicit Open(Args& args) {
    const auto family = args.Family("family");
    if (!family) args.Fail("family", "expected 4 or 6");
    request_.family = family.value_or(request_.family);
    const std::string type = args.String("type");
    request_.stream = type == "stream";
    if (!request_.stream && type != "datagram") args.Fail("type", "expected \"stream\" or \"datagram\"");
    if (args.Has("bind")) {
      Args bind = args.Child("bind");
      request_.bind = net::Endpoint{bind.Ip("address"), bind.Number<uint16_t>("port"), 0};
      if (bind.ok() && request_.bind->address.family != request_.family) bind.Fail("address", "is of the other family");
    }
    args.Maybe("listen", &request_.backlog);
    if (request_.backlog && *request_.backlog < 1) args.Fail("listen", "expected a backlog of at least 1");
    if (request_.backlog && !request_.stream) args.Fail("listen", "only a stream listens");
  }

  Status Run(net::Context& context) override {
    return context.Inside(slot, [&]() -> Status {
      EGRESSD_ASSIGN(made, net::OpenInetSocket(request_));
      made_ = std::move(made);
      return {};
    });
  }

  Napi::Value Value(Napi::Env env) override {
    Napi::Object value = Napi::Object::New(env);
    value["address"] = ToJs(env, made_.local.address);
    value["port"] = ToJs(env, made_.local.port);
    value["fd"] = made_.fd.Release();
    return value;
  }

 private:
  net::InetSocketRequest request_;
  net::InetSocket made_;  // NB: closes the descriptor where JavaScript never gets it
};

constexpr StepKind kSteps[] = {
    {"socket.open", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Open>(args); }},
};

}  // namespace

std::span<const StepKind> SocketSteps() { return kSteps; }

}  // namespace egressd::js
