#include "js/door.h"

#include "js/job.h"
#include "js/netns-ref.h"
#include "js/ping.h"
#include "js/verdict.h"
#include "js/watch.h"

namespace egressd::js {

Napi::Function Door::Define(Napi::Env env) {
  return DefineClass(env, "Door",
                     {InstanceMethod("run", &Door::Run), InstanceMethod("runAll", &Door::RunAll),
                      InstanceMethod("prepare", &Door::Prepare), InstanceMethod("prepareNext", &Door::PrepareNext),
                      InstanceMethod("forgo", &Door::Forgo),
                      InstanceMethod("pinFd", &Door::PinFd),
                      InstanceMethod("ping", &Door::Ping), InstanceMethod("watch", &Door::Watch), InstanceMethod("close", &Door::Close),
                      InstanceAccessor("host", &Door::Identity, nullptr), InstanceAccessor("hostFd", &Door::HostFd, nullptr)});
}

Door::Door(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Door>(info) {
  std::string fault;
  Result<Fd> netns = info[0].IsUndefined() ? net::OpenCurrentNetns() : NetnsFromJs(info[0], "host", &fault);
  if (!fault.empty()) {
    Napi::Error(info.Env(), Rejection(info.Env(), "EGRESSD_INVALID_OPERATION", fault)).ThrowAsJavaScriptException();
    return;
  }
  Result<net::NetnsIdentity> identity =
      netns.ok() ? net::IdentifyNetns(netns->get()) : Result<net::NetnsIdentity>(netns.error());
  if (!identity.ok()) {
    Napi::Object error = Napi::Error::New(info.Env(), "the host network namespace cannot be opened").Value();
    error["fault"] = FaultToJs(info.Env(), "netns.open", identity.error());
    Napi::Error(info.Env(), error).ThrowAsJavaScriptException();
    return;
  }
  host_ = std::make_shared<Host>();
  host_->netns = std::move(netns.value());
  host_->identity = identity.value();
}

Napi::Value Door::Identity(const Napi::CallbackInfo& info) {
  if (!host_) return info.Env().Null();
  return IdentityToJs(info.Env(), host_->identity);
}

Napi::Value Door::HostFd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), host_ ? host_->netns.get() : -1);
}

Napi::Value Door::Run(const Napi::CallbackInfo& info) {
  std::shared_ptr<Preparation> preparation;
  if (!info[1].IsUndefined()) {
    const auto found = info[1].IsNumber() ? prepared_.find(info[1].As<Napi::Number>().Uint32Value()) : prepared_.end();
    if (found == prepared_.end() && host_) {
      Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(info.Env());
      deferred.Reject(Rejection(info.Env(), "EGRESSD_INVALID_OPERATION", "prepared: there is none of that number"));
      return deferred.Promise();
    }
    if (found != prepared_.end()) {
      preparation = found->second;
      prepared_.erase(found);
    }
  }
  const auto next = info[2].IsNumber() ? prepared_.find(info[2].As<Napi::Number>().Uint32Value()) : prepared_.end();
  return SubmitJobs(info.Env(), host_, info[0], Manner::kOne, std::move(preparation), next == prepared_.end() ? nullptr : next->second);
}

Napi::Value Door::RunAll(const Napi::CallbackInfo& info) {
  return SubmitJobs(info.Env(), host_, info[0], info[1].ToBoolean() ? Manner::kBulk : Manner::kMany, nullptr, nullptr);
}

// 0 where nothing was begun: then the job makes its namespace itself.
Napi::Value Door::Prepare(const Napi::CallbackInfo& info) {
  if (!host_) return Napi::Number::New(info.Env(), 0);
  Result<std::shared_ptr<Preparation>> begun = Preparation::Begin(&Runtime::Of(info.Env()));
  if (!begun.ok()) return Napi::Number::New(info.Env(), 0);
  prepared_[++last_prepared_] = std::move(begun.value());
  return Napi::Number::New(info.Env(), last_prepared_);
}

// Begun by the thread that has done the job whose `next` it is.
Napi::Value Door::PrepareNext(const Napi::CallbackInfo& info) {
  if (!host_) return Napi::Number::New(info.Env(), 0);
  prepared_[++last_prepared_] = std::make_shared<Preparation>();
  return Napi::Number::New(info.Env(), last_prepared_);
}

void Door::Forgo(const Napi::CallbackInfo& info) {
  if (info[0].IsNumber()) prepared_.erase(info[0].As<Napi::Number>().Uint32Value());
}

Napi::Value Door::Ping(const Napi::CallbackInfo& info) {
  return StartPing(info.Env(), host_, info[0], info[1]);
}

Napi::Value Door::Watch(const Napi::CallbackInfo& info) {
  return StartWatch(info.Env(), host_, info[0], info[1].IsUndefined() ? Napi::Object::New(info.Env()) : info[1]);
}

// On the JavaScript thread: creating the file and mounting on it take 15 microseconds, less than the way to another thread.
Napi::Value Door::PinFd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsString()) {
    Napi::TypeError::New(env, "expected a descriptor and a path").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const int fd = info[0].As<Napi::Number>().Int32Value();
  Status pinned;
  if (Result<net::NetnsIdentity> identity = net::IdentifyNetns(fd); identity.ok()) {
    pinned = net::PinNetns(fd, info[1].As<Napi::String>().Utf8Value());
  } else {
    pinned = identity.error();
  }
  return pinned.ok() ? env.Null() : Napi::Value(FaultToJs(env, "netns.pin", pinned.error()));
}

void Door::Close(const Napi::CallbackInfo&) {
  host_.reset();
  prepared_.clear();
}

}  // namespace egressd::js
