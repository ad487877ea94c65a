#include "net/nft.h"

#include <linux/netlink.h>

#include <cerrno>
#include <numeric>
#include <utility>

namespace egressd::net {
namespace {

// The field of a change that an attribute of its messages comes from.
struct Field {
  uint8_t first;  // message types: NFT_MSG_NEW... and NFT_MSG_DEL...
  uint8_t second;
  uint16_t attribute;
  const char* name;
};
constexpr Field kFields[] = {
    {NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFTA_TABLE_NAME, "name"},
    {NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE, "table"},
    {NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, "name"},
    {NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_TYPE, "type"},
    {NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_POLICY, "policy"},
    {NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_HOOK, "hook"},
    {NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFTA_RULE_TABLE, "table"},
    {NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFTA_RULE_CHAIN, "chain"},
    {NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFTA_RULE_HANDLE, "handle"},
    {NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFTA_RULE_POSITION, "place"},
    {NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFTA_RULE_EXPRESSIONS, "exprs"},
    {NFT_MSG_NEWSET, NFT_MSG_DELSET, NFTA_SET_TABLE, "table"},
    {NFT_MSG_NEWSET, NFT_MSG_DELSET, NFTA_SET_NAME, "name"},
    {NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_TABLE, "table"},
    {NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET, "set"},
    {NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_ELEMENTS, "elements"},
};

// Empty where the kernel pointed at nothing that a change has.
std::string FieldAt(const wire::Message& message, const wire::NftPlace& place) {
  const uint8_t type = message.type & 0xff;
  for (const Field& field : kFields) {
    if ((type != field.first && type != field.second) || place.attribute != field.attribute) continue;
    return place.index ? std::string(field.name) + "[" + std::to_string(*place.index) + "]" : field.name;
  }
  return {};
}

// Where a message of a transaction comes from. Index 0 is BATCH_BEGIN.
struct Origin {
  size_t change;
  size_t message;        // of that change
  size_t first_element;  // of its list
};

Origin FindOrigin(const std::vector<NftChange>& changes, size_t index) {
  --index;
  size_t change = 0;
  while (index >= changes[change].messages.size()) index -= changes[change++].messages.size();
  const auto& counts = changes[change].counts;
  const size_t skipped = counts.empty() ? 0 : std::accumulate(counts.begin(), counts.begin() + index, size_t{0});
  return {change, index, skipped};
}

size_t CountMessages(const std::vector<NftChange>& changes) {
  size_t count = 0;
  for (const NftChange& change : changes) count += change.messages.size();
  return count;
}

Error Refusal(const wire::Acknowledgement& ack, const std::vector<NftChange>& changes, size_t index) {
  // BATCH_BEGIN stands for the transaction as a whole: a stale generation, no permission, no nf_tables, no memory.
  if (index == 0) return Error{ack.error, "NFNL_MSG_BATCH_BEGIN", ack.message, 0};
  const Origin origin = FindOrigin(changes, index);
  const wire::Message& message = changes[origin.change].messages[origin.message];
  wire::NftPlace place = wire::FindNftPlace(message.body, ack.offset);
  if (place.index) *place.index += origin.first_element;
  const std::string field = FieldAt(message, place);
  std::string text = "changes[" + std::to_string(origin.change) + "]";
  if (!field.empty()) text += "." + field;
  text += ": " + changes[origin.change].what;
  if (!ack.message.empty()) text += ": " + ack.message;
  return Error{ack.error, message.what, text, ack.offset};
}

}  // namespace

wire::Bytes NftBatch(const std::vector<NftChange>& changes, std::optional<uint32_t> generation, uint32_t port,
                     const std::function<uint32_t()>& sequence) {
  wire::Bytes bytes;
  wire::AppendFrame(wire::NftBatchBegin(generation), NLM_F_REQUEST, sequence(), port, &bytes);
  size_t left = CountMessages(changes);
  for (const NftChange& change : changes) {
    for (const wire::Message& message : change.messages) {
      // NB: only the last change asks for an acknowledgement. The kernel sends its answers when all is done, the errors
      // of any message and this one in order; kernels before 6.10 do not acknowledge BATCH_END.
      const auto flags = static_cast<uint16_t>(NLM_F_REQUEST | (--left == 0 ? NLM_F_ACK : 0));
      wire::AppendFrame(message, flags, sequence(), port, &bytes);
    }
  }
  wire::AppendFrame(wire::NftBatchEnd(), NLM_F_REQUEST, sequence(), port, &bytes);
  return bytes;
}

Status NftCommit(Session* session, const std::vector<NftChange>& changes, std::optional<uint32_t> generation) {
  const size_t last = CountMessages(changes);
  if (last == 0) return {};
  Socket& socket = session->socket();
  const uint32_t first_sequence = session->NextSequence();
  bool first = true;
  const wire::Bytes bytes = NftBatch(changes, generation, socket.port(), [&] {
    return std::exchange(first, false) ? first_sequence : session->NextSequence();
  });
  EGRESSD_TRY(socket.ReserveSend(bytes.size()));
  EGRESSD_TRY(socket.Send(bytes));
  for (bool lost = false;;) {
    // ENOBUFS: more errors than the buffer holds. It is the later ones that are lost, and the first is what we want.
    Result<wire::View> received = socket.ReceiveAnswer(&lost);
    if (!received.ok()) return received.error();
    wire::View rest = received.value();
    bool malformed = false;
    while (auto frame = wire::NextFrame(&rest, &malformed)) {
      const uint32_t index = frame->sequence - first_sequence;
      if (index > last || frame->type != NLMSG_ERROR) continue;  // left over from an earlier conversation
      const auto ack = wire::ParseAcknowledgement(*frame);
      if (!ack) return wire::Malformed("nf_tables reply");
      if (ack->error != 0) {
        Error error = Refusal(*ack, changes, index);
        socket.Drain();
        return error;
      }
      if (index == last) return {};
    }
    if (malformed) return wire::Malformed("nf_tables reply");
  }
}

Result<uint32_t> NftGeneration(Session* session) {
  const Verdict verdict = session->Execute(wire::NftGetGeneration());
  EGRESSD_TRY(verdict.status);
  return wire::ParseNftGeneration(verdict.reply);
}

Result<bool> NftIsSettled(Session* session, uint32_t generation) {
  Socket& socket = session->socket();
  // A transaction without changes: the kernel takes its lock, looks at the generation, and does nothing.
  const uint32_t begin = session->NextSequence();
  bool first = true;
  const wire::Bytes empty = NftBatch({}, generation, socket.port(), [&] {
    return std::exchange(first, false) ? begin : session->NextSequence();
  });
  EGRESSD_TRY(socket.Send(empty));
  // It is answered only where it is refused. The answer to a request behind it says that none will come any more.
  const uint32_t behind = session->NextSequence();
  wire::Bytes request;
  wire::AppendFrame(wire::NftGetGeneration(), NLM_F_REQUEST | NLM_F_ACK, behind, socket.port(), &request);
  EGRESSD_TRY(socket.Send(request));
  Error refused;
  for (bool lost = false;;) {
    EGRESSD_ASSIGN(datagram, socket.ReceiveAnswer(&lost));
    bool malformed = false;
    while (auto frame = wire::NextFrame(&datagram, &malformed)) {
      if (frame->type != NLMSG_ERROR || (frame->sequence != begin && frame->sequence != behind)) continue;
      const auto ack = wire::ParseAcknowledgement(*frame);
      if (!ack) return wire::Malformed("nf_tables reply");
      if (ack->error != 0 && refused.number == 0) refused = Error{ack->error, "NFNL_MSG_BATCH_BEGIN", ack->message, 0};
      if (frame->sequence != behind) continue;
      if (refused.number == 0) return true;
      if (refused.number == ERESTART) return false;
      return refused;
    }
    if (malformed) return wire::Malformed("nf_tables reply");
  }
}

}  // namespace egressd::net
