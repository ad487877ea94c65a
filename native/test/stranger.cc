// Another process of the same namespace answers in the kernel's place, before it does.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "net/listener.h"
#include "net/session.h"
#include "test/check.h"
#include "test/in-netns.h"
#include "wire/link.h"

namespace egressd::net {
namespace {

// What it says, to that port, as an answer to the request of that number.
void Forge(const Fd& stranger, uint32_t port, const wire::Message& message, uint32_t sequence, uint16_t flags) {
  wire::Bytes bytes;
  wire::AppendFrame(message, flags, sequence, port, &bytes);
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  to.nl_pid = port;
  const ssize_t sent =
      sendto(stranger.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
  CHECK(sent == static_cast<ssize_t>(bytes.size()));
}

wire::Message Refusal() {
  wire::Message message;
  message.type = NLMSG_ERROR;
  nlmsgerr content{};
  content.error = -EPERM;
  message.body.resize(sizeof(content));
  std::memcpy(message.body.data(), &content, sizeof(content));
  return message;
}

TEST(SessionDoesNotBelieveAStranger) {
  test::InNewNetns([] {
    auto opened = Session::Open(NETLINK_ROUTE);
    CHECK(opened.ok());
    Session& session = opened.value();
    const Fd stranger(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    const uint32_t port = session.socket().port();
    wire::LinkTarget lo;
    lo.name = "lo";
    for (uint32_t sequence = 1; sequence <= 20; ++sequence) {
      Forge(stranger, port, Refusal(), sequence, NLM_F_CAPPED);
      const Verdict verdict = session.Execute(wire::GetLink(lo).value());
      CHECK(verdict.status.ok());
      const auto link = wire::ParseLink(verdict.reply);
      CHECK(link.ok() && link.value().name == "lo");
    }
    // An end of a dump that never began, and a link that there is not.
    wire::Message end = Refusal();
    end.type = NLMSG_DONE;
    Forge(stranger, port, end, 21, NLM_F_MULTI);
    int links = 0;
    const auto count = [&](uint16_t, wire::View) -> Status {
      ++links;
      return {};
    };
    CHECK(session.Dump(wire::DumpLinks({}).value(), "dump", [&] { links = 0; }, count).ok());
    CHECK(links >= 1);
  });
}

// To one port, and to all that listen to a group, which takes CAP_NET_ADMIN in the namespace (<linux/rtnetlink.h>, RTMGRP_LINK).
TEST(ListenerDoesNotHearAStranger) {
  test::InNewNetns([] {
    auto session = Session::Open(NETLINK_ROUTE);
    CHECK(session.ok());
    bool inside = false;
    auto opened = Listener::OpenRoute(1 << 16, &inside);
    CHECK(opened.ok());
    Listener& listener = opened.value();
    sockaddr_nl own{};
    socklen_t length = sizeof(own);
    CHECK(getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&own), &length) == 0);

    const Fd stranger(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    wire::Message gone;
    gone.type = RTM_DELLINK;
    gone.body.resize(sizeof(ifinfomsg));
    Forge(stranger, own.nl_pid, gone, 0, 0);
    wire::Bytes bytes;
    wire::AppendFrame(gone, 0, 0, 0, &bytes);
    sockaddr_nl all{};
    all.nl_family = AF_NETLINK;
    all.nl_groups = RTMGRP_LINK;
    CHECK(sendto(stranger.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&all), sizeof(all)) > 0);
    // They did come.
    CHECK(recv(listener.fd(), nullptr, 0, MSG_PEEK | MSG_DONTWAIT) == 0);
    auto heard = listener.Receive();
    CHECK(heard.ok() && !heard.value());

    wire::LinkChange up;
    up.target.name = "lo";
    up.up = true;
    CHECK(session.value().Execute(wire::SetLink(up).value()).status.ok());
    heard = listener.Receive();
    CHECK(heard.ok() && heard.value());
  });
}

}  // namespace
}  // namespace egressd::net
