// The thread that listens: what it tells, while others make the news, ask for its counters, and end it at any time.
#include "net/monitor.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "net/session.h"
#include "net/stop-signal.h"
#include "test/await.h"
#include "test/check.h"
#include "test/in-netns.h"
#include "wire/link.h"

namespace egressd::test {

// Every dump is torn, as where links come and go all the time.
std::atomic<bool> tearing = false;
std::atomic<int> torn = 0;
// The end of a transaction of nf_tables is not there yet, as where whoever makes it was kept from the processor: so many looks long.
std::atomic<int> late = 0;

bool IsLate(int fd) {
  nlmsghdr first{};
  const ssize_t size = syscall(SYS_recvfrom, fd, &first, sizeof(first), MSG_PEEK | MSG_DONTWAIT, nullptr, nullptr);
  return size == static_cast<ssize_t>(sizeof(first)) && first.nlmsg_type == ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN) && late-- > 0;
}

}  // namespace egressd::test

// In the place of the C library's.
extern "C" ssize_t recvmsg(int fd, msghdr* header, int flags) {
  if (egressd::test::late > 0 && egressd::test::IsLate(fd)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    errno = EAGAIN;
    return -1;
  }
  const ssize_t size = syscall(SYS_recvmsg, fd, header, flags);
  const auto* from = static_cast<const sockaddr*>(header->msg_name);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr)) || !egressd::test::tearing || (flags & MSG_PEEK)) return size;
  if (from == nullptr || header->msg_namelen < sizeof(sockaddr_nl) || from->sa_family != AF_NETLINK) return size;
  auto* frame = static_cast<nlmsghdr*>(header->msg_iov[0].iov_base);
  if (!(frame->nlmsg_flags & NLM_F_MULTI)) return size;
  frame->nlmsg_flags |= NLM_F_DUMP_INTR;
  ++egressd::test::torn;
  return size;
}

namespace egressd::net {
namespace {

// One that listens on a thread of its own, in the namespace of whoever makes it.
class Listening {
 public:
  explicit Listening(int refusals = 0, MonitorOptions options = {})
      : refusals_(refusals),
        monitor_(
            options, [this](const MonitorReach&) { ready_ = true; },
            [this](Batch* batch) {
              if (refusals_-- > 0) return false;
              if (batch->overrun()) ++overruns_;
              for (KernelEvent& event : batch->TakeEvents()) {
                const std::lock_guard lock(mutex_);
                names_.push_back(event.kind == KernelEvent::Kind::kNft ? event.table : event.name);
                if (event.by) names_.push_back(event.table + " by " + event.by->name);
              }
              *batch = {};
              return true;
            }) {
    CHECK(stop_.Arm().ok());
    thread_ = std::thread([this] { ended_ = monitor_.Run(stop_.fd()); });
  }
  ~Listening() {
    stop_.Stop();
    thread_.join();
    CHECK(!ended_.ok() && ended_.error().number == ECANCELED);
  }

  bool ready() const { return ready_; }
  int overruns() const { return overruns_; }
  Monitor& monitor() { return monitor_; }
  bool heard(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  }

