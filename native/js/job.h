// Jobs: the steps of a run() call, executed in order on one executor thread; or several of them in one hop.
#ifndef EGRESSD_JS_JOB_H_
#define EGRESSD_JS_JOB_H_

#include <napi.h>

#include <memory>

#include "js/door.h"
#include "js/preparation.h"

namespace egressd::js {

// kMany: the operations are those of several jobs, and the promise is of the verdicts of each. kBulk: likewise, and it is one
// hop of many, which leave a thread to others (net/executor.h).
enum class Manner { kOne, kMany, kBulk };

// Reads the operations, queues the job and returns a promise of its verdicts. The first namespace that is made is the prepared one, where there is one;
// `next` is begun behind the job.
// NB: by value, here and in what else reads what JavaScript gives it: a getter may close the door.
Napi::Value SubmitJobs(Napi::Env env, std::shared_ptr<Host> host, Napi::Value operations, Manner manner,
                       std::shared_ptr<Preparation> preparation, std::shared_ptr<Preparation> next);

}  // namespace egressd::js

#endif  // EGRESSD_JS_JOB_H_
