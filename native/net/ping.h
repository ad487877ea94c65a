// A series of ICMP echoes to one target, from the calling thread's network namespace.
#ifndef EGRESSD_NET_PING_H_
#define EGRESSD_NET_PING_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "wire/ip.h"

namespace egressd::net {

struct PingRequest {
  wire::Ip target;
  std::string zone;  // interface name or number of a link-local target ("fe80::1%eth0"); may be empty
  uint16_t count = 1;
  std::chrono::milliseconds interval{1000};  // from one send to the next
  std::chrono::milliseconds timeout{1000};   // of each echo, from its send
  uint8_t ttl = 64;
  uint16_t size = 56;  // payload bytes
};

struct EchoResult {
  std::string result;  // "reply", "timeout", "send-failed" or wire::IcmpErrorName; empty while open
  std::optional<wire::Ip> from;
  std::optional<double> milliseconds;  // of a reply
  std::optional<uint8_t> ttl;          // of the answer, or of the router's error
  int number = 0;                      // errno of "send-failed"
};

// One result an echo, in order; the sequence number on the wire is the place in the list, from 1. Takes at most
// (count - 1) * interval + timeout. Error: no socket (EPERM without CAP_NET_RAW), no such zone (ENODEV), or
// ECANCELED once `stop` is readable.
Result<std::vector<EchoResult>> Ping(const PingRequest& request, int stop);

}  // namespace egressd::net

#endif  // EGRESSD_NET_PING_H_
