// The thread that listens: what it tells, while others make the news, ask for its counters, and end it at any time.
#include "net/monitor.h"

#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "net/session.h"
#include "net/stop-signal.h"
#include "test/await.h"
#include "test/check.h"
#include "test/in-netns.h"
#include "wire/link.h"

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
                names_.push_back(event.name);
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
