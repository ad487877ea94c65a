#include "js/watch.h"

#include <cerrno>
#include <optional>
#include <utility>

#include "js/args.h"
#include "js/nft-names.h"
#include "js/runtime.h"
#include "js/to-js.h"
#include "js/verdict.h"
#include "net/errands.h"
#include "net/monitor.h"
#include "net/stop-signal.h"

namespace egressd::js {
namespace {

Napi::Value WatchRejection(Napi::Env env, const Error& error) {
  if (error.number == ECANCELED) return Rejection(env, "EGRESSD_CLOSED", "the watch was stopped");
  const Napi::Value rejection = Rejection(env, "EGRESSD_KERNEL", "watch: " + error.operation + " failed");
  rejection.As<Napi::Object>().Set("fault", FaultToJs(env, "watch", error));
  return rejection;
}

Napi::Object EventToJs(Napi::Env env, const net::KernelEvent& event) {
  constexpr const char* kKinds[] = {"link", "address", "route", "nft"};
  Napi::Object object = Napi::Object::New(env);
  object["kind"] = kKinds[static_cast<size_t>(event.kind)];
  object["action"] = event.gone ? "delete" : "new";
  if (event.kind == net::KernelEvent::Kind::kNft) {
    const char* family = NameOf(kNftFamilies, event.family);
    object["family"] = family != nullptr ? Napi::Value(Napi::String::New(env, family)) : env.Null();
    object["table"] = event.table;
    object["by"] = env.Null();
    if (event.by && event.by->pid != 0) {
      Napi::Object by = Napi::Object::New(env);
      by["pid"] = ToJs(env, event.by->pid);
      by["name"] = event.by->name;
      object["by"] = by;
    }
    return object;
  }
  object["nsid"] = ToJs(env, event.nsid);
  object["index"] = ToJs(env, event.index);
  object["name"] = event.name.empty() ? env.Null() : Napi::Value(ToJs(env, event.name));
  object["mark"] = event.mark.empty() ? env.Null() : Napi::Value(ToJs(env, event.mark));
  object["outside"] = event.outside == 0 ? env.Null() : Napi::Value(ToJs(env, event.outside));
  return object;
}

class WatchErrand final : public net::Errand, public std::enable_shared_from_this<WatchErrand> {
 public:
  WatchErrand(Napi::Env env, Runtime* runtime, uint32_t listener, net::MonitorOptions options, Fd netns)
      : runtime_(runtime),
        listener_(listener),
        ready_(Napi::Promise::Deferred::New(env)),
        ended_(Napi::Promise::Deferred::New(env)),
        netns_(std::move(netns)),
        monitor_(options, [this](const net::MonitorReach& reach) { PostReady(reach); },
                 [this](net::Batch* batch) { return PostBatch(batch); }) {}

  void Run() override {
    const Status status = Watch();
    netns_.Reset();
    stop_.Disarm();
    runtime_->Post(std::make_unique<End>(shared_from_this(), status.error()));
  }
  void Stop() override { stop_.Stop(); }

  // JavaScript thread.
  void StopNow(Napi::Env env) {
    if (stopping_ || over_) return;
    stopping_ = true;
    runtime_->Unlisten(listener_);
    // NB: whoever waits for the end must not wait in vain because nothing else keeps the event loop alive.
    runtime_->Begin(env);
    Stop();
  }
  void Reject(Napi::Value why) {
    over_ = true;
    // Those that the handle is made of live on until they are collected.
    netns_.Reset();
    runtime_->Unlisten(listener_);
    ready_.Reject(why);
    ended_.Resolve(why.Env().Undefined());
  }

  Napi::Promise ready() const { return ready_.Promise(); }
  Napi::Promise ended() const { return ended_.Promise(); }
  net::Monitor& monitor() { return monitor_; }

 private:
  class Listening final : public Completion {
   public:
    Listening(std::shared_ptr<WatchErrand> errand, net::MonitorReach reach) : errand_(std::move(errand)), reach_(reach) {}
    void Settle(Napi::Env env) override {
      errand_->listens_ = true;
      Napi::Object reach = Napi::Object::New(env);
      reach["inside"] = reach_.inside;
      reach["nftables"] = reach_.nftables;
      errand_->ready_.Resolve(reach);
    }

   private:
    std::shared_ptr<WatchErrand> errand_;
    net::MonitorReach reach_;
  };

  class News final : public Completion {
   public:
    News(std::shared_ptr<WatchErrand> errand, bool overrun, std::vector<net::KernelEvent> events)
        : errand_(std::move(errand)), overrun_(overrun), events_(std::move(events)) {}
    void Settle(Napi::Env env) override {
      errand_->under_way_ = false;
      const Napi::Function listener = errand_->runtime_->Listener(errand_->listener_);
      if (listener.IsEmpty()) return;
      Napi::Object batch = Napi::Object::New(env);
      batch["overrun"] = overrun_;
      Napi::Array events = Napi::Array::New(env, events_.size());
      for (uint32_t i = 0; i < events_.size(); ++i) {
        const Napi::HandleScope scope(env);
        events[i] = EventToJs(env, events_[i]);
      }
      batch["events"] = events;
      listener.Call({batch});
    }
    uint32_t Begun() const override { return 0; }

