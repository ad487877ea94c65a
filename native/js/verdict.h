// Errors and verdicts as JavaScript sees them.
#ifndef EGRESSD_JS_VERDICT_H_
#define EGRESSD_JS_VERDICT_H_

#include <napi.h>

#include <string>

#include "core/result.h"

namespace egressd::js {

// "EEXIST"; "E4711" where the C library knows no name.
std::string ErrnoName(int number);
// { op, call, errno, number, message }: KernelFault in src/kernel/ops.ts.
Napi::Object FaultToJs(Napi::Env env, const char* op, const Error& error);
// An Error object for a promise to reject with; `code` is one of ours (EGRESSD_...).
Napi::Value Rejection(Napi::Env env, const char* code, const std::string& message);

}  // namespace egressd::js

#endif  // EGRESSD_JS_VERDICT_H_
