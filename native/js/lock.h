// lockFile(path): { fd, unlock() } or { holder }. The descriptor stays the addon's: unlock() closes it, or the end of the
// environment.
#ifndef EGRESSD_JS_LOCK_H_
#define EGRESSD_JS_LOCK_H_

#include <napi.h>

namespace egressd::js {

// On the JavaScript thread: four system calls that do not wait. Throws an error with a `fault`.
Napi::Value LockFile(const Napi::CallbackInfo& info);

}  // namespace egressd::js

#endif  // EGRESSD_JS_LOCK_H_
