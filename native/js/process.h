// What a process asks of the system about itself and those who call it.
#ifndef EGRESSD_JS_PROCESS_H_
#define EGRESSD_JS_PROCESS_H_

#include <napi.h>

namespace egressd::js {

// notify(socketName, state, fds): on the JavaScript thread, which waits for kNotifyMilliseconds at most.
Napi::Value Notify(const Napi::CallbackInfo& info);
// peerCredentials(fd): { pid, uid, gid, groups }.
Napi::Value PeerCredentials(const Napi::CallbackInfo& info);
// replaceProcess(file, argv, environment): returns only by throwing.
Napi::Value ReplaceProcess(const Napi::CallbackInfo& info);
// All throw an error with a `fault`.

}  // namespace egressd::js

#endif  // EGRESSD_JS_PROCESS_H_
