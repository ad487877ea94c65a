#include <napi.h>

#include "js/codec.h"
#include "js/codec-xt.h"
#include "js/door.h"
#include "js/lock.h"
#include "js/process.h"
#include "js/runtime.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new egressd::js::Runtime(env));
  exports["Door"] = egressd::js::Door::Define(env);
  exports["encode"] = Napi::Function::New(env, egressd::js::EncodeForJs, "encode");
  exports["decode"] = Napi::Function::New(env, egressd::js::DecodeForJs, "decode");
  exports["encodeXt"] = Napi::Function::New(env, egressd::js::EncodeXtForJs, "encodeXt");
  exports["decodeXt"] = Napi::Function::New(env, egressd::js::DecodeXtForJs, "decodeXt");
  exports["lockFile"] = Napi::Function::New<egressd::js::LockFile>(env, "lockFile");
  exports["notify"] = Napi::Function::New<egressd::js::Notify>(env, "notify");
  exports["peerCredentials"] = Napi::Function::New<egressd::js::PeerCredentials>(env, "peerCredentials");
  exports["replaceProcess"] = Napi::Function::New<egressd::js::ReplaceProcess>(env, "replaceProcess");
  return exports;
}

}  // namespace

NODE_API_MODULE(egressd, Init)
