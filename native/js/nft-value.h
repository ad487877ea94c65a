// A ruleset as read, to JavaScript.
#ifndef EGRESSD_JS_NFT_VALUE_H_
#define EGRESSD_JS_NFT_VALUE_H_

#include <napi.h>

#include "net/nft.h"

namespace egressd::js {

Napi::Object NftTableToJs(Napi::Env env, const wire::NftTable& table);
Napi::Object NftChainToJs(Napi::Env env, const wire::NftChain& chain);
Napi::Object NftRuleToJs(Napi::Env env, const wire::NftRule& rule);
Napi::Object NftSetToJs(Napi::Env env, const wire::NftSet& set);
// One message of a dump: { family, table, set, elements }.
Napi::Object NftElementListToJs(Napi::Env env, const wire::NftElementList& list);
Napi::Object NftRulesetToJs(Napi::Env env, const net::NftRuleset& ruleset);

}  // namespace egressd::js

#endif  // EGRESSD_JS_NFT_VALUE_H_
