#include "net/xtables.h"

#include <netinet/in.h>
#include <sys/socket.h>

// NB: after <netinet/in.h>: the kernel's <linux/in.h> gives way to it only in this order.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <cerrno>

namespace egressd::net {
namespace {

namespace xt = wire::xt;

static_assert(IPT_SO_SET_REPLACE == IP6T_SO_SET_REPLACE && IPT_SO_SET_ADD_COUNTERS == IP6T_SO_SET_ADD_COUNTERS);
static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES);
constexpr const char* kReplace = "IPT_SO_SET_REPLACE";
constexpr size_t kEntries = offsetof(ipt_get_entries, entrytable);
static_assert(kEntries == offsetof(ip6t_get_entries, entrytable));

void CopyName(const std::string& name, std::span<char> to) {
  std::copy_n(name.data(), std::min(name.size(), to.size() - 1), to.data());
}

}  // namespace

Result<Xtables> Xtables::Open(uint8_t family) {
  // iptables opens a raw socket; the options are the same on any, and a datagram socket needs no CAP_NET_RAW.
  Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Error{errno, "socket", "", 0};
  return Xtables(family, std::move(fd));
}

bool Xtables::six() const { return family_ == AF_INET6; }

Status Xtables::Get(const Option& option, const std::string& what, std::span<uint8_t> data) const {
  auto size = static_cast<socklen_t>(data.size());
  if (getsockopt(fd_.get(), six() ? IPPROTO_IPV6 : IPPROTO_IP, option.number, data.data(), &size) == 0) return {};
  return Failed(errno, option, what);
}

Status Xtables::Set(const Option& option, const std::string& what, wire::View data) const {
  const auto size = static_cast<socklen_t>(data.size());
  if (setsockopt(fd_.get(), six() ? IPPROTO_IPV6 : IPPROTO_IP, option.number, data.data(), size) == 0) return {};
  return Failed(errno, option, what);
}

Error Xtables::Failed(int number, const Option& option, const std::string& what) const {
  // Nobody has registered the options at all. The kernel loads the module of a table by itself, but not this one.
  if (number == ENOPROTOOPT) {
    const std::string module = six() ? "ip6_tables" : "ip_tables";
    return Error{ENOENT, option.name, "the kernel has no xtables: load its module (modprobe " + module + ")", 0};
  }
  return Error{number, option.name, what, 0};
}

Result<xt::Info> Xtables::ReadInfo(const std::string& table) const {
  ipt_getinfo info{};
  CopyName(table, info.name);
  const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(&info), sizeof(info));
  EGRESSD_TRY(Get({"IPT_SO_GET_INFO", IPT_SO_GET_INFO}, "table " + table, bytes));
  return xt::ParseInfo(bytes);
}

Result<wire::Bytes> Xtables::ReadEntries(const xt::Info& info) const {
  ipt_get_entries head{};
  CopyName(info.table, head.name);
  head.size = info.size;
  wire::Bytes buffer(kEntries + info.size);
  std::memcpy(buffer.data(), &head, kEntries);
  EGRESSD_TRY(Get({"IPT_SO_GET_ENTRIES", IPT_SO_GET_ENTRIES}, "table " + info.table, buffer));
  return buffer;
}

Result<xt::Table> Xtables::Read(const std::string& table) const {
  for (int tries = 1;; ++tries) {
    EGRESSD_ASSIGN(info, ReadInfo(table));
    Result<wire::Bytes> entries = ReadEntries(info);
    // Offsets and entries come by two calls: take them only where nothing happened between.
    EGRESSD_ASSIGN(after, ReadInfo(table));
    if (entries.ok() && info == after) return xt::ParseTable(family_, info, wire::View(*entries).subspan(kEntries));
    if (!entries.ok() && entries.error().number != EAGAIN) return entries.error();
    if (tries == kTries)
      return Error{EAGAIN, "IPT_SO_GET_ENTRIES", "table " + table + " kept changing while it was read", 0};
  }
}

// Asks by name, so that the kernel loads what is missing, and a refusal names it: that of a replacement does not.
Status Xtables::CheckExtensions(std::span<const xt::Edit> edits) const {
  const Option match{"IPT_SO_GET_REVISION_MATCH", six() ? IP6T_SO_GET_REVISION_MATCH : IPT_SO_GET_REVISION_MATCH};
  const Option target{"IPT_SO_GET_REVISION_TARGET", six() ? IP6T_SO_GET_REVISION_TARGET : IPT_SO_GET_REVISION_TARGET};
  for (const xt::Edit& edit : edits) {
    if (edit.change == xt::Change::kDelete) continue;
    for (const xt::Needed& needed : xt::NeededBy(xt::LayoutOf(family_), edit.rule)) {
      xt_get_revision revision{};
      CopyName(needed.name, revision.name);
      revision.revision = needed.revision;
      const std::string what = std::string(needed.name) + ", revision " + std::to_string(needed.revision);
      EGRESSD_TRY(Get(needed.target ? target : match, (needed.target ? "target " : "match ") + what,
                      {reinterpret_cast<uint8_t*>(&revision), sizeof(revision)}));
    }
  }
  return {};
}

Status Xtables::Replace(const xt::Table& before, xt::Replacement replacement) const {
  const std::string what = "table " + before.info.table;
  wire::Bytes counters(before.info.count * sizeof(xt_counters));
  xt::Store(&replacement.blob, xt::kCountersPointer, counters.data());
  EGRESSD_TRY(Set({kReplace, IPT_SO_SET_REPLACE}, what, replacement.blob));
  // The new table counts from zero since the swap, and `counters` are those of the old one at the swap: their sum
  // misses no packet.
  const wire::Bytes add = xt::BuildAddCounters(before, replacement.origins, counters);
  return Set({"IPT_SO_SET_ADD_COUNTERS", IPT_SO_SET_ADD_COUNTERS},
             what + ": the edits are made, but all counters began anew", add);
}

Status Xtables::Edit(const std::string& table, std::span<const xt::Edit> edits) const {
  EGRESSD_TRY(CheckExtensions(edits));
  for (int tries = 1;; ++tries) {
    EGRESSD_ASSIGN(edited, Read(table));
    EGRESSD_ASSIGN(changed, xt::ApplyEdits(&edited, edits));
    if (!changed) return {};
    EGRESSD_ASSIGN(replacement, xt::BuildReplacement(edited));
    Status status = Replace(edited, std::move(replacement));
    // The table has another number of entries than when it was read. NB: not where the counters were refused: by then the
    // edits are made, and would be made twice.
    const bool again = !status.ok() && status.error().number == EAGAIN && status.error().operation == kReplace;
    if (!again || tries == kTries) return status;
  }
}

}  // namespace egressd::net
