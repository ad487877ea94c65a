#define _GNU_SOURCE
#include "floor/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void fail(const char *what) {
  printf("error %s: %s\n", what, strerror(errno));
  exit(1);
}

int open_netlink(int protocol) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) fail("socket");
  int on = 1;
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  /* Without a port of its own a socket hears no news. */
  struct sockaddr_nl any = {.nl_family = AF_NETLINK};
  if (bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0) fail("bind");
  return fd;
}

void begin(struct batch *batch, uint16_t type, uint16_t flags, const void *body, size_t size) {
  batch->last = (struct nlmsghdr *)(batch->bytes + batch->size);
  memset(batch->last, 0, NLMSG_HDRLEN);
  batch->last->nlmsg_type = type;
  batch->last->nlmsg_flags = NLM_F_REQUEST | flags;
  memcpy(NLMSG_DATA(batch->last), body, size);
  batch->last->nlmsg_len = NLMSG_HDRLEN + NLMSG_ALIGN(size);
  batch->size += batch->last->nlmsg_len;
}

void put(struct batch *batch, uint16_t type, const void *data, size_t size) {
  struct rtattr *attribute = (struct rtattr *)(batch->bytes + batch->size);
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH(size);
  if (size > 0) memcpy(RTA_DATA(attribute), data, size);
  memset((uint8_t *)attribute + RTA_LENGTH(size), 0, RTA_SPACE(size) - RTA_LENGTH(size));
  batch->size += RTA_SPACE(size);
  batch->last->nlmsg_len += RTA_SPACE(size);
}

void put_text(struct batch *batch, uint16_t type, const char *text) { put(batch, type, text, strlen(text) + 1); }
void put_u8(struct batch *batch, uint16_t type, uint8_t value) { put(batch, type, &value, sizeof(value)); }
void put_u32(struct batch *batch, uint16_t type, uint32_t value) { put(batch, type, &value, sizeof(value)); }
void put_be32(struct batch *batch, uint16_t type, uint32_t value) { put_u32(batch, type, htonl(value)); }

size_t open_nest(struct batch *batch, uint16_t type) {
  size_t start = batch->size;
  put(batch, type | NLA_F_NESTED, NULL, 0);
  return start;
}

void close_nest(struct batch *batch, size_t start) {
  ((struct rtattr *)(batch->bytes + start))->rta_len = batch->size - start;
}

void run(int fd, struct batch *batch, const char *what) {
  static uint32_t sequence;
  struct nlmsghdr *end = (struct nlmsghdr *)(batch->bytes + batch->size);
  for (struct nlmsghdr *each = (struct nlmsghdr *)batch->bytes; each < end;
       each = (struct nlmsghdr *)((uint8_t *)each + NLMSG_ALIGN(each->nlmsg_len)))
    each->nlmsg_seq = ++sequence;
  batch->last->nlmsg_flags |= NLM_F_ACK;
  uint32_t awaited = batch->last->nlmsg_seq;
  size_t size = batch->size;
  batch->size = 0;
  if (send(fd, batch->bytes, size, 0) < 0) fail(what);
  for (;;) {
    uint8_t answer[32 * 1024];
    ssize_t got = recv(fd, answer, sizeof(answer), 0);
    if (got < 0) fail(what);
    for (struct nlmsghdr *each = (struct nlmsghdr *)answer; NLMSG_OK(each, got); each = NLMSG_NEXT(each, got)) {
      if (each->nlmsg_type != NLMSG_ERROR) continue;
      errno = -((struct nlmsgerr *)NLMSG_DATA(each))->error;
      if (errno != 0) fail(what);
      if (each->nlmsg_seq == awaited) return;
    }
  }
}
