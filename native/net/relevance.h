// Which of the kernel's news may mean that something of ours was bent. It knows the links that are marked as ours (IFLA_IFALIAS
// "egressd:...") and what they are like, and by their host ends which namespaces are; of all else it tells nothing.
#ifndef EGRESSD_NET_RELEVANCE_H_
#define EGRESSD_NET_RELEVANCE_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "net/batch.h"
#include "wire/link.h"
#include "wire/message.h"

namespace egressd::net {

class Relevance {
 public:
  // A reading of the host's links begins: what was known is forgotten.
  void Begin();
  void Learn(const wire::Link& link);

  // What a message of rtnetlink says; empty where it does not matter, or was caused by us. A message that does not parse is
  // taken for one that does not matter: what is ours is read again anyway.
  std::optional<KernelEvent> Take(const wire::Frame& frame, std::optional<int32_t> nsid);
  // The same of nf_tables; `frame` is of the host.
  static std::optional<KernelEvent> TakeNft(const wire::Frame& frame);

  // Any thread: that link of the host is to go, and is no news.
  void Forget(uint32_t index);

 private:
  // What of a link is ours to keep as it is.
  struct Facts {
    std::string name;
    std::string mark;  // the last alias of ours that it had
    std::string alias;
    wire::Bytes mac;
    uint32_t mtu = 0;
    uint32_t master = 0;
    std::optional<uint8_t> addr_gen_mode;
    bool up = false;
    bool operator==(const Facts&) const = default;
  };
  // A namespace of ours, by the number that the host has for it.
  struct Inside {
    uint32_t outside = 0;
    // It stood before we listened: what its links were like then is not known.
    bool before = false;
    std::map<uint32_t, Facts> links;
  };

  std::optional<KernelEvent> TakeLink(const wire::Frame& frame, std::optional<int32_t> nsid, bool gone);
  std::optional<KernelEvent> HostLink(const wire::Link& link, bool gone, bool own);
  std::optional<KernelEvent> InsideLink(Inside* inside, int32_t nsid, const wire::Link& link, bool gone, uint32_t port);
  std::optional<KernelEvent> TakeAddress(const wire::Frame& frame, std::optional<int32_t> nsid, bool gone);
  std::optional<KernelEvent> TakeRoute(const wire::Frame& frame, std::optional<int32_t> nsid, bool gone);
  // Of something on a link: empty where the link is not ours.
  std::optional<KernelEvent> OnLink(KernelEvent::Kind kind, bool gone, std::optional<int32_t> nsid, uint32_t index);
  void Meet(const wire::Link& link, bool before);
  bool IsLeaving(uint32_t index, bool gone);

  std::unordered_map<uint32_t, Facts> links_;  // marked ones of the host
  std::unordered_map<int32_t, Inside> namespaces_;
  std::mutex mutex_;
  std::unordered_set<uint32_t> leaving_;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_RELEVANCE_H_
