// A conversation whose other end is a test: answers that are late, out of order, twice, cut short, of another conversation, or
// garbage. Whatever comes, each request has the verdict that was its own, or an error; and nothing waits for ever.
#include "net/session.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "test/check.h"
#include "test/in-netns.h"
#include "wire/link.h"

namespace egressd::net {
namespace {

// Descriptors whose other end is a test: a pair of sockets takes no address of netlink's.
std::atomic<int> scripted = -1;

struct Scripted {
  Scripted(Fd end, Session over) : kernel(std::move(end)), session(std::move(over)) {}
  ~Scripted() { scripted = -1; }  // NB: before another socket gets that number

  Fd kernel;
  Session session;
};

Scripted Begin() {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
  const timeval deadline{2, 0};
  CHECK(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)) == 0);
  scripted = ends[0];
  return {Fd(ends[1]), Session::Over(Socket::Over(Fd(ends[0]), 77))};
}

wire::Bytes Reply(uint16_t type, uint16_t flags, uint32_t sequence, wire::Bytes body) {
  wire::Message message;
  message.type = type;
  message.body = std::move(body);
  wire::Bytes out;
  wire::AppendFrame(message, flags, sequence, 77, &out);
  return out;
}

// NLMSG_ERROR with the header of the request behind it (NETLINK_CAP_ACK).
wire::Bytes Receipt(int error, uint32_t sequence) {
  wire::Bytes body(sizeof(nlmsgerr));
  nlmsgerr content{};
  content.error = -error;
  content.msg.nlmsg_len = sizeof(nlmsghdr);
  content.msg.nlmsg_seq = sequence;
  std::memcpy(body.data(), &content, sizeof(content));
  return Reply(NLMSG_ERROR, NLM_F_CAPPED, sequence, std::move(body));
}

