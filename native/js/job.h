// Jobs: the steps of a run() call, executed in order on one executor thread; or several of them in one hop.
#ifndef EGRESSD_JS_JOB_H_
#define EGRESSD_JS_JOB_H_

#include <napi.h>

#include <memory>

#include "js/door.h"
#include "js/preparation.h"

namespace egressd::js {

// Reads the operations, queues the job and returns a promise of its verdicts. With `many`, `operations` are those of several
// jobs, and the promise is of the verdicts of each. The first namespace that is made is the prepared one, where there is one.
// NB: by value, here and in what else reads what JavaScript gives it: a getter may close the door.
Napi::Value SubmitJobs(Napi::Env env, std::shared_ptr<Host> host, Napi::Value operations, bool many,
                       std::shared_ptr<Preparation> preparation);

}  // namespace egressd::js

#endif  // EGRESSD_JS_JOB_H_