 private:
  int refusals_;
  std::atomic<bool> ready_ = false;
  std::atomic<int> overruns_ = 0;
  std::mutex mutex_;
  std::vector<std::string> names_;
  StopSignal stop_;
  Monitor monitor_;
  Status ended_;
  std::thread thread_;
};

void MarkedLink(Session* session, int32_t index, const std::string& name) {
  wire::NewLink link;
  link.name = name;
  link.index = index;
  link.kind = "bridge";
  CHECK(session->Execute(wire::AddLink(link).value()).status.ok());
  wire::LinkChange change;
  change.target.index = index;
  change.alias = "egressd:br0/" + name;
  CHECK(session->Execute(wire::SetLink(change).value()).status.ok());
}

void Remove(Session* session, int32_t index) {
  wire::LinkTarget target;
  target.index = index;
  CHECK(session->Execute(wire::DeleteLink(target).value()).status.ok());
}

// NB: Linux 6.1 tells of a deletion with the port that asked for it, and what comes by a port of ours is no news. An ioctl has none.
void RemoveAsOthersDo(const std::string& name) {
  char buffer[IFNAMSIZ] = {};
  name.copy(buffer, sizeof(buffer) - 1);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  CHECK(ioctl(fd, SIOCBRDELBR, buffer) == 0);
  close(fd);
}

TEST(MonitorTellsWhatGoesAndNotWhatItWasToldOf) {
  test::InNewNetns([] {
    Listening listening(3);  // a batch that is not taken at once is offered again
    CHECK(test::Await([&] { return listening.ready(); }));
    auto session = Session::Open(NETLINK_ROUTE);
    CHECK(session.ok());
    for (int32_t i = 0; i < 20; ++i) {
      const std::string name = "own" + std::to_string(i);
      MarkedLink(&session.value(), 100 + i, name);
      const bool ours = i % 2 == 0;
      if (ours) listening.monitor().Forget(static_cast<uint32_t>(100 + i));
      ours ? Remove(&session.value(), 100 + i) : RemoveAsOthersDo(name);
    }
    CHECK(test::Await([&] { return listening.heard("own19"); }));
    for (int i = 0; i < 20; i += 2) CHECK(!listening.heard("own" + std::to_string(i)));
    CHECK(listening.monitor().counters().datagrams > 0);
    CHECK(listening.monitor().counters().batches > 0);
  });
}

TEST(MonitorWaitsForWhoItWas) {
  test::InNewNetns([] {
    Listening listening;
    CHECK(test::Await([&] { return listening.ready(); }));
    test::late = 100;
    CHECK(std::system("PATH=$PATH:/usr/sbin:/sbin nft add table ip slow") == 0);
    CHECK(test::Await([&] { return listening.heard("slow"); }));
    CHECK(listening.heard("slow by nft"));
    test::late = 0;
  });
}

TEST(MonitorSaysThatNewsWereLost) {
  test::InNewNetns([] {
    MonitorOptions options;
    options.receive_buffer = 1;
    options.delay = std::chrono::milliseconds(20);
    Listening listening(0, options);
    CHECK(test::Await([&] { return listening.ready(); }));
    auto session = Session::Open(NETLINK_ROUTE);
    CHECK(session.ok());
    int32_t index = 100;
    CHECK(test::Await([&] {
      for (int i = 0; i < 20; ++i, ++index) {
        MarkedLink(&session.value(), index, "lost" + std::to_string(index));
        Remove(&session.value(), index);
      }
      return listening.overruns() > 0 && listening.monitor().counters().overruns > 0;
    }));
  });
}

TEST(MonitorGoesOnWhereNoReadingOfLinksIsWhole) {
  test::InNewNetns([] {
    test::torn = 0;
    test::tearing = true;
    MonitorOptions options;
    options.receive_buffer = 16 * 1024;
    options.delay = std::chrono::milliseconds(20);
    Listening listening(0, options);
    CHECK(test::Await([&] { return listening.ready(); }));
    auto session = Session::Open(NETLINK_ROUTE);
    CHECK(session.ok());
    // As many as overrun it, which has the links read again.
    int32_t passing = 1'000;
    CHECK(test::Await([&] {
      for (int i = 0; i < 20; ++i, ++passing) MarkedLink(&session.value(), passing, "lost" + std::to_string(passing));
      return listening.overruns() > 0;
    }));
    // Twice: at the beginning, and then; of a datagram with links and one that ends it, at least.
    CHECK(test::torn >= 2 * Session::kTornTries * 2);
    // One that goes is told of; where that was lost, the next, once it was told that news were.
    int lost = -1;
    CHECK(test::Await([&] {
      if (const int now = listening.overruns(); now != lost) {
        lost = now;
        ++passing;
        MarkedLink(&session.value(), passing, "gone" + std::to_string(passing));
        RemoveAsOthersDo("gone" + std::to_string(passing));
      }
      return listening.heard("gone" + std::to_string(passing));
    }));
    test::tearing = false;
  });
}

TEST(MonitorEndsAtAnyTime) {
  test::InNewNetns([] {
    auto session = Session::Open(NETLINK_ROUTE);
    CHECK(session.ok());
    for (int round = 0; round < 20; ++round) {
      Listening listening;
      if (round % 2 == 0) CHECK(test::Await([&] { return listening.ready(); }));
      MarkedLink(&session.value(), 100 + round, "end" + std::to_string(round));
      if (round % 3 == 0) Remove(&session.value(), 100 + round);
    }
  });
}

}  // namespace
}  // namespace egressd::net
