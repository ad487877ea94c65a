#include "js/door.h"

#include "js/job.h"
#include "js/netns-ref.h"
#include "js/ping.h"
#include "js/verdict.h"

namespace egressd::js {

Napi::Function Door::Define(Napi::Env env) {
  return DefineClass(env, "Door",
                     {InstanceMethod("run", &Door::Run), InstanceMethod("ping", &Door::Ping), InstanceMethod("close", &Door::Close),
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
  return SubmitJob(info.Env(), host_, info[0]);
}

Napi::Value Door::Ping(const Napi::CallbackInfo& info) {
  return StartPing(info.Env(), host_, info[0], info[1]);
}

void Door::Close(const Napi::CallbackInfo&) { host_.reset(); }

}  // namespace egressd::js
