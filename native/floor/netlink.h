/* The least that it takes to talk to rtnetlink and nf_tables: requests written one behind the other into one buffer, one send, and
 * only the last of them acknowledged. Any refusal ends the program: this is a yardstick, and checks nothing else. */
#ifndef EGRESSD_FLOOR_NETLINK_H_
#define EGRESSD_FLOOR_NETLINK_H_

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct batch {
  uint8_t bytes[64 * 1024];
  size_t size;
  struct nlmsghdr *last;
};

void fail(const char *what);

int open_netlink(int protocol);

/* Begins a request. Its body is `body`, of `size` bytes; attributes follow. */
void begin(struct batch *batch, uint16_t type, uint16_t flags, const void *body, size_t size);
void put(struct batch *batch, uint16_t type, const void *data, size_t size);
void put_text(struct batch *batch, uint16_t type, const char *text);
void put_u8(struct batch *batch, uint16_t type, uint8_t value);
void put_u32(struct batch *batch, uint16_t type, uint32_t value);
void put_be32(struct batch *batch, uint16_t type, uint32_t value);
/* A nest is closed with what opening it returned. */
size_t open_nest(struct batch *batch, uint16_t type);
void close_nest(struct batch *batch, size_t start);

/* Sends what there is, waits for the acknowledgement of the last request (`what`, for the error), and empties the batch. */
void run(int fd, struct batch *batch, const char *what);

#endif
