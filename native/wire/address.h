// Addresses of links (rtnetlink(7), <linux/if_addr.h>): RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR.
//
//      0       1       2       3       4               8
//      +-------+-------+-------+-------+---------------+----------------
//      |family |prefix | flags | scope |   ifa_index   |  attributes ...        ifaddrmsg
//      +-------+-------+-------+-------+---------------+----------------
#ifndef EGRESSD_WIRE_ADDRESS_H_
#define EGRESSD_WIRE_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "wire/ip.h"
#include "wire/message.h"

namespace egressd::wire {

struct Address {
  uint32_t index = 0;
  Ip address;
  uint8_t prefix = 0;
  std::optional<Ip> broadcast;
  std::optional<std::string> label;
  uint8_t scope = 0;    // RT_SCOPE_*
  uint32_t flags = 0;   // IFA_F_*
  uint8_t protocol = 0;  // IFA_PROTO
  bool operator==(const Address&) const = default;
};

// `label` and `protocol` are what the kernel tells; they are not sent.
Result<Message> AddAddress(const Address& address);
Result<Message> DeleteAddress(uint32_t index, const Ip& address, uint8_t prefix);

struct AddressFilter {
  uint8_t family = 0;  // AF_UNSPEC: both
  std::optional<uint32_t> index;
};
Result<Message> DumpAddresses(const AddressFilter& filter);
Result<Address> ParseAddress(View body);
bool Matches(const Address& address, const AddressFilter& filter);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_ADDRESS_H_
