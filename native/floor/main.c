/* The floor: what the kernel itself takes for a namespace with egress, as the yardstick of the benchmarks. One line in, one line
 * out; durations are nanoseconds. It makes its namespaces in the network namespace it is started in, and pins them as
 * /run/netns/floor-N: run it in a sandbox.
 *
 *   network bridge|routed NAME GATEWAY/PREFIX   ok
 *   create FIRST COUNT                          ok NS NS ...     one at a time
 *   handed FIRST COUNT                          ok NS NS ...     each by another thread, which is waited for
 *   many FIRST COUNT                            ok NS            the fastest way there is
 *   destroy FIRST COUNT                         ok NS            all of them, until the kernel has taken them away
 *   churn FIRST LIVE CYCLES                     ok NS NS ...     each makes number FIRST + LIVE + i and drops FIRST + i
 *   quit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "floor/netlink.h"
#include "floor/work.h"

/* So many in one transaction. */
#define GROUP 64

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* One request at a time, as a program has it whose own thread must not be held up: what it takes more is two wake-ups. */
static struct {
  pthread_mutex_t mutex;
  pthread_cond_t asked, done;
  uint32_t n;
  bool is_asked, is_done;
} hand = {.mutex = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static void *worker(void *unused) {
  pthread_mutex_lock(&hand.mutex);
  for (;;) {
    while (!hand.is_asked) pthread_cond_wait(&hand.asked, &hand.mutex);
    hand.is_asked = false;
    pthread_mutex_unlock(&hand.mutex);
    create(hand.n);
    pthread_mutex_lock(&hand.mutex);
    hand.is_done = true;
    pthread_cond_signal(&hand.done);
  }
  return unused;
}

static void create_by_hand(uint32_t n) {
  static bool begun;
  pthread_t thread;
  if (!begun && pthread_create(&thread, NULL, worker, NULL) != 0) fail("thread");
  begun = true;
  pthread_mutex_lock(&hand.mutex);
  hand.n = n;
  hand.is_asked = true;
  hand.is_done = false;
  pthread_cond_signal(&hand.asked);
  while (!hand.is_done) pthread_cond_wait(&hand.done, &hand.mutex);
  pthread_mutex_unlock(&hand.mutex);
}

static uint32_t pending; /* dropped, and not yet seen to be gone */

static void answer(const char *line) {
  unsigned first, count, cycles, prefix;
  char mode[8], name[16], gateway[16];
  long long begun = now();
  if (sscanf(line, "network %7s %15s %15[0-9.]/%u", mode, name, gateway, &prefix) == 4) {
    make_network(strcmp(mode, "routed") == 0, name, gateway, prefix);
    printf("ok");
  } else if (sscanf(line, "create %u %u", &first, &count) == 2 || sscanf(line, "handed %u %u", &first, &count) == 2) {
    bool handed = line[0] == 'h';
    printf("ok");
    for (unsigned n = first; n < first + count; n++) {
      long long start = now();
      if (handed)
        create_by_hand(n);
      else
        create(n);
      printf(" %lld", now() - start);
    }
  } else if (sscanf(line, "many %u %u", &first, &count) == 2) {
    for (unsigned done = 0; done < count; done += GROUP)
      create_many(first + done, count - done < GROUP ? count - done : GROUP);
    printf("ok %lld", now() - begun);
  } else if (sscanf(line, "destroy %u %u", &first, &count) == 2) {
    wait_gone(pending);
    pending = 0;
    begun = now();
    drop(first, count);
    wait_gone(count);
    printf("ok %lld", now() - begun);
  } else if (sscanf(line, "churn %u %u %u", &first, &count, &cycles) == 3) {
    printf("ok");
    for (unsigned i = 0; i < cycles; i++) {
      long long start = now();
      create(first + count + i);
      drop(first + i, 1);
      pending++;
      printf(" %lld", now() - start);
    }
  } else {
    errno = EINVAL;
    fail(line);
  }
  printf("\n");
}

int main(void) {
  char line[256];
  setvbuf(stdout, NULL, _IOLBF, 0);
  start();
  while (fgets(line, sizeof(line), stdin)) {
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, "quit") == 0) return 0;
    answer(line);
  }
  return 0;
}
