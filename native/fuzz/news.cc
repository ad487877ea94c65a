#include <linux/netlink.h>

#include <set>
#include <tuple>

#include "fuzz/target.h"
#include "net/batch.h"
#include "net/own-port.h"
#include "net/relevance.h"
#include "wire/link.h"
#include "wire/nft-event.h"

namespace egressd::fuzz {
namespace {

// Flags of a message are nothing to the watcher: here they say what happens besides.
enum : uint16_t { kInside = 1, kForget = 2, kLearn = 4, kBegin = 8, kOverrun = 16 };

// One of ours to begin with, of the number that links have in the fixtures; its other end is in namespace 1.
wire::Link Marked() {
  wire::Link link;
  link.index = 10;
  link.name = "veth0";
  link.alias = "egressd:br0/ns0";
  link.peer_netns = 1;
  return link;
}

void Attribute(const wire::Frame& frame, net::Batch* batch) {
  if (frame.type != wire::NftType(NFT_MSG_NEWGEN)) return;
  if (const auto author = wire::ParseNftAuthor(frame.body); author.ok()) batch->Attribute(frame.port, author.value());
}

void Take(wire::Frame frame, net::Relevance* relevance, net::Batch* batch) {
  // Our own ports are drawn for each process: some of the numbers stand for them.
  if (frame.port >> 24 == 0xff) frame.port = net::NextOwnPort();
  if (frame.flags & kBegin) relevance->Begin();
  if (frame.flags & kOverrun) batch->Overrun();
  if (frame.flags & kForget) relevance->Forget(frame.sequence);
  if (frame.flags & kLearn) {
    if (const auto link = wire::ParseLink(frame.body); link.ok()) relevance->Learn(link.value());
  }
  const auto nsid = frame.flags & kInside ? std::optional<int32_t>(frame.flags >> 8 & 3) : std::nullopt;
  if (auto event = relevance->Take(frame, nsid)) batch->Add(std::move(*event));
  if (auto event = net::Relevance::TakeNft(frame)) batch->Add(std::move(*event));
  Attribute(frame, batch);
}

}  // namespace

void News(wire::View bytes) {
  net::Relevance relevance;
  relevance.Learn(Marked());
  net::Batch batch;
  bool malformed = false;
  while (const auto frame = wire::NextFrame(&bytes, &malformed)) Take(*frame, &relevance, &batch);
  const bool awaits = batch.awaits_author();
  bool anonymous = false;
  std::set<std::tuple<net::KernelEvent::Kind, bool, int64_t, uint32_t, uint8_t, std::string, uint32_t>> seen;
  const auto events = batch.TakeEvents();
  FUZZ_REQUIRE(events.size() <= net::Batch::kMaxEvents);
  for (const net::KernelEvent& event : events) {
    const bool nft = event.kind == net::KernelEvent::Kind::kNft;
    FUZZ_REQUIRE(!net::IsOwnPort(event.port));
    FUZZ_REQUIRE(nft == !event.table.empty());
    anonymous = anonymous || (nft && !event.by);
    // Each thing once.
    const int64_t nsid = event.nsid ? int64_t{*event.nsid} : -1;
    FUZZ_REQUIRE(seen.emplace(event.kind, event.gone, nsid, event.index, event.family, event.table, nft ? event.port : 0).second);
  }
  FUZZ_REQUIRE(awaits == anonymous);
  FUZZ_REQUIRE(batch.empty() && !batch.awaits_author());
}

}  // namespace egressd::fuzz
