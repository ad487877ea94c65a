// nf_tables expressions and verdicts between C++ and JavaScript.
#ifndef EGRESSD_JS_NFT_EXPR_H_
#define EGRESSD_JS_NFT_EXPR_H_

#include <napi.h>

#include <vector>

#include "js/args.h"
#include "wire/nft-expr.h"

namespace egressd::js {

wire::NftVerdict NftVerdictFromArgs(Args& args);
Napi::Object NftVerdictToJs(Napi::Env env, const wire::NftVerdict& verdict);

wire::NftExpr NftExprFromArgs(Args& args);
std::vector<wire::NftExpr> NftExprsFromArgs(Args& args, const char* key);
// Fields that have their default are left out.
Napi::Object NftExprToJs(Napi::Env env, const wire::NftExpr& expr);
Napi::Array NftExprsToJs(Napi::Env env, const std::vector<wire::NftExpr>& exprs);

Napi::Value BytesToJs(Napi::Env env, wire::View bytes);

}  // namespace egressd::js

#endif  // EGRESSD_JS_NFT_EXPR_H_
