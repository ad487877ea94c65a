#include "js/ping.h"

#include <cerrno>
#include <optional>
#include <vector>

#include "js/args.h"
#include "js/codec.h"
#include "js/netns-ref.h"
#include "js/runtime.h"
#include "js/to-js.h"
#include "js/verdict.h"
#include "net/errands.h"
#include "net/ping.h"
#include "net/stop-signal.h"
#include "wire/icmp.h"
#include "wire/reader.h"

namespace egressd::js {
namespace {

constexpr int64_t kMaxMilliseconds = 3'600'000;
// An IPv4 packet's 65,535 bytes less its header and ICMP's.
constexpr int64_t kMaxPayload = 65'507;

Napi::Value PingRejection(Napi::Env env, const Error& error) {
  if (error.number == ECANCELED) return Rejection(env, "EGRESSD_CLOSED", "the ping was stopped");
  const Napi::Value rejection = Rejection(env, "EGRESSD_KERNEL", "ping: " + error.operation + " failed");
  rejection.As<Napi::Object>().Set("fault", FaultToJs(env, "ping", error));
  return rejection;
}

Napi::Object EchoToJs(Napi::Env env, uint32_t sequence, const net::EchoResult& result) {
  Napi::Object echo = Napi::Object::New(env);
  echo["sequence"] = sequence;
  echo["from"] = ToJs(env, result.from);
  echo["result"] = result.result;
  echo["milliseconds"] = result.milliseconds ? Napi::Value(Napi::Number::New(env, *result.milliseconds)) : env.Null();
  echo["ttl"] = ToJs(env, result.ttl);
  echo["errno"] = result.number != 0 ? Napi::Value(Napi::String::New(env, ErrnoName(result.number))) : env.Null();
  return echo;
}

class PingErrand final : public net::Errand, public std::enable_shared_from_this<PingErrand> {
 public:
  PingErrand(Runtime* runtime, Napi::Promise::Deferred deferred, net::PingRequest request, Fd netns)
      : runtime_(runtime), deferred_(deferred), request_(std::move(request)), netns_(std::move(netns)) {}

  void Run() override {
    outcome_ = Ping();
    Release();
    Post();
  }
  void Stop() override { stop_.Stop(); }

  // JavaScript thread.
  void StopNow() {
    Stop();
    if (!runtime_->errands().Withdraw(this)) return;
    outcome_ = Error{ECANCELED, "ping", "stopped", 0};
    Release();
    Post();
  }

  void Settle(Napi::Env env) {
    if (!outcome_->ok()) return deferred_.Reject(PingRejection(env, outcome_->error()));
    const std::vector<net::EchoResult>& results = outcome_->value();
    Napi::Array echoes = Napi::Array::New(env, results.size());
    for (uint32_t i = 0; i < results.size(); ++i) {
      const Napi::HandleScope scope(env);
      echoes[i] = EchoToJs(env, i + 1, results[i]);
    }
    deferred_.Resolve(echoes);
  }

 private:
  class Settlement final : public Completion {
   public:
    explicit Settlement(std::shared_ptr<PingErrand> errand) : errand_(std::move(errand)) {}
    void Settle(Napi::Env env) override {
      errand_->runtime_->errands().Reap();
      errand_->Settle(env);
    }

   private:
    std::shared_ptr<PingErrand> errand_;
  };

  Result<std::vector<net::EchoResult>> Ping() {
    EGRESSD_TRY(stop_.Arm());
    EGRESSD_TRY(net::EnterNetns(netns_.get()));
    return net::Ping(request_, stop_.fd());
  }
  // NB: the stop function may live on until it is collected; it must not hold descriptors, least of all a namespace.
  void Release() {
    netns_.Reset();
    stop_.Disarm();
  }
  void Post() { runtime_->Post(std::make_unique<Settlement>(shared_from_this())); }

