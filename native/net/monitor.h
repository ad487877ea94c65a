// Listens to what happens to links, addresses, routes and nf_tables, and tells what may have bent something of ours.
#ifndef EGRESSD_NET_MONITOR_H_
#define EGRESSD_NET_MONITOR_H_

#include <atomic>
#include <chrono>
#include <functional>

#include "core/result.h"
#include "net/batch.h"
#include "net/relevance.h"

namespace egressd::net {

struct MonitorOptions {
  // Of each socket, bytes: what ten thousand links cost that are taken away at once, by far. Memory is taken as it is filled.
  int receive_buffer = 8 * 1024 * 1024;
  // From the first news to its delivery, so that what belongs together comes together.
  std::chrono::milliseconds gather{5};
  // For tests: from news to their being read. The kernel waits for readers where it can, so that few buffers overflow by chance.
  std::chrono::milliseconds delay{0};
};

// Written by the thread that runs it.
struct MonitorCounters {
  std::atomic<uint64_t> datagrams{0};  // received; what the sockets' filters drop is not
  std::atomic<uint64_t> batches{0};
  std::atomic<uint64_t> overruns{0};
};

// What can be heard.
struct MonitorReach {
  bool inside = false;  // namespaces that the host has a number for
  bool nftables = false;
};

class Monitor {
 public:
  // Called on the thread of Run. `deliver` answers whether it took the batch; where it has not, it is asked again.
  using Ready = std::function<void(const MonitorReach&)>;
  using Deliver = std::function<bool(Batch* batch)>;

  Monitor(MonitorOptions options, Ready ready, Deliver deliver)
      : options_(options), ready_(std::move(ready)), deliver_(std::move(deliver)) {}

  // In the calling thread's network namespace, until `stop` is readable: then ECANCELED. Other errors: no socket, no thread.
  Status Run(int stop);
  // Any thread.
  void Forget(uint32_t index) { relevance_.Forget(index); }
  const MonitorCounters& counters() const { return counters_; }

 private:
  MonitorOptions options_;
  Ready ready_;
  Deliver deliver_;
  Relevance relevance_;
  MonitorCounters counters_;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_MONITOR_H_
