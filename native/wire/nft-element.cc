#include "wire/nft-element.h"

#include <linux/netlink.h>

#include "wire/nft-userdata.h"

namespace egressd::wire {
namespace {

// Of the elements in one message. The rest, to 64 KiB, is for headers and names (NFT_NAME_MAXLEN).
constexpr size_t kMaxList = 60 * 1024;

void WriteKey(Writer* w, uint16_t type, View key) {
  const auto nest = w->Nested(type);
  w->Attribute(NFTA_DATA_VALUE, key);
}

void WriteData(Writer* w, const NftElement& element) {
  if (const Bytes* value = std::get_if<Bytes>(&element.data)) WriteKey(w, NFTA_SET_ELEM_DATA, *value);
  if (const NftVerdict* verdict = std::get_if<NftVerdict>(&element.data)) {
    const auto nest = w->Nested(NFTA_SET_ELEM_DATA);
    WriteNftVerdict(w, *verdict);
  }
}

void WriteElementExprs(Writer* w, const std::vector<NftExpr>& exprs) {
  if (exprs.size() == 1) {
    const auto one = w->Nested(NFTA_SET_ELEM_EXPR);
    WriteNftExpr(w, exprs.front());
  } else if (!exprs.empty()) {
    WriteNftExprs(w, NFTA_SET_ELEM_EXPRESSIONS, exprs);
  }
}

void WriteElement(Writer* w, const NftElement& element) {
  const auto nest = w->Nested(NFTA_LIST_ELEM);
  if (element.flags != 0) w->Be32(NFTA_SET_ELEM_FLAGS, element.flags);
  if (!(element.flags & NFT_SET_ELEM_CATCHALL)) WriteKey(w, NFTA_SET_ELEM_KEY, element.key);
  if (element.key_end) WriteKey(w, NFTA_SET_ELEM_KEY_END, *element.key_end);
  WriteData(w, element);
  if (element.timeout) w->Be64(NFTA_SET_ELEM_TIMEOUT, *element.timeout);
  if (element.object) w->String(NFTA_SET_ELEM_OBJREF, *element.object);
  WriteElementExprs(w, element.exprs);
  Userdata userdata;
  if (element.comment) userdata.String(kElementComment, *element.comment);
  if (element.open_end) userdata.U32(kElementFlags, kElementOpenEnd);
  userdata.WriteTo(w, NFTA_SET_ELEM_USERDATA);
}

Result<std::vector<Message>> Chunked(nf_tables_msg_types type, const char* what, uint16_t flags, const NftElementList& list,
                                     std::vector<size_t>* counts) {
  std::vector<Message> messages;
  for (size_t first = 0; first < list.elements.size();) {
    Writer w = NftBody(list.family);
    w.String(NFTA_SET_ELEM_LIST_TABLE, list.table);
    w.String(NFTA_SET_ELEM_LIST_SET, list.set);
    const size_t start = w.size();
    size_t next = first;
    {
      const auto nest = w.Nested(NFTA_SET_ELEM_LIST_ELEMENTS);
      while (next < list.elements.size()) {
        Writer one;
        WriteElement(&one, list.elements[next]);
        if (!one.ok() || (next > first && w.size() - start + one.size() > kMaxList)) break;
        w.Raw(one.view());
        ++next;
      }
    }
    if (next == first) return Error{EMSGSIZE, what, "one element alone does not fit a message", 0};
    EGRESSD_ASSIGN(message, Finish(NftType(type), flags, &w, what));
    messages.push_back(std::move(message));
    counts->push_back(next - first);
    first = next;
  }
  return messages;
}

Bytes ParseValue(Reader* outer) {
  Bytes value;
  Reader r = outer->Nested();
  while (r.Next())
    if (r.type() == NFTA_DATA_VALUE) value.assign(r.payload().begin(), r.payload().end());
  outer->Absorb(r);
  return value;
}

void ParseData(Reader* outer, NftElement* element) {
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_DATA_VALUE: element->data = Bytes(r.payload().begin(), r.payload().end()); break;
      case NFTA_DATA_VERDICT: element->data = ParseNftVerdict(&r); break;
    }
  }
  outer->Absorb(r);
}

NftElement ParseElement(Reader* outer) {
  NftElement element;
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_SET_ELEM_KEY: element.key = ParseValue(&r); break;
      case NFTA_SET_ELEM_KEY_END: element.key_end = ParseValue(&r); break;
      case NFTA_SET_ELEM_DATA: ParseData(&r, &element); break;
      case NFTA_SET_ELEM_FLAGS: element.flags = r.Be32(); break;
      case NFTA_SET_ELEM_TIMEOUT: element.timeout = r.Be64(); break;
      case NFTA_SET_ELEM_EXPIRATION: element.expiration = r.Be64(); break;
      case NFTA_SET_ELEM_OBJREF: element.object = r.String(); break;
      case NFTA_SET_ELEM_EXPR: element.exprs = {ParseNftExpr(&r)}; break;
      case NFTA_SET_ELEM_EXPRESSIONS: element.exprs = ParseNftExprs(&r); break;
      case NFTA_SET_ELEM_USERDATA:
        element.comment = UserdataString(r.payload(), kElementComment);
        element.open_end = UserdataU32(r.payload(), kElementFlags).value_or(0) & kElementOpenEnd;
        break;
    }
  }
  outer->Absorb(r);
  return element;
}

}  // namespace

Result<std::vector<Message>> AddNftElements(const NftElementList& list, bool exclusive, std::vector<size_t>* counts) {
  const auto flags = static_cast<uint16_t>(NLM_F_CREATE | (exclusive ? NLM_F_EXCL : 0));
  return Chunked(NFT_MSG_NEWSETELEM, "NFT_MSG_NEWSETELEM", flags, list, counts);
}

Result<std::vector<Message>> DeleteNftElements(const NftElementList& list, std::vector<size_t>* counts) {
  return Chunked(NFT_MSG_DELSETELEM, "NFT_MSG_DELSETELEM", 0, list, counts);
}

Result<Message> FlushNftElements(NftFamily family, const std::string& table, const std::string& set) {
  // Without a list of elements, all of them are meant.
  return NftNamed(NFT_MSG_DELSETELEM, "NFT_MSG_DELSETELEM", family, NFTA_SET_ELEM_LIST_TABLE, table, NFTA_SET_ELEM_LIST_SET, set);
}

Result<Message> ListNftElements(NftFamily family, const std::string& table, const std::string& set) {
  return NftNamed(NFT_MSG_GETSETELEM, "NFT_MSG_GETSETELEM", family, NFTA_SET_ELEM_LIST_TABLE, table, NFTA_SET_ELEM_LIST_SET, set);
}

Result<NftElementList> ParseNftElements(View body) {
  const auto header = TakeHeader<nfgenmsg>(&body);
  if (!header) return Malformed("NFT_MSG_NEWSETELEM");
  NftElementList list;
  list.family = header->nfgen_family;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_SET_ELEM_LIST_TABLE: list.table = r.String(); break;
      case NFTA_SET_ELEM_LIST_SET: list.set = r.String(); break;
      case NFTA_SET_ELEM_LIST_ELEMENTS: {
        Reader elements = r.Nested();
        // NB: nft numbers its list elements (types 1, 2, 3, ...), the kernel does not; each nested attribute is one.
        while (elements.Next()) list.elements.push_back(ParseElement(&elements));
        r.Absorb(elements);
        break;
      }
    }
  }
  if (!r.ok() || list.table.empty() || list.set.empty()) return Malformed("NFT_MSG_NEWSETELEM");
  return list;
}

}  // namespace egressd::wire
