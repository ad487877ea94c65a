#include "net/context.h"

#include <linux/netlink.h>

#include <cerrno>

namespace egressd::net {

Status Context::Assign(uint32_t slot, Fd netns) {
  if (slot == kHost || slot > kMaxSlots) return Error{EINVAL, "slot", "slots are 1 to 65536; 0 is the host", 0};
  if (slots_.size() < slot) slots_.resize(slot);
  auto& place = slots_[slot - 1];
  if (place) return Error{EEXIST, "slot", "the slot is taken", 0};
  place = std::make_unique<Slot>();
  place->netns = std::move(netns);
  return {};
}

Result<int> Context::NetnsFd(uint32_t slot) const {
  if (slot == kHost) return host_;
  if (slot > slots_.size() || !slots_[slot - 1]) return Error{ENOENT, "slot", "no namespace was given this slot", 0};
  return slots_[slot - 1]->netns.get();
}

Result<NetnsSockets*> Context::Sockets(uint32_t slot) {
  if (slot == kHost) return host_sockets_;
  EGRESSD_TRY(NetnsFd(slot));
  return &slots_[slot - 1]->sockets;
}

Result<Session*> Context::Open(uint32_t slot, int protocol, std::optional<Session> NetnsSockets::*which) {
  EGRESSD_ASSIGN(sockets, Sockets(slot));
  std::optional<Session>& session = sockets->*which;
  if (!session) {
    EGRESSD_TRY(Inside(slot, [&]() -> Status {
      EGRESSD_ASSIGN(opened, Session::Open(protocol));
      session.emplace(std::move(opened));
      return {};
    }));
  }
  return &*session;
}

Result<Session*> Context::Route(uint32_t slot) { return Open(slot, NETLINK_ROUTE, &NetnsSockets::route); }
Result<Session*> Context::Netfilter(uint32_t slot) { return Open(slot, NETLINK_NETFILTER, &NetnsSockets::netfilter); }

Status Context::Inside(uint32_t slot, const std::function<Status()>& inside) {
  EGRESSD_ASSIGN(fd, NetnsFd(slot));
  EGRESSD_TRY(EnterNetns(fd));
  Status status = inside();
  GoHome();
  return status;
}

Result<Fd> Context::InsideNew(const std::function<Status()>& inside) {
  EGRESSD_TRY(UnshareNetns());
  Status status = inside();
  Result<Fd> fd = OpenCurrentNetns();
  GoHome();
  if (!status.ok()) return status.error();
  return fd;
}

void Context::GoHome() {
  if (!EnterNetns(home_).ok()) lost_ = true;
}

}  // namespace egressd::net
