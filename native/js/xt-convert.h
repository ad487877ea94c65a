// Tables and rules of xtables legacy between C++ and JavaScript: XtRule, XtEdit and XtListedChain in
// src/kernel/ops-xt.ts.
#ifndef EGRESSD_JS_XT_CONVERT_H_
#define EGRESSD_JS_XT_CONVERT_H_

#include <napi.h>

#include <string>
#include <vector>

#include "js/args.h"
#include "wire/xt-edit.h"

namespace egressd::js {

// Fields `family`, `table` and `edits` of an operation. Faults go into `args`.
uint8_t XtFamilyFromJs(Args& args);  // AF_INET or AF_INET6
std::string XtTableNameFromJs(Args& args);
std::vector<wire::xt::Edit> XtEditsFromJs(Args& args, uint8_t family);

// { chains }: the value of xt.list.
Napi::Value XtTableToJs(Napi::Env env, const wire::xt::Table& table);

}  // namespace egressd::js

#endif  // EGRESSD_JS_XT_CONVERT_H_
