// Threads of ours. NB: not std::thread, which throws where the system has no more of them, and nothing here could catch it.
#ifndef EGRESSD_NET_THREAD_H_
#define EGRESSD_NET_THREAD_H_

#include <pthread.h>

#include <cstddef>

namespace egressd::net {

// With all signals blocked, from its first instruction: they belong to the main thread. `stack`: bytes; 0 is the system's default.
// An errno, 0 where it runs: EAGAIN for RLIMIT_NPROC, pids.max, TasksMax=.
int StartThread(pthread_t* thread, void* (*main)(void*), void* argument, size_t stack = 0);

}  // namespace egressd::net

#endif  // EGRESSD_NET_THREAD_H_
