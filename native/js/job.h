// A job: the steps of one run() call, executed in order on one executor thread.
#ifndef EGRESSD_JS_JOB_H_
#define EGRESSD_JS_JOB_H_

#include <napi.h>

#include <memory>

#include "js/door.h"

namespace egressd::js {

// Reads the operations, queues the job and returns a promise of its verdicts.
Napi::Value SubmitJob(Napi::Env env, const std::shared_ptr<Host>& host, Napi::Value operations);

}  // namespace egressd::js

#endif  // EGRESSD_JS_JOB_H_