wire::Bytes Joined(std::initializer_list<wire::Bytes> parts) {
  wire::Bytes all;
  for (const wire::Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

void Say(const Scripted& script, const wire::Bytes& datagram) {
  CHECK(send(script.kernel.get(), datagram.data(), datagram.size(), 0) == static_cast<ssize_t>(datagram.size()));
}

std::vector<wire::Message> Requests(size_t count) {
  std::vector<wire::Message> all(count);
  for (wire::Message& each : all) {
    each.type = 16;
    each.body.resize(16);
  }
  return all;
}

TEST(SessionTakesVerdictsOutOfOrderTwiceAndOfOthers) {
  Scripted script = Begin();
  Say(script, Receipt(EPERM, 900));  // of an earlier conversation
  Say(script, Joined({Receipt(EEXIST, 2), Receipt(ENODEV, 1), Receipt(EINVAL, 2)}));
  Say(script, Receipt(EBUSY, 4'000'000'000));
  Say(script, Joined({Reply(16, 0, 3, wire::Bytes(32, 7)), Receipt(0, 3)}));
  const auto verdicts = script.session.Execute(Requests(3));
  CHECK(verdicts.size() == 3);
  CHECK(!verdicts[0].status.ok() && verdicts[0].status.error().number == ENODEV);
  CHECK(!verdicts[1].status.ok() && verdicts[1].status.error().number == EEXIST);
  CHECK(verdicts[2].status.ok());
  CHECK(verdicts[2].reply == wire::Bytes(32, 7));
}

TEST(SocketReceivesLargeDatagramsWholeOrNotAtAll) {
  Scripted script = Begin();
  const int room = 4 * 1024 * 1024;
  CHECK(setsockopt(script.kernel.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) == 0 ||
        setsockopt(script.kernel.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0);
  // What a dump fills and a little more, far more, and little again.
  uint32_t sequence = 0;
  for (const size_t size : {32 * 1024 - 64, 32 * 1024 + 4, 100 * 1024, 150 * 1024, 64}) {
    ++sequence;
    wire::Bytes body(size);
    for (size_t i = 0; i < size; ++i) body[i] = static_cast<uint8_t>(i * 31 + i / 256);
    Say(script, Joined({Reply(16, 0, sequence, body), Receipt(0, sequence)}));
    const auto verdicts = script.session.Execute(Requests(1));
    CHECK(verdicts[0].status.ok());
    CHECK(verdicts[0].reply == body);
  }
  Say(script, Reply(16, 0, ++sequence, wire::Bytes(300 * 1024)));
  const auto verdicts = script.session.Execute(Requests(1));
  CHECK(!verdicts[0].status.ok() && verdicts[0].status.error().number == EMSGSIZE);
}

TEST(SessionRefusesWhatIsCutShort) {
  const wire::Bytes whole = Receipt(0, 1);
  for (size_t size = 1; size < whole.size(); ++size) {
    Scripted script = Begin();
    Say(script, wire::Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
    Say(script, Receipt(0, 1));  // comes too late: it was not told what the first said
    const auto verdicts = script.session.Execute(Requests(1));
    CHECK(!verdicts[0].status.ok() && verdicts[0].status.error().number == EBADMSG);
    // What was left of it is not taken for the answer to the next.
    Say(script, Receipt(ENOENT, 2));
    const auto next = script.session.Execute(Requests(1));
    CHECK(!next[0].status.ok() && next[0].status.error().number == ENOENT);
  }
}

TEST(SessionRefusesLengthsThatLie) {
  for (const uint32_t length : {0U, 1U, 15U, 17U, 4'096U, UINT32_MAX}) {
    Scripted script = Begin();
    wire::Bytes reply = Receipt(0, 1);
    std::memcpy(reply.data(), &length, sizeof(length));
    Say(script, reply);
    const auto verdicts = script.session.Execute(Requests(1));
    CHECK(!verdicts[0].status.ok());
  }
}

TEST(SessionEndsWhereNothingIsAnswered) {
  Scripted script = Begin();
  const timeval soon{0, 50'000};
  CHECK(setsockopt(script.session.socket().fd(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)) == 0);
  Say(script, Receipt(EPERM, 1));
  const auto verdicts = script.session.Execute(Requests(3));
  CHECK(!verdicts[0].status.ok() && verdicts[0].status.error().number == EPERM);
  for (int i = 1; i < 3; ++i) CHECK(!verdicts[i].status.ok() && verdicts[i].status.error().number == ETIMEDOUT);
}

// More answers than the buffer holds: the kernel drops the rest, the acknowledgement too.
TEST(SessionDoesNotWaitForWhatWasLost) {
  test::InNewNetns([] {
    auto session = Session::Open(NETLINK_ROUTE);
    CHECK(session.ok());
    const int little = 16 * 1024;
    CHECK(setsockopt(session.value().socket().fd(), SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)) == 0);
    wire::LinkTarget lo;
    lo.index = 1;
    const std::vector<wire::Message> requests(100, wire::GetLink(lo).value());
    const auto verdicts = session.value().Execute(requests);
    CHECK(verdicts.front().reply.size() > 0);
    CHECK(!verdicts.back().status.ok() && verdicts.back().status.error().number == ENOBUFS);
    // Nothing of it is left for the next.
    CHECK(session.value().Execute(requests[0]).status.ok());
  });
}

TEST(SessionDumpsAgainWhereItWasTorn) {
  Scripted script = Begin();
  const wire::Bytes four(4, 0);
  Say(script, Joined({Reply(16, NLM_F_MULTI | NLM_F_DUMP_INTR, 1, wire::Bytes(4, 1)), Reply(NLMSG_DONE, NLM_F_MULTI, 1, four)}));
  Say(script, Joined({Reply(16, NLM_F_MULTI, 2, wire::Bytes(4, 2)), Reply(16, NLM_F_MULTI, 1, wire::Bytes(4, 9))}));
  Say(script, Joined({Reply(16, NLM_F_MULTI, 2, wire::Bytes(4, 3)), Reply(NLMSG_DONE, NLM_F_MULTI, 2, four)}));
  std::vector<uint8_t> seen;
  int restarts = 0;
  const Status dumped = script.session.Dump(
      Requests(1)[0], "test", [&] { ++restarts, seen.clear(); },
      [&](uint16_t, wire::View body) -> Status {
        seen.push_back(body[0]);
        return {};
      });
  CHECK(dumped.ok());
  CHECK(restarts == 2);
  CHECK((seen == std::vector<uint8_t>{2, 3}));
}

// Each of so many dumps has its number in it, and is torn.
void SayTorn(const Scripted& script, int count) {
  const auto flags = static_cast<uint16_t>(NLM_F_MULTI | NLM_F_DUMP_INTR);
  for (uint32_t i = 1; i <= static_cast<uint32_t>(count); ++i) {
    const wire::Bytes object(4, static_cast<uint8_t>(i));
    Say(script, Joined({Reply(16, NLM_F_MULTI, i, object), Reply(NLMSG_DONE, flags, i, wire::Bytes(4, 0))}));
  }
}

TEST(SessionTellsThatNoDumpWasWhole) {
  std::vector<uint8_t> seen;
  const auto restart = [&] { seen.clear(); };
  const auto visit = [&](uint16_t, wire::View body) -> Status {
    seen.push_back(body[0]);
    return {};
  };
  {
    Scripted script = Begin();
    SayTorn(script, Session::kDumpTries);
    const Status dumped = script.session.Dump(Requests(1)[0], "test", restart, visit);
    CHECK(!dumped.ok() && dumped.error().number == EINTR);
  }
  Scripted script = Begin();
  SayTorn(script, Session::kTornTries);
  const Result<bool> whole = script.session.DumpTorn(Requests(1)[0], "test", restart, visit);
  CHECK(whole.ok() && !whole.value());
  CHECK(seen == std::vector<uint8_t>{Session::kTornTries});
}

}  // namespace
}  // namespace egressd::net

// In place of libc's, for this program: what goes to a test goes without an address.
extern "C" ssize_t sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to, socklen_t length) {
  if (fd == egressd::net::scripted) return static_cast<ssize_t>(size);
  return syscall(SYS_sendto, fd, data, size, flags, to, length);
}
