#include <algorithm>

#include "fuzz/target.h"
#include "wire/address.h"
#include "wire/link.h"
#include "wire/neighbour.h"
#include "wire/route.h"

namespace egressd::fuzz {
namespace {

wire::LinkChange ChangeOf(const wire::Link& link) {
  wire::LinkChange change;
  change.target.index = 1;
  change.alias = link.alias;
  change.addr_gen_mode = link.addr_gen_mode;
  change.port = link.port;
  return change;
}

wire::NewLink NewOf(const wire::Link& link, const wire::Mac& mac) {
  wire::NewLink made;
  made.name = link.name;
  made.index = link.index;
  made.mtu = link.mtu;
  made.mac = mac;
  made.group = link.group;
  made.master = link.master;
  made.kind = *link.kind;
  made.bridge = link.bridge.value_or(wire::BridgeOptions{});
  return made;
}

}  // namespace

void Link(wire::View bytes) {
  const Result<wire::Link> read = wire::ParseLink(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  const wire::Link& link = read.value();

  const auto change = wire::SetLink(ChangeOf(link));
  FUZZ_REQUIRE(change.ok());
  const auto changed = wire::ParseLink(change.value().body);
  FUZZ_REQUIRE(changed.ok() && changed.value().alias == link.alias && changed.value().port == link.port &&
               changed.value().addr_gen_mode == link.addr_gen_mode);

  wire::Mac mac;
  if (!link.kind || link.mac.size() != mac.size()) return;
  std::copy(link.mac.begin(), link.mac.end(), mac.begin());
  const auto sent = wire::AddLink(NewOf(link, mac));
  FUZZ_REQUIRE(sent.ok());
  const auto again = wire::ParseLink(sent.value().body);
  FUZZ_REQUIRE(again.ok());
  const wire::Link& made = again.value();
  FUZZ_REQUIRE(made.index == link.index && made.name == link.name && made.kind == link.kind && made.mac == link.mac);
  FUZZ_REQUIRE(made.mtu == link.mtu && made.group == link.group && made.master == link.master);
  FUZZ_REQUIRE(link.kind != "bridge" || made.bridge == link.bridge.value_or(wire::BridgeOptions{}));
}

void Address(wire::View bytes) {
  const Result<wire::Address> read = wire::ParseAddress(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  wire::Address address = read.value();
  // What the kernel tells and is not told.
  address.label.reset();
  address.protocol = 0;
  const auto sent = wire::AddAddress(address);
  FUZZ_REQUIRE(sent.ok());
  const auto again = wire::ParseAddress(sent.value().body);
  FUZZ_REQUIRE(again.ok() && again.value() == address);
  const auto taken = wire::DeleteAddress(address.index, address.address, address.prefix);
  FUZZ_REQUIRE(taken.ok());
  const auto gone = wire::ParseAddress(taken.value().body);
  FUZZ_REQUIRE(gone.ok() && gone.value().address == address.address && gone.value().prefix == address.prefix);
}

void Route(wire::View bytes) {
  const Result<wire::Route> read = wire::ParseRoute(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  wire::Route route = read.value();
  route.next_hops.clear();
  const auto sent = wire::AddRoute(route, false);
  FUZZ_REQUIRE(sent.ok());
  const auto again = wire::ParseRoute(sent.value().body);
  FUZZ_REQUIRE(again.ok() && again.value() == route);
}

void Neighbour(wire::View bytes) {
  const Result<wire::Neighbour> read = wire::ParseNeighbour(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  const wire::Neighbour& neighbour = read.value();
  wire::Mac mac;
  if (neighbour.mac.size() != mac.size()) return;
  std::copy(neighbour.mac.begin(), neighbour.mac.end(), mac.begin());
  const auto sent = wire::AddNeighbour(neighbour.index, neighbour.address, mac, false);
  FUZZ_REQUIRE(sent.ok());
  const auto again = wire::ParseNeighbour(sent.value().body);
  FUZZ_REQUIRE(again.ok() && again.value().index == neighbour.index && again.value().address == neighbour.address &&
               again.value().mac == neighbour.mac);
}

}  // namespace egressd::fuzz
