// Two debugging entry points, for tests and fuzzing, on the argument of IPT_SO_SET_REPLACE (a struct ipt_replace or
// ip6t_replace with its entries; the pointer to the counters is null).
//
//   decodeXt(family, blob): { chains }      the table it makes, as xt.list returns it
//   encodeXt(op, before, counters?)         what xt.edit sends where the table is as `before` made it, and the kernel
//     : { replace, addCounters } | null     returns `counters` (default: zeros) when it is replaced; null: nothing
//
// They throw where a blob does not parse or an edit cannot be made, with `fault` as in a verdict.
#ifndef EGRESSD_JS_CODEC_XT_H_
#define EGRESSD_JS_CODEC_XT_H_

#include <napi.h>

namespace egressd::js {

Napi::Value EncodeXtForJs(const Napi::CallbackInfo& info);
Napi::Value DecodeXtForJs(const Napi::CallbackInfo& info);

}  // namespace egressd::js

#endif  // EGRESSD_JS_CODEC_XT_H_
