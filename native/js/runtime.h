// What one JavaScript environment (main thread or worker) owns: executor threads, and the way back from them.
#ifndef EGRESSD_JS_RUNTIME_H_
#define EGRESSD_JS_RUNTIME_H_

#include <napi.h>

#include <map>
#include <memory>

#include "core/fd.h"
#include "core/outbox.h"
#include "net/errands.h"
#include "net/executor.h"

namespace egressd::js {

// Work that ends on the JavaScript thread.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void Settle(Napi::Env env) = 0;
  // How many times Begin() was called for it. Asked once it is settled.
  virtual uint32_t Begun() const { return 1; }
};

class Runtime {
 public:
  explicit Runtime(Napi::Env env);
  static Runtime& Of(Napi::Env env);

  net::Executor& executor() { return executor_; }
  net::Errands& errands() { return errands_; }
  // Those of watches, which do not end: they would leave no thread to others.
  net::Errands& watches() { return watches_; }
  // JavaScript thread: one more, or one less, thing that keeps the event loop alive.
  void Begin(Napi::Env env);
  // JavaScript thread: functions that are called more than once, by number.
  uint32_t Listen(Napi::Function listener);
  Napi::Function Listener(uint32_t number) const;  // empty once it is not listening any more
  void Unlisten(uint32_t number) { listeners_.erase(number); }
  // JavaScript thread: a descriptor that is open until it is let go of, by number, or the environment goes.
  uint32_t Keep(Fd fd);
  void LetGo(uint32_t number) { kept_.erase(number); }
  // Any thread. Completions that arrive close together are settled in one turn of the loop.
  void Post(std::unique_ptr<Completion> completion);
  // { ok: true, value: undefined }, which most operations end with: one for all, frozen.
  Napi::Value Good(Napi::Env env);
  // Stops the threads; nothing is settled after it. Runs by itself when the environment goes.
  void Stop();

 private:
  void Drain(Napi::Env env);

  net::Executor executor_;
  net::Errands errands_;
  net::Errands watches_{true};
  std::map<uint32_t, Napi::FunctionReference> listeners_;
  uint32_t last_listener_ = 0;
  Napi::ObjectReference good_;
  std::map<uint32_t, Fd> kept_;
  uint32_t last_kept_ = 0;
  Napi::ThreadSafeFunction wake_;
  Outbox<std::unique_ptr<Completion>> done_;
  size_t pending_ = 0;
  bool stopped_ = false;
};

}  // namespace egressd::js

#endif  // EGRESSD_JS_RUNTIME_H_
