// The addon's class: the kernel as seen from one host network namespace.
#ifndef EGRESSD_JS_DOOR_H_
#define EGRESSD_JS_DOOR_H_

#include <napi.h>

#include <map>
#include <memory>

#include "js/preparation.h"
#include "net/context.h"
#include "net/executor.h"

namespace egressd::js {

// What jobs of one door share. Each executor thread has its own sockets in it, so they need no lock.
struct Host {
  Fd netns;
  net::NetnsIdentity identity;
  net::NetnsSockets sockets[net::Executor::kThreads];
};

class Door : public Napi::ObjectWrap<Door> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Door(const Napi::CallbackInfo& info);

 private:
  Napi::Value Identity(const Napi::CallbackInfo& info);
  Napi::Value HostFd(const Napi::CallbackInfo& info);
  Napi::Value Run(const Napi::CallbackInfo& info);
  Napi::Value RunAll(const Napi::CallbackInfo& info);
  Napi::Value Prepare(const Napi::CallbackInfo& info);
  Napi::Value PrepareNext(const Napi::CallbackInfo& info);
  void Forgo(const Napi::CallbackInfo& info);
  Napi::Value PinFd(const Napi::CallbackInfo& info);
  Napi::Value Ping(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  std::shared_ptr<Host> host_;
  std::map<uint32_t, std::shared_ptr<Preparation>> prepared_;  // by what prepare() answered
  uint32_t last_prepared_ = 0;
};

}  // namespace egressd::js

#endif  // EGRESSD_JS_DOOR_H_
