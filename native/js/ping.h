// Door.ping: a series of echoes on an errand thread.
#ifndef EGRESSD_JS_PING_H_
#define EGRESSD_JS_PING_H_

#include <napi.h>

#include <memory>

#include "js/door.h"

namespace egressd::js {

// `options` is PingOptions, `netns` a NetnsRef or undefined for the host (src/kernel/kernel.ts). Returns
// { done: Promise<Echo[]>, stop(): void }. `done` rejects with
//   EGRESSD_INVALID_OPERATION  an option is not of its form
//   EGRESSD_CLOSED             the door is closed, or stop() was called before the last echo was settled
//   EGRESSD_KERNEL             no socket, namespace, interface or thread; `fault` says which and why
Napi::Value StartPing(Napi::Env env, std::shared_ptr<Host> host, Napi::Value options, Napi::Value netns);

}  // namespace egressd::js

#endif  // EGRESSD_JS_PING_H_
