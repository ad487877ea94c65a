#include "net/ping.h"

#include <net/if.h>
#include <poll.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "net/icmp-socket.h"

namespace egressd::net {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// Random bytes at the head of each payload: an answer that does not bring them back is another ping's.
constexpr size_t kCookieBytes = 16;
// Answers taken in one go before sends and deadlines have their turn.
constexpr int kMaxAnswers = 256;

uint64_t Random() {
  uint64_t value = 0;
  // Cannot fail for 8 bytes once the system has booted; before that the clock has to do.
  if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value))
    value = static_cast<uint64_t>(Clock::now().time_since_epoch().count());
  return value;
}

// NB: counted up from a random start, so that pings of this process that run at once never share one: with a payload
// too small for a cookie it is all that tells them apart.
uint16_t NextIdentifier() {
  static std::atomic<uint16_t> next{static_cast<uint16_t>(Random())};
  return next++;
}

Result<uint32_t> ZoneIndex(const std::string& zone) {
  if (zone.empty()) return 0u;
  if (const unsigned index = if_nametoindex(zone.c_str()); index != 0) return index;
  char* end = nullptr;
  const unsigned long number = std::strtoul(zone.c_str(), &end, 10);
  char name[IF_NAMESIZE];
  if (*end == '\0' && number <= UINT32_MAX && if_indextoname(static_cast<unsigned>(number), name) != nullptr)
    return static_cast<uint32_t>(number);
  return Error{ENODEV, "zone", "no interface is called " + zone, 0};
}

nanoseconds ToDuration(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

nanoseconds WallClock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return ToDuration(now);
}

class Series {
 public:
  Series(const PingRequest& request, IcmpSocket socket, uint16_t identifier)
      : request_(request), socket_(std::move(socket)), identifier_(identifier), payload_(request.size) {
    for (size_t i = 0; i < payload_.size(); ++i) payload_[i] = static_cast<uint8_t>(i);
    cookie_ = std::min(kCookieBytes, payload_.size());
    const uint64_t random[] = {Random(), Random()};
    std::copy_n(reinterpret_cast<const uint8_t*>(random), cookie_, payload_.begin());  // the payload may be empty
    results_.resize(request.count);
    sent_.reserve(request.count);
  }

  Result<std::vector<EchoResult>> Run(int stop) {
    Clock::time_point next_send = Clock::now();
    for (;;) {
      if (sent_.size() < request_.count && Clock::now() >= next_send) {
        Send();
        // A thread that was kept waiting does not make up for it by a burst.
        next_send = std::max(next_send + request_.interval, Clock::now());
      }
      // NB: answers first, deadlines after: if this thread was kept waiting, an answer that came in time still counts.
      ReceiveAll();
      Expire(Clock::now());
      const bool all_sent = sent_.size() == request_.count;
      if (all_sent && oldest_ == sent_.size()) return std::move(results_);
      Clock::time_point wake = Clock::time_point::max();
      if (!all_sent) wake = next_send;
      if (oldest_ < sent_.size()) wake = std::min(wake, sent_[oldest_].at + request_.timeout);
      EGRESSD_TRY(Wait(stop, wake));
    }
  }

 private:
  struct Sent {
    Clock::time_point at;
    nanoseconds wall;  // CLOCK_REALTIME, which the kernel's stamp is in
  };

  void Send() {
    const auto sequence = static_cast<uint16_t>(sent_.size() + 1);
    const wire::Bytes message = wire::BuildEcho(request_.target.family, identifier_, sequence, payload_);
    sent_.push_back({Clock::now(), WallClock()});
    const int number = socket_.Send(message);
    if (number == 0) return;
    EchoResult& result = results_[sent_.size() - 1];
    result.result = "send-failed";
    result.number = number;
  }

  void ReceiveAll() {
    for (int i = 0; i < kMaxAnswers; ++i) {
      const auto answer = socket_.Receive();
      if (!answer) return;
      Take(*answer);
    }
  }

  bool IsOurs(const wire::IcmpMessage& message) const {
    if (message.kind == wire::IcmpMessage::Kind::kRequest || message.identifier != identifier_) return false;
    if (message.sequence == 0 || message.sequence > sent_.size()) return false;
    const bool reply = message.kind == wire::IcmpMessage::Kind::kReply;
    if (reply && message.payload.size() != payload_.size()) return false;
    if (!reply && message.destination != request_.target) return false;
    // An error brings back only the head of the request, maybe none of the payload.
    const size_t known = std::min(cookie_, message.payload.size());
    return std::equal(payload_.begin(), payload_.begin() + static_cast<ptrdiff_t>(known), message.payload.begin());
  }

  void Take(const IcmpSocket::Answer& answer) {
    if (!IsOurs(answer.message)) return;
    const size_t place = answer.message.sequence - 1u;
    EchoResult& result = results_[place];
    if (!result.result.empty()) return;  // a duplicate, or too late
    const nanoseconds taken = RoundTrip(sent_[place], answer.received);
    if (taken > request_.timeout) return;
    result.from = answer.from;
    result.ttl = answer.message.ttl;
    if (answer.message.kind == wire::IcmpMessage::Kind::kReply) {
      result.result = "reply";
      result.milliseconds = std::chrono::duration<double, std::milli>(taken).count();
    } else {
      result.result = wire::IcmpErrorName(request_.target.family, answer.message.type, answer.message.code);
    }
  }

  // From the send to the kernel's stamp, so that our own scheduling is not in it. Where the wall clock was set
  // meanwhile that makes no sense, and the steady clock's time up to now has to do.
  static nanoseconds RoundTrip(const Sent& sent, const timespec& received) {
    const nanoseconds whole = Clock::now() - sent.at;
    const nanoseconds stamped = ToDuration(received) - sent.wall;
    return stamped < nanoseconds::zero() || stamped > whole ? whole : stamped;
  }

  void Expire(Clock::time_point now) {
    for (; oldest_ < sent_.size(); ++oldest_) {
      EchoResult& result = results_[oldest_];
      if (!result.result.empty()) continue;
      if (now < sent_[oldest_].at + request_.timeout) return;
      result.result = "timeout";
    }
  }

  Status Wait(int stop, Clock::time_point until) {
    const nanoseconds left = std::max(nanoseconds::zero(), nanoseconds(until - Clock::now()));
    const timespec limit{static_cast<time_t>(left.count() / 1'000'000'000), static_cast<long>(left.count() % 1'000'000'000)};
    pollfd waiting[] = {{socket_.fd(), POLLIN, 0}, {stop, POLLIN, 0}};
    if (ppoll(waiting, 2, &limit, nullptr) < 0 && errno != EINTR) return Error{errno, "poll", {}, 0};
    if (waiting[1].revents != 0) return Error{ECANCELED, "ping", "stopped", 0};
    return {};
  }

  const PingRequest& request_;
  IcmpSocket socket_;
  uint16_t identifier_;
  wire::Bytes payload_;
  size_t cookie_ = 0;
  std::vector<Sent> sent_;
  std::vector<EchoResult> results_;
  size_t oldest_ = 0;  // all before it are settled
};

}  // namespace

Result<std::vector<EchoResult>> Ping(const PingRequest& request, int stop) {
  EGRESSD_ASSIGN(zone, ZoneIndex(request.zone));
  const uint16_t identifier = NextIdentifier();
  EGRESSD_ASSIGN(socket, IcmpSocket::Open(request.target, zone, identifier, request.ttl));
  return Series(request, std::move(socket), identifier).Run(stop);
}

}  // namespace egressd::net