  Runtime* runtime_;
  Napi::Promise::Deferred deferred_;
  net::PingRequest request_;
  Fd netns_;
  net::StopSignal stop_;
  std::optional<Result<std::vector<net::EchoResult>>> outcome_;
};

std::optional<int64_t> Within(Args& args, const char* key, int64_t low, int64_t high) {
  std::optional<int64_t> number;
  args.Maybe(key, &number);
  if (!number || (*number >= low && *number <= high)) return number;
  args.Fail(key, "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return std::nullopt;
}

net::PingRequest RequestFromArgs(Args args) {
  net::PingRequest request;
  std::string target = args.String("target");
  const size_t percent = target.find('%');
  if (percent != std::string::npos) {
    request.zone = target.substr(percent + 1);
    target.resize(percent);
  }
  const auto ip = wire::ParseIp(target);
  if (!ip || (percent != std::string::npos && (ip->size() != 16 || request.zone.empty()))) {
    args.Fail("target", "expected an IP address, a link-local one with its interface (fe80::1%eth0)");
    return request;
  }
  request.target = *ip;
  using std::chrono::milliseconds;
  if (const auto count = Within(args, "count", 1, UINT16_MAX)) request.count = static_cast<uint16_t>(*count);
  if (const auto ms = Within(args, "intervalMs", 0, kMaxMilliseconds)) request.interval = milliseconds(*ms);
  if (const auto ms = Within(args, "timeoutMs", 1, kMaxMilliseconds)) request.timeout = milliseconds(*ms);
  if (const auto ttl = Within(args, "ttl", 1, UINT8_MAX)) request.ttl = static_cast<uint8_t>(*ttl);
  if (const auto size = Within(args, "size", 0, kMaxPayload)) request.size = static_cast<uint16_t>(*size);
  return request;
}

template <auto kParse>
Result<Napi::Value> DecodeIcmp(Napi::Env env, wire::View bytes) {
  constexpr const char* kKinds[] = {"request", "reply", "error"};
  const auto message = kParse(bytes);
  if (!message) return wire::Malformed("ICMP message");
  Napi::Object object = Napi::Object::New(env);
  object["kind"] = kKinds[static_cast<size_t>(message->kind)];
  object["type"] = ToJs(env, message->type);
  object["code"] = ToJs(env, message->code);
  object["identifier"] = ToJs(env, message->identifier);
  object["sequence"] = ToJs(env, message->sequence);
  object["payload"] = Napi::Buffer<uint8_t>::Copy(env, message->payload.data(), message->payload.size());
  object["ttl"] = ToJs(env, message->ttl);
  object["destination"] = ToJs(env, message->destination);
  return Napi::Value(object);
}
constexpr Decoder kDecoders[] = {{"icmp4", DecodeIcmp<wire::ParseIcmp4>, false},
                                 {"icmp6", DecodeIcmp<wire::ParseIcmp6>, false}};

}  // namespace

std::span<const Decoder> IcmpDecoders() { return kDecoders; }

Napi::Value StartPing(Napi::Env env, std::shared_ptr<Host> host, Napi::Value options, Napi::Value netns) {
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
  Napi::Object handle = Napi::Object::New(env);
  handle["done"] = deferred.Promise();
  const auto reject = [&](Napi::Value why) {
    deferred.Reject(why);
    handle["stop"] = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
    return handle;
  };
  if (!host) return reject(Rejection(env, "EGRESSD_CLOSED", "the kernel door is closed"));
  std::string fault;
  net::PingRequest request = RequestFromArgs(Args(options, "options", &fault));
  if (!fault.empty()) return reject(Rejection(env, "EGRESSD_INVALID_OPERATION", fault));
  // NB: opened here and now. A ping may wait for its turn, and "/proc/thread-self" means another thread by then.
  Result<Fd> inside = netns.IsUndefined() ? net::DuplicateNetnsFd(host->netns.get()) : NetnsFromJs(netns, "netns", &fault);
  if (!fault.empty()) return reject(Rejection(env, "EGRESSD_INVALID_OPERATION", fault));
  if (!inside.ok()) return reject(PingRejection(env, inside.error()));

  Runtime& runtime = Runtime::Of(env);
  const auto errand =
      std::make_shared<PingErrand>(&runtime, deferred, std::move(request), std::move(inside.value()));
  if (const Status submitted = runtime.errands().Submit(errand); !submitted.ok())
    return reject(PingRejection(env, submitted.error()));
  runtime.Begin(env);
  handle["stop"] = Napi::Function::New(env, [errand](const Napi::CallbackInfo&) { errand->StopNow(); });
  return handle;
}

}  // namespace egressd::js
