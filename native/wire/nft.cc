#include "wire/nft.h"

#include <endian.h>
#include <linux/netlink.h>

namespace egressd::wire {
namespace {

Message BatchEdge(uint16_t type, const char* what, std::optional<uint32_t> generation) {
  Writer w;
  // res_id names the subsystem that the batch is for.
  w.Struct(nfgenmsg{kAnyNftFamily, NFNETLINK_V0, htobe16(NFNL_SUBSYS_NFTABLES)});
  if (generation) w.Be32(NFNL_BATCH_GENID, *generation);
  return Message{type, 0, w.Take(), what};
}

struct Span {
  size_t begin;
  size_t end;
  bool Holds(size_t at) const { return begin <= at && at < end; }
};

// Walks attributes in `bytes[from, to)`; calls `visit(type, span of the whole attribute)` until it returns true.
template <typename Visit>
void Walk(View bytes, size_t from, size_t to, const Visit& visit) {
  while (from + sizeof(nlattr) <= to) {
    nlattr header;
    std::memcpy(&header, bytes.data() + from, sizeof(header));
    if (header.nla_len < sizeof(header) || from + header.nla_len > to) return;
    if (visit(static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK), Span{from, from + header.nla_len})) return;
    from += (size_t{header.nla_len} + 3) & ~size_t{3};
  }
}

}  // namespace

Writer NftBody(NftFamily family) {
  Writer w;
  w.Struct(nfgenmsg{family, NFNETLINK_V0, 0});
  return w;
}

Result<Message> NftNamed(nf_tables_msg_types type, const char* what, NftFamily family, uint16_t table_attribute,
                         const std::string& table, uint16_t name_attribute, const std::string& name) {
  Writer w = NftBody(family);
  w.String(table_attribute, table);
  if (name_attribute != 0) w.String(name_attribute, name);
  return Finish(NftType(type), 0, &w, what);
}

Message NftBatchBegin(std::optional<uint32_t> generation) {
  return BatchEdge(NFNL_MSG_BATCH_BEGIN, "NFNL_MSG_BATCH_BEGIN", generation);
}
Message NftBatchEnd() { return BatchEdge(NFNL_MSG_BATCH_END, "NFNL_MSG_BATCH_END", std::nullopt); }

Message NftGetGeneration() { return Message{NftType(NFT_MSG_GETGEN), 0, NftBody(kAnyNftFamily).Take(), "NFT_MSG_GETGEN"}; }

Result<uint32_t> ParseNftGeneration(View body) {
  if (!TakeHeader<nfgenmsg>(&body)) return Malformed("NFT_MSG_GETGEN");
  Reader r(body);
  std::optional<uint32_t> generation;
  while (r.Next())
    if (r.type() == NFTA_GEN_ID) generation = r.Be32();
  if (!r.ok() || !generation) return Malformed("NFT_MSG_GETGEN");
  return *generation;
}

NftPlace FindNftPlace(View body, uint32_t offset) {
  NftPlace place;
  if (offset < sizeof(nlmsghdr)) return place;
  const size_t at = offset - sizeof(nlmsghdr);
  Walk(body, sizeof(nfgenmsg), body.size(), [&](uint16_t type, Span outer) {
    if (!outer.Holds(at)) return false;
    place.attribute = type;
    nlattr header;
    std::memcpy(&header, body.data() + outer.begin, sizeof(header));
    if (at == outer.begin || !(header.nla_type & NLA_F_NESTED)) return true;
    size_t index = 0;
    Walk(body, outer.begin + sizeof(nlattr), outer.end, [&](uint16_t, Span inner) {
      if (inner.Holds(at)) place.index = index;
      ++index;
      return place.index.has_value();
    });
    return true;
  });
  return place;
}

}  // namespace egressd::wire
