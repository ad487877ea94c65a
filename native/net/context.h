// What one job runs against: numbered namespaces ("slots"; 0 is the host) and the sockets open in them.
#ifndef EGRESSD_NET_CONTEXT_H_
#define EGRESSD_NET_CONTEXT_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/fd.h"
#include "net/netns.h"
#include "net/session.h"

namespace egressd::net {

// Sockets of one namespace, opened on first use.
struct NetnsSockets {
  std::optional<Session> route;
  std::optional<Session> netfilter;
};

// A namespace that was just made, with a socket in it: opened while the thread is there anyway.
struct NewNetns {
  Fd netns;
  std::optional<Session> route;
};
// Makes one, and brings the calling thread back to `home`. `lost` becomes true where it cannot be brought back.
Result<NewNetns> MakeNetns(int home, bool* lost);

// Numbers to namespaces, as far as encoding a request needs it.
class Slots {
 public:
  virtual ~Slots() = default;
  // ENOENT where nothing was assigned.
  virtual Result<int> NetnsFd(uint32_t slot) const = 0;
  // The number of a link that this job has asked for by name. ENODEV where it has not.
  virtual Result<uint32_t> LinkIndex(uint32_t slot, const std::string& name) const;
};

class Context final : public Slots {
 public:
  // `home` is the executor thread's own namespace, `host` the job's. `host_sockets` and `stopping` outlive the job.
  Context(int home, int host, NetnsSockets* host_sockets, const std::atomic<bool>& stopping)
      : home_(home), host_(host), host_sockets_(host_sockets), stopping_(stopping) {}

  static constexpr uint32_t kHost = 0;
  static constexpr uint32_t kMaxSlots = 65'536;

  // Gives a namespace a slot. EEXIST where the slot is taken.
  Status Assign(uint32_t slot, NewNetns made);
  Result<int> NetnsFd(uint32_t slot) const override;
  Result<uint32_t> LinkIndex(uint32_t slot, const std::string& name) const override;
  void LearnLink(uint32_t slot, const std::string& name, uint32_t index) { links_[{slot, name}] = index; }

  // A conversation with the kernel in that namespace. NB: valid until the next call of Assign.
  Result<Session*> Route(uint32_t slot);
  Result<Session*> Netfilter(uint32_t slot);

  // Runs `inside` with the calling thread in that namespace, and brings the thread back. Where it cannot be brought
  // back, `lost()` is true and the executor ends the thread.
  Status Inside(uint32_t slot, const std::function<Status()>& inside);
  // A new namespace: the one that was prepared for this job, where that was not taken yet, or one made here and now.
  Result<NewNetns> Make();
  void Prepare(Result<NewNetns> made) { prepared_.emplace(std::move(made)); }

  bool lost() const { return lost_; }
  // The executor waits for this thread: whoever waits here gives up.
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  struct Slot {
    Fd netns;
    NetnsSockets sockets;
  };
  Result<NetnsSockets*> Sockets(uint32_t slot);
  Result<Session*> Open(uint32_t slot, int protocol, std::optional<Session> NetnsSockets::*which);
  void GoHome();

  int home_;
  int host_;
  NetnsSockets* host_sockets_;
  const std::atomic<bool>& stopping_;
  std::vector<std::unique_ptr<Slot>> slots_;  // index: slot - 1
  std::optional<Result<NewNetns>> prepared_;
  std::map<std::pair<uint32_t, std::string>, uint32_t> links_;
  bool lost_ = false;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_CONTEXT_H_
