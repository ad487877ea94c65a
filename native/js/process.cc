#include "js/process.h"

#include <string>
#include <vector>

#include "js/args.h"
#include "js/to-js.h"
#include "js/verdict.h"
#include "net/peer-cred.h"
#include "net/replace.h"
#include "net/sd-notify.h"

namespace egressd::js {
namespace {

Napi::Value Throw(Napi::Env env, const char* op, const Error& error) {
  Napi::Object thrown = Napi::Error::New(env, error.operation + " failed").Value();
  thrown["fault"] = FaultToJs(env, op, error);
  Napi::Error(env, thrown).ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value Refuse(Napi::Env env, const char* expected) {
  Napi::TypeError::New(env, expected).ThrowAsJavaScriptException();
  return env.Undefined();
}

bool Texts(const Napi::Value& value, std::vector<std::string>* texts) {
  if (!value.IsArray()) return false;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value text = ElementOf(array, i);
    if (!text.IsString()) return false;
    texts->push_back(text.As<Napi::String>());
  }
  return true;
}

}  // namespace

Napi::Value Notify(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsString() || !info[2].IsArray())
    return Refuse(env, "notify: expected a name, a state and descriptors");
  const auto array = info[2].As<Napi::Array>();
  std::vector<int> fds;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value fd = ElementOf(array, i);
    if (!fd.IsNumber()) return Refuse(env, "notify: a descriptor is no number");
    fds.push_back(fd.As<Napi::Number>().Int32Value());
  }
  const Status sent = net::SdNotify(info[0].As<Napi::String>(), info[1].As<Napi::String>(), fds);
  return sent.ok() ? env.Undefined() : Throw(env, "process.notify", sent.error());
}

Napi::Value PeerCredentials(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber()) return Refuse(env, "peerCredentials: expected a descriptor");
  const Result<net::PeerCredentials> peer = net::PeerCredentialsOf(info[0].As<Napi::Number>().Int32Value());
  if (!peer.ok()) return Throw(env, "process.peer", peer.error());
  Napi::Object value = Napi::Object::New(env);
  value["pid"] = ToJs(env, peer.value().pid);
  value["uid"] = ToJs(env, peer.value().uid);
  value["gid"] = ToJs(env, peer.value().gid);
  Napi::Array groups = Napi::Array::New(env);
  for (const gid_t group : peer.value().groups) groups[groups.Length()] = ToJs(env, group);
  value["groups"] = groups;
  return value;
}

Napi::Value ReplaceProcess(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<std::string> argv, environment;
  if (!info[0].IsString() || !Texts(info[1], &argv) || argv.empty() || !Texts(info[2], &environment))
    return Refuse(env, "replaceProcess: expected a file, arguments and an environment");
  return Throw(env, "process.replace", net::ReplaceProcess(info[0].As<Napi::String>(), argv, environment));
}

}  // namespace egressd::js
