#include "wire/nft-rule.h"

#include <linux/netlink.h>

#include "wire/nft-userdata.h"

namespace egressd::wire {

Result<Message> AddNftRule(const NftRule& rule, const NftRulePlace& place) {
  Writer w = NftBody(rule.family);
  w.String(NFTA_RULE_TABLE, rule.table);
  w.String(NFTA_RULE_CHAIN, rule.chain);
  if (place.handle) w.Be64(NFTA_RULE_POSITION, *place.handle);
  WriteNftExprs(&w, NFTA_RULE_EXPRESSIONS, rule.exprs);
  if (rule.comment) {
    Userdata userdata;
    userdata.String(kRuleComment, *rule.comment);
    userdata.WriteTo(&w, NFTA_RULE_USERDATA);
  }
  const auto flags = static_cast<uint16_t>(NLM_F_CREATE | (place.insert ? 0 : NLM_F_APPEND));
  return Finish(NftType(NFT_MSG_NEWRULE), flags, &w, "NFT_MSG_NEWRULE");
}

Result<Message> DeleteNftRule(NftFamily family, const std::string& table, const std::string& chain,
                              std::optional<uint64_t> handle) {
  Writer w = NftBody(family);
  w.String(NFTA_RULE_TABLE, table);
  w.String(NFTA_RULE_CHAIN, chain);
  if (handle) w.Be64(NFTA_RULE_HANDLE, *handle);
  return Finish(NftType(NFT_MSG_DELRULE), 0, &w, "NFT_MSG_DELRULE");
}

Result<Message> ListNftRules(NftFamily family, const std::string& table) {
  Writer w = NftBody(family);
  if (!table.empty()) w.String(NFTA_RULE_TABLE, table);
  return Finish(NftType(NFT_MSG_GETRULE), 0, &w, "NFT_MSG_GETRULE");
}

Result<NftRule> ParseNftRule(View body) {
  const auto header = TakeHeader<nfgenmsg>(&body);
  if (!header) return Malformed("NFT_MSG_NEWRULE");
  NftRule rule;
  rule.family = header->nfgen_family;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_RULE_TABLE: rule.table = r.String(); break;
      case NFTA_RULE_CHAIN: rule.chain = r.String(); break;
      case NFTA_RULE_HANDLE: rule.handle = r.Be64(); break;
      case NFTA_RULE_EXPRESSIONS: rule.exprs = ParseNftExprs(&r); break;
      case NFTA_RULE_USERDATA: rule.comment = UserdataString(r.payload(), kRuleComment); break;
    }
  }
  if (!r.ok() || rule.table.empty() || rule.chain.empty()) return Malformed("NFT_MSG_NEWRULE");
  return rule;
}

}  // namespace egressd::wire
