#include "js/lock.h"

#include <utility>

#include "js/runtime.h"
#include "js/verdict.h"
#include "net/file-lock.h"

namespace egressd::js {

Napi::Value LockFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) {
    Napi::TypeError::New(env, "lockFile: expected a path").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Result<net::FileLock> lock = net::LockFile(info[0].As<Napi::String>().Utf8Value());
  if (!lock.ok()) {
    Napi::Object error = Napi::Error::New(env, "the file cannot be locked").Value();
    error["fault"] = FaultToJs(env, "file.lock", lock.error());
    Napi::Error(env, error).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Object value = Napi::Object::New(env);
  if (!lock->fd.valid()) {
    value["holder"] = static_cast<double>(lock->holder);
    return value;
  }
  value["fd"] = lock->fd.get();
  // NB: by a number of ours. That of the descriptor may be another file's by the time it is asked for twice.
  const uint32_t number = Runtime::Of(env).Keep(std::move(lock->fd));
  const auto unlock = [number](const Napi::CallbackInfo& called) { Runtime::Of(called.Env()).LetGo(number); };
  value["unlock"] = Napi::Function::New(env, unlock, "unlock");
  return value;
}

}  // namespace egressd::js
