#include "wire/nft-set.h"

#include <linux/netlink.h>

#include "wire/nft-userdata.h"

namespace egressd::wire {
namespace {

// What nft calls byteorder: how it must read the bytes of a key to print them.
enum : uint32_t { kUnspecified = 0, kHostOrder = 1, kBigEndian = 2 };

// As nft 1.0.6 writes it for a set of each of its types.
uint32_t ByteorderOf(uint32_t type) {
  switch (type) {
    case 7:   // ipv4_addr
    case 8:   // ipv6_addr
    case 9:   // ether_addr
    case 10:  // ether_type
    case 11:  // arp_op
    case 13:  // inet_service
    case 14:  // icmp_type
    case 15:  // tcp_flag
    case 17:  // mh_type
    case 29:  // icmpv6_type
    case 32:  // icmp_code
    case 33:  // icmpv6_code
    case 34:  // icmpx_code
    case 36:  // dscp
    case 37:  // ecn
    case 42:  // igmp_type
      return kBigEndian;
    case 18:  // time
    case 19:  // mark
    case 20:  // iface_index
    case 21:  // iface_type
    case 22:  // realm
    case 23:  // classid
    case 24:  // uid
    case 25:  // gid
    case 26:  // ct_state
    case 28:  // ct_status
    case 31:  // pkt_type
    case 35:  // devgroup
    case 38:  // fib_addrtype
    case 41:  // ifname
    case 46:  // cgroupsv2
      return kHostOrder;
  }
  return kUnspecified;  // concatenations, verdicts, single bytes
}

void WriteDescription(Writer* w, const NftSet& set) {
  if (!set.size && set.concat.empty()) return;
  const auto description = w->Nested(NFTA_SET_DESC);
  if (set.size) w->Be32(NFTA_SET_DESC_SIZE, *set.size);
  if (set.concat.empty()) return;
  const auto fields = w->Nested(NFTA_SET_DESC_CONCAT);
  for (const uint32_t length : set.concat) {
    const auto field = w->Nested(NFTA_LIST_ELEM);
    w->Be32(NFTA_SET_FIELD_LEN, length);
  }
}

void ParseConcat(Reader* outer, NftSet* set) {
  Reader list = outer->Nested();
  while (list.Next()) {
    Reader field = list.Nested();
    while (field.Next())
      if (field.type() == NFTA_SET_FIELD_LEN) set->concat.push_back(field.Be32());
    list.Absorb(field);
  }
  outer->Absorb(list);
}

void ParseDescription(Reader* outer, NftSet* set) {
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_SET_DESC_SIZE: set->size = r.Be32(); break;
      case NFTA_SET_DESC_CONCAT: ParseConcat(&r, set); break;
    }
  }
  outer->Absorb(r);
}

void WriteSetExprs(Writer* w, const std::vector<NftExpr>& exprs) {
  // Kernels before 5.11 know the singular only.
  if (exprs.size() == 1) {
    const auto one = w->Nested(NFTA_SET_EXPR);
    WriteNftExpr(w, exprs.front());
  } else if (!exprs.empty()) {
    WriteNftExprs(w, NFTA_SET_EXPRESSIONS, exprs);
  }
}

void ParseUserdata(View userdata, NftSet* set) {
  set->comment = UserdataString(userdata, kSetComment);
  const View key_typeof = FindUserdata(userdata, kSetKeyTypeof).value_or(View{});
  set->key_typeof.assign(key_typeof.begin(), key_typeof.end());
}

}  // namespace

Result<Message> AddNftSet(const NftSet& set, bool exclusive, uint32_t id) {
  Writer w = NftBody(set.family);
  w.String(NFTA_SET_TABLE, set.table);
  w.String(NFTA_SET_NAME, set.name);
  w.Be32(NFTA_SET_FLAGS, set.flags);
  w.Be32(NFTA_SET_KEY_TYPE, set.key_type);
  w.Be32(NFTA_SET_KEY_LEN, set.key_length);
  if (set.data) {
    w.Be32(NFTA_SET_DATA_TYPE, set.data->type);
    w.Be32(NFTA_SET_DATA_LEN, set.data->length);
  }
  if (set.object_type) w.Be32(NFTA_SET_OBJ_TYPE, *set.object_type);
  if (set.timeout) w.Be64(NFTA_SET_TIMEOUT, *set.timeout);
  if (set.gc_interval) w.Be32(NFTA_SET_GC_INTERVAL, *set.gc_interval);
  w.Be32(NFTA_SET_ID, id);
  WriteDescription(&w, set);
  WriteSetExprs(&w, set.exprs);
  Userdata userdata;
  userdata.U32(kSetKeyByteorder, ByteorderOf(set.key_type));
  if (set.data) {
    userdata.U32(kSetDataByteorder, ByteorderOf(set.data->type));
    userdata.U32(kSetDataInterval, 0);
  }
  if (!set.key_typeof.empty()) userdata.Raw(kSetKeyTypeof, set.key_typeof);
  if (set.comment) userdata.String(kSetComment, *set.comment);
  userdata.WriteTo(&w, NFTA_SET_USERDATA);
  const auto flags = static_cast<uint16_t>(NLM_F_CREATE | (exclusive ? NLM_F_EXCL : 0));
  return Finish(NftType(NFT_MSG_NEWSET), flags, &w, "NFT_MSG_NEWSET");
}

Result<Message> DeleteNftSet(NftFamily family, const std::string& table, const std::string& name) {
  return NftNamed(NFT_MSG_DELSET, "NFT_MSG_DELSET", family, NFTA_SET_TABLE, table, NFTA_SET_NAME, name);
}

Result<Message> ListNftSets(NftFamily family, const std::string& table) {
  Writer w = NftBody(family);
  if (!table.empty()) w.String(NFTA_SET_TABLE, table);
  return Finish(NftType(NFT_MSG_GETSET), 0, &w, "NFT_MSG_GETSET");
}

Result<NftSet> ParseNftSet(View body) {
  const auto header = TakeHeader<nfgenmsg>(&body);
  if (!header) return Malformed("NFT_MSG_NEWSET");
  NftSet set;
  set.family = header->nfgen_family;
  NftSet::Data data;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_SET_TABLE: set.table = r.String(); break;
      case NFTA_SET_NAME: set.name = r.String(); break;
      case NFTA_SET_FLAGS: set.flags = r.Be32(); break;
      case NFTA_SET_KEY_TYPE: set.key_type = r.Be32(); break;
      case NFTA_SET_KEY_LEN: set.key_length = r.Be32(); break;
      case NFTA_SET_DATA_TYPE: data.type = r.Be32(); break;
      case NFTA_SET_DATA_LEN: data.length = r.Be32(); break;
      case NFTA_SET_DESC: ParseDescription(&r, &set); break;
      case NFTA_SET_TIMEOUT: set.timeout = r.Be64(); break;
      case NFTA_SET_GC_INTERVAL: set.gc_interval = r.Be32(); break;
      case NFTA_SET_OBJ_TYPE: set.object_type = r.Be32(); break;
      case NFTA_SET_EXPR: set.exprs = {ParseNftExpr(&r)}; break;
      case NFTA_SET_EXPRESSIONS: set.exprs = ParseNftExprs(&r); break;
      case NFTA_SET_USERDATA: ParseUserdata(r.payload(), &set); break;
      case NFTA_SET_HANDLE: set.handle = r.Be64(); break;
    }
  }
  if (set.flags & NFT_SET_MAP) set.data = data;
  if (!r.ok() || set.table.empty() || set.name.empty()) return Malformed("NFT_MSG_NEWSET");
  return set;
}

}  // namespace egressd::wire
