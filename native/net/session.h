// A conversation on one netlink socket: every request gets the verdict with its own sequence number.
#ifndef EGRESSD_NET_SESSION_H_
#define EGRESSD_NET_SESSION_H_

#include <functional>
#include <span>
#include <vector>

#include "net/socket.h"
#include "wire/message.h"

namespace egressd::net {

// What the kernel said to one request. `reply` is the body of an object it sent back (a GET), or empty.
struct Verdict {
  Status status;
  uint16_t reply_type = 0;
  wire::Bytes reply;
};

class Session {
 public:
  // Opens in the calling thread's network namespace.
  static Result<Session> Open(int protocol);
  static Session Over(Socket socket) { return Session(std::move(socket)); }

  // Sends the requests in as few sends as fit and waits for all verdicts. Not atomic: a request after a failed one
  // has still been executed. `operation` of each error is `what[i]` where given, else the request's own `what`.
  // A fault of the conversation itself (lost replies, no answer) becomes the verdict of each request left unanswered.
  std::vector<Verdict> Execute(std::span<const wire::Message> requests, std::span<const char* const> what = {});
  Verdict Execute(const wire::Message& request, const char* what = nullptr);

  // Dumps and hands each object to `visit` (message type, body). Starts again, at most kDumpTries times, when the
  // kernel says the dump was torn (NLM_F_DUMP_INTR): `restart` is called first, so drop what was collected.
  // `visit` returning an error ends the dump with it.
  using Visit = std::function<Status(uint16_t type, wire::View body)>;
  Status Dump(const wire::Message& request, const char* what, const std::function<void()>& restart, const Visit& visit);
  // The same for objects of which so many come and go that no dump may ever be whole. False where none of kTornTries was: what stood
  // all the while was told in the last of them (of links before Linux 6.9: or in the one before), what came or went perhaps.
  Result<bool> DumpTorn(const wire::Message& request, const char* what, const std::function<void()>& restart, const Visit& visit);

  Socket& socket() { return socket_; }
  uint32_t NextSequence() { return ++sequence_; }

  static constexpr int kDumpTries = 8;
  static constexpr int kTornTries = 4;
  // Bytes and messages in one send: enough to amortise the call, too few for their answers to overflow the buffer.
  static constexpr size_t kMaxSend = 64 * 1024;
  static constexpr size_t kMaxInFlight = 200;

 private:
  explicit Session(Socket socket) : socket_(std::move(socket)) {}
  void ExecuteChunk(std::span<const wire::Message> requests, std::span<const char* const> what, std::vector<Verdict>* out);
  Result<bool> DumpTries(int tries, const wire::Message& request, const char* what, const std::function<void()>& restart,
                         const Visit& visit);
  Result<bool> DumpOnce(const wire::Message& request, const char* what, const Visit& visit);

  Socket socket_;
  uint32_t sequence_ = 0;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_SESSION_H_
