#include "net/monitor.h"

#include <linux/netlink.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "net/listener.h"
#include "net/session.h"
#include "wire/link.h"

namespace egressd::net {
namespace {

using Clock = std::chrono::steady_clock;

// News taken in one go before deliveries and the end have their turn.
constexpr int kMaxDatagrams = 512;
// NFT_MSG_NEWGEN follows the objects of its transaction within the same system call, which may be kept from its processor in between.
constexpr std::chrono::milliseconds kAuthorPatience{1000};
// Until it is asked again whether the last batch was taken.
constexpr std::chrono::milliseconds kBusy{5};

class Watching {
 public:
  Watching(const MonitorOptions& options, const Monitor::Deliver& deliver, Relevance* relevance, MonitorCounters* counters)
      : options_(options), deliver_(deliver), relevance_(*relevance), counters_(*counters) {}

  Status Open(MonitorReach* reach) {
    EGRESSD_ASSIGN(route, Listener::OpenRoute(options_.receive_buffer, &reach->inside));
    route_.emplace(std::move(route));
    Result<Listener> nftables = Listener::OpenNftables(options_.receive_buffer);
    reach->nftables = nftables.ok();
    if (nftables.ok()) nftables_.emplace(std::move(nftables.value()));
    EGRESSD_ASSIGN(session, Session::Open(NETLINK_ROUTE));
    session_.emplace(std::move(session));
    // NB: after the sockets listen: what changes meanwhile is read, or heard, or both.
    return ReadLinks();
  }

  Status Run(int stop) {
    for (;;) {
      EGRESSD_TRY(Wait(stop));
      EGRESSD_TRY(Hear(&*route_, [this](const Listener::Datagram& datagram) { TakeRoute(datagram); }));
      if (nftables_) EGRESSD_TRY(Hear(&*nftables_, [this](const Listener::Datagram& datagram) { TakeNft(datagram.bytes); }));
      if (lost_) EGRESSD_TRY(ReadLinks());
      if (due_ && Clock::now() >= *due_) Deliver();
    }
  }

 private:
  Status ReadLinks() {
    lost_ = false;
    EGRESSD_ASSIGN(request, wire::DumpLinks({}));
    // Where no reading is whole, all of them together are: what comes and goes meanwhile is heard of besides.
    relevance_.Begin();
    EGRESSD_TRY(session_->DumpTorn(request, request.what, [] {}, [this](uint16_t, wire::View body) -> Status {
      EGRESSD_ASSIGN(link, wire::ParseLink(body));
      relevance_.Learn(link);
      return {};
    }));
    return {};
  }

  Status Wait(int stop) {
    timespec limit{};
    if (due_) {
      const auto left = std::max(std::chrono::nanoseconds::zero(), std::chrono::nanoseconds(*due_ - Clock::now()));
      limit = {static_cast<time_t>(left.count() / 1'000'000'000), static_cast<long>(left.count() % 1'000'000'000)};
    }
    // A negative descriptor is passed over.
    pollfd waiting[] = {{stop, POLLIN, 0}, {route_->fd(), POLLIN, 0}, {nftables_ ? nftables_->fd() : -1, POLLIN, 0}};
    if (ppoll(waiting, 3, due_ ? &limit : nullptr, nullptr) < 0 && errno != EINTR) return Error{errno, "poll", {}, 0};
    if (waiting[0].revents == 0 && options_.delay.count() > 0) poll(waiting, 1, static_cast<int>(options_.delay.count()));
    if (waiting[0].revents != 0) return Error{ECANCELED, "watch", "stopped", 0};
    return {};
  }

  template <typename Take>
  Status Hear(Listener* listener, const Take& take) {
    for (int i = 0; i < kMaxDatagrams; ++i) {
      Result<std::optional<Listener::Datagram>> received = listener->Receive();
      if (!received.ok()) {
        if (received.error().number != ENOBUFS) return received.error();
        // What was lost may have been anything: nothing that is known of links can be relied on.
        ++counters_.overruns;
        lost_ = true;
        batch_.Overrun();
        Schedule();
        continue;
      }
      if (!received.value()) return {};
      ++counters_.datagrams;
      take(*received.value());
    }
    return {};
  }

  void TakeRoute(const Listener::Datagram& datagram) {
    wire::View rest = datagram.bytes;
    bool malformed = false;
    while (const auto frame = wire::NextFrame(&rest, &malformed))
      if (auto event = relevance_.Take(*frame, datagram.nsid)) Add(std::move(*event));
  }

  void TakeNft(wire::View rest) {
    bool malformed = false;
    while (const auto frame = wire::NextFrame(&rest, &malformed)) {
      if (frame->type == wire::NftType(NFT_MSG_NEWGEN)) {
        if (const auto author = wire::ParseNftAuthor(frame->body); author.ok()) batch_.Attribute(frame->port, author.value());
      } else if (auto event = Relevance::TakeNft(*frame)) {
        Add(std::move(*event));
      }
    }
  }

  void Add(KernelEvent event) {
    batch_.Add(std::move(event));
    Schedule();
  }

  void Schedule() {
    if (due_) return;
    begun_ = Clock::now();
    due_ = begun_ + options_.gather;
  }

  void Deliver() {
    const auto now = Clock::now();
    if (batch_.awaits_author() && now < begun_ + kAuthorPatience) {
      due_ = now + std::chrono::milliseconds(1);
    } else if (deliver_(&batch_)) {
      ++counters_.batches;
      due_.reset();
    } else {
      due_ = now + kBusy;
    }
  }

  const MonitorOptions& options_;
  const Monitor::Deliver& deliver_;
  Relevance& relevance_;
  MonitorCounters& counters_;
  std::optional<Listener> route_;
  std::optional<Listener> nftables_;
  std::optional<Session> session_;
  Batch batch_;
  bool lost_ = false;
  Clock::time_point begun_;
  std::optional<Clock::time_point> due_;
};

}  // namespace

Status Monitor::Run(int stop) {
  Watching watching(options_, deliver_, &relevance_, &counters_);
  MonitorReach reach;
  EGRESSD_TRY(watching.Open(&reach));
  ready_(reach);
  return watching.Run(stop);
}

}  // namespace egressd::net
