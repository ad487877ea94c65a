// What happened in the kernel, gathered for one delivery: each thing once, however often it happened.
#ifndef EGRESSD_NET_BATCH_H_
#define EGRESSD_NET_BATCH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "wire/nft-event.h"

namespace egressd::net {

struct KernelEvent {
  enum class Kind : uint8_t { kLink, kAddress, kRoute, kNft };

  Kind kind = Kind::kLink;
  bool gone = false;
  std::optional<int32_t> nsid;  // empty: the host
  uint32_t index = 0;
  std::string name;          // of a link
  std::string mark;          // alias that the link has, or had
  uint32_t outside = 0;      // index of the host's end of the namespace that `nsid` is
  uint8_t family = 0;        // of a table
  std::string table;
  uint32_t port = 0;         // of who did it, in that namespace; 0: the kernel by itself, or an old system call
  std::optional<wire::NftAuthor> by;
};

class Batch {
 public:
  // Beyond that, which of them it was is no longer told: `overrun`.
  static constexpr size_t kMaxEvents = 4096;

  void Add(KernelEvent event);
  // Says who made the transaction that was told of with that port.
  void Attribute(uint32_t port, const wire::NftAuthor& author);
  // Anything may have changed.
  void Overrun();

  bool empty() const { return events_.empty() && !overrun_; }
  bool overrun() const { return overrun_; }
  // A transaction is told of, and not yet who made it.
  bool awaits_author() const { return anonymous_ > 0; }
  std::vector<KernelEvent> TakeEvents();

 private:
  using Key = std::tuple<KernelEvent::Kind, bool, int64_t, uint32_t, uint8_t, std::string, uint32_t>;
  std::map<Key, size_t> places_;
  std::vector<KernelEvent> events_;
  size_t anonymous_ = 0;
  bool overrun_ = false;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_BATCH_H_
