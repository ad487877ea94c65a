#include "wire/icmp.h"

#include <arpa/inet.h>

#include "test/check.h"

namespace egressd::wire {
namespace {

// `ping -c1 -s 24`: the payload of test/fixtures/wire/icmp-4-request.hex begins with the time of day.
Bytes Payload(Bytes time) {
  for (uint8_t i = 0x10; i < 0x18; ++i) time.push_back(i);
  return time;
}

TEST(AnEchoIsThatOfPing) {
  const Bytes time = {0xf0, 0x7c, 0x03, 0x6b, 0, 0, 0, 0, 0xaf, 0x2b, 0x07, 0, 0, 0, 0, 0};
  const Bytes payload = Payload(time);
  Bytes expected = {0x08, 0x00, 0xbf, 0xfe, 0x41, 0x9c, 0x00, 0x01};
  expected.insert(expected.end(), payload.begin(), payload.end());
  CHECK(BuildEcho(AF_INET, 0x419c, 1, payload) == expected);
}

TEST(AnEchoOfIpv6LeavesTheChecksumToTheKernel) {
  const Bytes payload = Payload({});
  Bytes expected = {0x80, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x78};
  expected.insert(expected.end(), payload.begin(), payload.end());
  CHECK(BuildEcho(AF_INET6, 0x1234, 0x5678, payload) == expected);
}

TEST(AnEchoParsesBackAtEverySize) {
  for (size_t size = 0; size < 70; ++size) {
    Bytes payload(size, 0xff);
    for (size_t i = 0; i < size; ++i) payload[i] = static_cast<uint8_t>(i * 37);
    const Bytes four = BuildEcho(AF_INET, 0xfffe, 0xffff, payload);
    Bytes packet = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1};
    packet.insert(packet.end(), four.begin(), four.end());
    const Bytes six = BuildEcho(AF_INET6, 0xfffe, 0xffff, payload);
    for (const auto& message : {ParseIcmp4(packet), ParseIcmp6(six)}) {
      CHECK(message && message->kind == IcmpMessage::Kind::kRequest);
      if (!message) continue;
      CHECK(message->identifier == 0xfffe && message->sequence == 0xffff);
      CHECK(Bytes(message->payload.begin(), message->payload.end()) == payload);
    }
  }
}

TEST(EveryErrorHasAName) {
  CHECK(IcmpErrorName(AF_INET, 3, 0) == "network-unreachable");
  CHECK(IcmpErrorName(AF_INET, 3, 13) == "admin-prohibited");
  CHECK(IcmpErrorName(AF_INET, 3, 15) == "precedence-cutoff");
  CHECK(IcmpErrorName(AF_INET, 3, 16) == "icmp-3-16");
  CHECK(IcmpErrorName(AF_INET, 11, 1) == "reassembly-timeout");
  CHECK(IcmpErrorName(AF_INET, 11, 2) == "icmp-11-2");
  CHECK(IcmpErrorName(AF_INET, 12, 0) == "parameter-problem");
  CHECK(IcmpErrorName(AF_INET6, 1, 0) == "network-unreachable");
  CHECK(IcmpErrorName(AF_INET6, 1, 3) == "host-unreachable");
  CHECK(IcmpErrorName(AF_INET6, 2, 0) == "packet-too-big");
  CHECK(IcmpErrorName(AF_INET6, 3, 0) == "ttl-exceeded");
  CHECK(IcmpErrorName(AF_INET6, 3, 1) == "reassembly-timeout");
  CHECK(IcmpErrorName(AF_INET6, 1, 9) == "icmp-1-9");
}

}  // namespace
}  // namespace egressd::wire
