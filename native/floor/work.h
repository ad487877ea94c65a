/* The kernel work of one namespace with egress, and no more. */
#ifndef EGRESSD_FLOOR_WORK_H_
#define EGRESSD_FLOOR_WORK_H_

#include <stdbool.h>
#include <stdint.h>

/* Opens the sockets, and reads where home is. Once, before all else. */
void start(void);

/* An interface for the gateway, and nf_tables sets like those of the product. */
void make_network(bool routed, const char *name, const char *gateway, unsigned prefix);

/* One namespace, from nothing, with its set elements in a transaction of its own. */
void create(uint32_t n);
/* Several: the same, with the elements of all in one transaction. At most 200. */
void create_many(uint32_t first, uint32_t count);

/* Takes the elements of all away in one transaction and lets go of the namespaces. */
void drop(uint32_t first, uint32_t count);
/* Waits until the kernel has taken away the links of so many. */
void wait_gone(uint32_t count);

#endif
