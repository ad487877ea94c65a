#include "net/session.h"

#include <linux/netlink.h>

#include <cerrno>

namespace egressd::net {
namespace {

Error ToError(const wire::Acknowledgement& ack, const char* what) { return Error{ack.error, what, ack.message, ack.offset}; }

}  // namespace

Result<Session> Session::Open(int protocol) {
  EGRESSD_ASSIGN(socket, Socket::Open(protocol));
  return Session(std::move(socket));
}

Verdict Session::Execute(const wire::Message& request, const char* what) {
  return std::move(Execute(std::span(&request, 1), what ? std::span(&what, 1) : std::span<const char* const>{}).front());
}

std::vector<Verdict> Session::Execute(std::span<const wire::Message> requests, std::span<const char* const> what) {
  std::vector<Verdict> out;
  out.reserve(requests.size());
  while (out.size() < requests.size()) {
    const size_t first = out.size();
    size_t last = first;
    size_t bytes = 0;
    while (last < requests.size() && last - first < kMaxInFlight) {
      bytes += sizeof(nlmsghdr) + requests[last].body.size() + 3;
      if (last > first && bytes > kMaxSend) break;
      ++last;
    }
    ExecuteChunk(requests.subspan(first, last - first), what.empty() ? what : what.subspan(first, last - first), &out);
  }
  return out;
}

void Session::ExecuteChunk(std::span<const wire::Message> requests, std::span<const char* const> what,
                           std::vector<Verdict>* out) {
  const size_t base = out->size();
  const uint32_t first_sequence = sequence_ + 1;
  wire::Bytes bytes;
  // Only the last is acknowledged, a third cheaper for a batch of routes: the kernel handles a send in order and a refusal
  // is always told, so what was not refused before that acknowledgement was done.
  for (const wire::Message& request : requests) {
    const uint16_t ack = &request == &requests.back() ? NLM_F_ACK : 0;
    wire::AppendFrame(request, NLM_F_REQUEST | ack, NextSequence(), socket_.port(), &bytes);
  }
  out->resize(base + requests.size());

  std::vector<bool> answered(requests.size(), false);
  const auto name = [&](size_t i) { return what.empty() ? requests[i].what : what[i]; };
  const auto fail_rest = [&](const Error& error) {
    for (size_t i = 0; i < requests.size(); ++i) {
      if (answered[i]) continue;
      Error own = error;
      own.operation = name(i);
      (*out)[base + i].status = own;
    }
    socket_.Drain();
  };

  if (Status sent = socket_.Send(bytes); !sent.ok()) return fail_rest(sent.error());
  for (bool lost = false;;) {
    Result<wire::View> received = socket_.ReceiveAnswer(&lost);
    if (!received.ok()) return fail_rest(received.error());
    wire::View rest = received.value();
    bool malformed = false;
    while (auto frame = wire::NextFrame(&rest, &malformed)) {
      const uint32_t index = frame->sequence - first_sequence;
      if (index >= requests.size() || answered[index]) continue;  // left over from an earlier conversation
      Verdict& verdict = (*out)[base + index];
      if (frame->type != NLMSG_ERROR) {
        verdict.reply_type = frame->type;
        verdict.reply.assign(frame->body.begin(), frame->body.end());
        continue;
      }
      const auto ack = wire::ParseAcknowledgement(*frame);
      if (!ack) {
        malformed = true;
        break;
      }
      if (ack->error != 0) verdict.status = ToError(*ack, name(index));
      answered[index] = true;
      if (index + 1 == requests.size()) return;
    }
    if (malformed) return fail_rest(wire::Malformed("netlink reply"));
  }
}

Status Session::Dump(const wire::Message& request, const char* what, const std::function<void()>& restart,
                     const Visit& visit) {
  EGRESSD_ASSIGN(whole, DumpTries(kDumpTries, request, what, restart, visit));
  if (whole) return {};
  return Error{EINTR, what, "the dump was interrupted by changes each time it was tried", 0};
}

Result<bool> Session::DumpTorn(const wire::Message& request, const char* what, const std::function<void()>& restart,
                               const Visit& visit) {
  return DumpTries(kTornTries, request, what, restart, visit);
}

Result<bool> Session::DumpTries(int tries, const wire::Message& request, const char* what,
                                const std::function<void()>& restart, const Visit& visit) {
  for (int i = 0; i < tries; ++i) {
    restart();
    EGRESSD_ASSIGN(whole, DumpOnce(request, what, visit));
    if (whole) return true;
  }
  return false;
}

// False: torn, try again.
Result<bool> Session::DumpOnce(const wire::Message& request, const char* what, const Visit& visit) {
  const uint32_t sequence = NextSequence();
  wire::Bytes bytes;
  wire::AppendFrame(request, NLM_F_REQUEST | NLM_F_DUMP, sequence, socket_.port(), &bytes);
  EGRESSD_TRY(socket_.Send(bytes));
  bool torn = false;
  Status visited;
  for (;;) {
    Result<wire::View> received = socket_.Receive();
    if (!received.ok()) {
      // NB: to its end, or the kernel refuses the next dump on this socket (EBUSY).
      socket_.Drain();
      // What was lost may have been any object.
      if (received.error().number == ENOBUFS) return false;
      return received.error();
    }
    wire::View datagram = received.value();
    bool malformed = false;
    while (auto frame = wire::NextFrame(&datagram, &malformed)) {
      if (frame->sequence != sequence) continue;
      torn = torn || (frame->flags & NLM_F_DUMP_INTR);
      if (frame->type == NLMSG_DONE || frame->type == NLMSG_ERROR) {
        const auto ack = wire::ParseAcknowledgement(*frame);
        if (!ack) return wire::Malformed(what);
        // nf_tables answers EINTR where rtnetlink sets the flag.
        if (ack->error == EINTR) return false;
        if (ack->error != 0) return ToError(*ack, what);
        if (!visited.ok()) return visited.error();
        return !torn;
      }
      // NB: keep reading after a refused object, so that the socket is clean for the next conversation.
      if (visited.ok()) visited = visit(frame->type, frame->body);
    }
    if (malformed) {
      socket_.Drain();
      return wire::Malformed(what);
    }
  }
}

}  // namespace egressd::net