   private:
    std::shared_ptr<WatchErrand> errand_;
    bool overrun_;
    std::vector<net::KernelEvent> events_;
  };

  class End final : public Completion {
   public:
    End(std::shared_ptr<WatchErrand> errand, Error error) : errand_(std::move(errand)), error_(std::move(error)) {}
    void Settle(Napi::Env env) override {
      WatchErrand& errand = *errand_;
      errand.over_ = true;
      errand.runtime_->watches().Reap();
      errand.runtime_->Unlisten(errand.listener_);
      if (!errand.listens_) errand.ready_.Reject(WatchRejection(env, error_));
      errand.ended_.Resolve(error_.number == ECANCELED ? env.Null() : Napi::Value(FaultToJs(env, "watch", error_)));
    }
    uint32_t Begun() const override { return (errand_->listens_ ? 0 : 1) + (errand_->stopping_ ? 1 : 0); }

   private:
    std::shared_ptr<WatchErrand> errand_;
    Error error_;
  };

  Status Watch() {
    EGRESSD_TRY(stop_.Arm());
    EGRESSD_TRY(net::EnterNetns(netns_.get()));
    return monitor_.Run(stop_.fd());
  }
  void PostReady(const net::MonitorReach& reach) {
    runtime_->Post(std::make_unique<Listening>(shared_from_this(), reach));
  }
  // One batch at a time: while JavaScript is busy, the next goes on gathering.
  bool PostBatch(net::Batch* batch) {
    if (under_way_.exchange(true)) return false;
    const bool overrun = batch->overrun();
    runtime_->Post(std::make_unique<News>(shared_from_this(), overrun, batch->TakeEvents()));
    return true;
  }

  Runtime* runtime_;
  uint32_t listener_;
  Napi::Promise::Deferred ready_;
  Napi::Promise::Deferred ended_;
  Fd netns_;
  net::StopSignal stop_;
  net::Monitor monitor_;
  std::atomic<bool> under_way_ = false;
  // JavaScript thread.
  bool listens_ = false;
  bool stopping_ = false;
  bool over_ = false;
};

net::MonitorOptions OptionsFromArgs(Args args) {
  net::MonitorOptions options;
  std::optional<int32_t> bytes;
  args.Maybe("receiveBuffer", &bytes);
  if (bytes && *bytes < 1) args.Fail("receiveBuffer", "expected a number from 1");
  if (bytes) options.receive_buffer = *bytes;
  std::optional<uint16_t> delay;
  args.Maybe("delayMs", &delay);
  if (delay) options.delay = std::chrono::milliseconds(*delay);
  return options;
}

Napi::Object CountersToJs(Napi::Env env, const net::MonitorCounters& counters) {
  Napi::Object object = Napi::Object::New(env);
  object["datagrams"] = Napi::Number::New(env, static_cast<double>(counters.datagrams.load()));
  object["batches"] = Napi::Number::New(env, static_cast<double>(counters.batches.load()));
  object["overruns"] = Napi::Number::New(env, static_cast<double>(counters.overruns.load()));
  return object;
}

}  // namespace

Napi::Value StartWatch(Napi::Env env, std::shared_ptr<Host> host, Napi::Value listener, Napi::Value options) {
  Runtime& runtime = Runtime::Of(env);
  std::string fault;
  if (!listener.IsFunction()) fault = "listener: expected a function";
  const net::MonitorOptions parsed = OptionsFromArgs(Args(options, "options", &fault));
  Result<Fd> netns = host ? net::DuplicateNetnsFd(host->netns.get()) : Result<Fd>(Error{ECANCELED, "watch", {}, 0});
  const uint32_t number = fault.empty() ? runtime.Listen(listener.As<Napi::Function>()) : 0;
  const auto errand = std::make_shared<WatchErrand>(env, &runtime, number, parsed, netns.ok() ? std::move(*netns) : Fd());
  Napi::Object handle = Napi::Object::New(env);
  handle["ready"] = errand->ready();
  handle["ended"] = errand->ended();
  handle["forget"] = Napi::Function::New(env, [errand](const Napi::CallbackInfo& info) {
    if (info[0].IsNumber()) errand->monitor().Forget(info[0].As<Napi::Number>().Uint32Value());
  });
  handle["counters"] = Napi::Function::New(
      env, [errand](const Napi::CallbackInfo& info) { return CountersToJs(info.Env(), errand->monitor().counters()); });
  handle["stop"] = Napi::Function::New(env, [errand](const Napi::CallbackInfo& info) { errand->StopNow(info.Env()); });
  if (!fault.empty()) {
    errand->Reject(Rejection(env, "EGRESSD_INVALID_OPERATION", fault));
  } else if (!host) {
    errand->Reject(Rejection(env, "EGRESSD_CLOSED", "the kernel door is closed"));
  } else if (!netns.ok()) {
    errand->Reject(WatchRejection(env, netns.error()));
  } else if (const Status submitted = runtime.watches().Submit(errand); !submitted.ok()) {
    errand->Reject(WatchRejection(env, submitted.error()));
  } else {
    runtime.Begin(env);
  }
  return handle;
}

}  // namespace egressd::js
