// Door.watch: what happens in the kernel, told on the JavaScript thread.
#ifndef EGRESSD_JS_WATCH_H_
#define EGRESSD_JS_WATCH_H_

#include <napi.h>

#include <memory>

#include "js/door.h"

namespace egressd::js {

// `listener` is called with a KernelBatch, `options` is WatchOptions (src/kernel/watch.ts). Returns
// { ready: Promise<WatchReach>, ended: Promise<void>, forget(index), counters(), stop() }. `ready` rejects with
//   EGRESSD_INVALID_OPERATION  an option is not of its form
//   EGRESSD_CLOSED             the door is closed, or stop() was called before it listened
//   EGRESSD_KERNEL             no socket or thread; `fault` says which and why
// `ended` resolves when its thread holds nothing any more; with a fault where it could not go on.
// NB: it does not keep the event loop alive, but until it is ready and from stop() to its end.
Napi::Value StartWatch(Napi::Env env, std::shared_ptr<Host> host, Napi::Value listener, Napi::Value options);

}  // namespace egressd::js

#endif  // EGRESSD_JS_WATCH_H_
