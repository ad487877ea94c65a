#include "js/lock.h"

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
  if (lock->fd.valid()) {
    value["fd"] = lock->fd.Release();
  } else {
    value["holder"] = static_cast<double>(lock->holder);
  }
  return value;
}

}  // namespace egressd::js
