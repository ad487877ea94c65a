// What one JavaScript environment (main thread or worker) owns: executor threads, and the way back from them.
#ifndef EGRESSD_JS_RUNTIME_H_
#define EGRESSD_JS_RUNTIME_H_

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "net/errands.h"
#include "net/executor.h"

namespace egressd::js {

// Work that ends on the JavaScript thread.
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void Settle(Napi::Env env) = 0;
};

class Runtime {
 public:
  explicit Runtime(Napi::Env env);
  static Runtime& Of(Napi::Env env);

  net::Executor& executor() { return executor_; }
  net::Errands& errands() { return errands_; }
  // JavaScript thread: one more, or one less, thing that keeps the event loop alive.
  void Begin(Napi::Env env);
  // Any thread. Completions that arrive close together are settled in one turn of the loop.
  void Post(std::unique_ptr<Completion> completion);
  // Stops the threads; nothing is settled after it. Runs by itself when the environment goes.
  void Stop();

 private:
  void Drain(Napi::Env env);

  net::Executor executor_;
  net::Errands errands_;
  Napi::ThreadSafeFunction wake_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Completion>> done_;
  size_t pending_ = 0;
  bool stopped_ = false;
};

}  // namespace egressd::js

#endif  // EGRESSD_JS_RUNTIME_H_
