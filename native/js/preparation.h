// A network namespace that is made while the job that wants it is still being thought of: making one is the longest of all
// steps, and needs nothing but time. At once, or by the thread that has just done another job, before it goes to sleep.
#ifndef EGRESSD_JS_PREPARATION_H_
#define EGRESSD_JS_PREPARATION_H_

#include <memory>
#include <mutex>
#include <optional>

#include "js/runtime.h"
#include "net/context.h"

namespace egressd::js {

// Shared by the task that makes the namespace and whoever it is for.
class Preparation {
 public:
  // Begins. ECANCELED where the environment is going away.
  static Result<std::shared_ptr<Preparation>> Begin(Runtime* runtime);
  // For Task::Done of the job that it comes behind. Nothing is made that nobody waits for any more.
  static void Follow(std::shared_ptr<Preparation> next, Runtime* runtime);

  // JavaScript thread, once: `job` is run when the namespace is there, by the thread that made it. Hands the job back where that
  // has happened already, or is not to: then it may be submitted.
  std::unique_ptr<net::Task> Await(std::unique_ptr<net::Task> job);
  // For that job, on its thread. ECANCELED where it was never begun.
  Result<net::NewNetns> Take();

 private:
  class Making;
  std::mutex mutex_;
  enum { kLater, kBegun, kNever } state_ = kLater;
  std::optional<Result<net::NewNetns>> made_;
  std::unique_ptr<net::Task> waiting_;
};

}  // namespace egressd::js

#endif  // EGRESSD_JS_PREPARATION_H_
