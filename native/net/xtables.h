// xtables legacy: reading a table and replacing it by itself with edits made, over the socket options of ip_tables and
// ip6_tables (<linux/netfilter_ipv4/ip_tables.h>, <linux/netfilter_ipv6/ip6_tables.h>).
#ifndef EGRESSD_NET_XTABLES_H_
#define EGRESSD_NET_XTABLES_H_

#include <span>
#include <string>

#include "core/fd.h"
#include "core/result.h"
#include "wire/xt-edit.h"

namespace egressd::net {

class Xtables {
 public:
  // In the calling thread's network namespace. `family` is AF_INET or AF_INET6.
  static Result<Xtables> Open(uint8_t family);

  // ENOENT where the kernel has no such table. NB: the first look at a table makes it in that namespace, as with
  // iptables: empty chains with policy ACCEPT.
  Result<wire::xt::Table> Read(const std::string& table) const;

  // Replaces the table by itself with the edits made; sends nothing where they change nothing. Counters of the rules
  // that stay are kept, with the packets that arrive meanwhile. NB: hold the lock.
  Status Edit(const std::string& table, std::span<const wire::xt::Edit> edits) const;

  // Tries where the table keeps changing under us: only those who ignore the lock can do that.
  static constexpr int kTries = 16;

 private:
  struct Option {
    const char* name;  // for errors; IPv6 has the same under IP6T_SO_*
    int number;
  };

  Xtables(uint8_t family, Fd fd) : family_(family), fd_(std::move(fd)) {}
  bool six() const;
  Status Get(const Option& option, const std::string& what, std::span<uint8_t> data) const;
  Status Set(const Option& option, const std::string& what, wire::View data) const;
  Error Failed(int number, const Option& option, const std::string& what) const;
  Result<wire::xt::Info> ReadInfo(const std::string& table) const;
  Result<wire::Bytes> ReadEntries(const wire::xt::Info& info) const;
  Status CheckExtensions(std::span<const wire::xt::Edit> edits) const;
  Status Replace(const wire::xt::Table& before, wire::xt::Replacement replacement) const;

  uint8_t family_;
  Fd fd_;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_XTABLES_H_
