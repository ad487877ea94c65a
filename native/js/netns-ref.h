// Namespace references and identities between C++ and JavaScript.
#ifndef EGRESSD_JS_NETNS_REF_H_
#define EGRESSD_JS_NETNS_REF_H_

#include <napi.h>

#include <string>

#include "js/args.h"
#include "net/netns.h"

namespace egressd::js {

// { path } | { pid } | { fd }, opened later, on another thread. `fd` is duplicated now: the caller may close it.
struct NetnsSource {
  std::string path;
  pid_t pid = 0;
  Fd fd;
  Error error;  // of the duplication

  Result<Fd> Open();
};

NetnsSource NetnsSourceFromArgs(Args args);
// Opens at once. A fault of form goes to `fault`.
Result<Fd> NetnsFromJs(Napi::Value value, const char* path, std::string* fault);
Napi::Object IdentityToJs(Napi::Env env, const net::NetnsIdentity& identity);

}  // namespace egressd::js

#endif  // EGRESSD_JS_NETNS_REF_H_
