#include "net/thread.h"

#include <signal.h>

namespace egressd::net {

int StartThread(pthread_t* thread, void* (*main)(void*), void* argument, size_t stack) {
  pthread_attr_t attributes;
  if (const int number = pthread_attr_init(&attributes); number != 0) return number;
  if (stack != 0) pthread_attr_setstacksize(&attributes, stack);
  // Blocked here, not in the thread: it inherits the mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int number = pthread_create(thread, &attributes, main, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return number;
}

}  // namespace egressd::net
