#include "net/context.h"

#include <linux/netlink.h>

#include <cerrno>

namespace egressd::net {

Result<NewNetns> MakeNetns(int home, bool* lost) {
  NewNetns made;
  EGRESSD_TRY(UnshareNetns());
  Result<Fd> netns = OpenCurrentNetns();
  Result<Session> route = Session::Open(NETLINK_ROUTE);
  if (!EnterNetns(home).ok()) *lost = true;
  if (!netns.ok()) return netns.error();
  if (!route.ok()) return route.error();
  made.netns = std::move(netns.value());
  made.route.emplace(std::move(route.value()));
  return made;
}

Status Context::Assign(uint32_t slot, NewNetns made) {
  if (slot == kHost || slot > kMaxSlots) return Error{EINVAL, "slot", "slots are 1 to 65536; 0 is the host", 0};
  if (slots_.size() < slot) slots_.resize(slot);
  auto& place = slots_[slot - 1];
  if (place) return Error{EEXIST, "slot", "the slot is taken", 0};
  place = std::make_unique<Slot>();
  place->netns = std::move(made.netns);
  place->sockets.route = std::move(made.route);
  return {};
}

Result<int> Context::NetnsFd(uint32_t slot) const {
  if (slot == kHost) return host_;
  if (slot > slots_.size() || !slots_[slot - 1]) return Error{ENOENT, "slot", "no namespace was given this slot", 0};
  return slots_[slot - 1]->netns.get();
}

Result<uint32_t> Slots::LinkIndex(uint32_t /*slot*/, const std::string& name) const {
  return Error{ENODEV, "link", "no link.get or link.index of this job has asked for " + name, 0};
}

Result<uint32_t> Context::LinkIndex(uint32_t slot, const std::string& name) const {
  const auto found = links_.find({slot, name});
  if (found == links_.end()) return Slots::LinkIndex(slot, name);
  return found->second;
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

Result<NewNetns> Context::Make() {
  // What was refused a while ago may be granted by now.
  if (!prepared_ || !prepared_->ok()) return MakeNetns(home_, &lost_);
  NewNetns made = std::move(prepared_->value());
  prepared_.reset();
  return made;
}

void Context::GoHome() {
  if (!EnterNetns(home_).ok()) lost_ = true;
}

}  // namespace egressd::net
