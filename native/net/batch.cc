#include "net/batch.h"

#include <utility>

namespace egressd::net {

void Batch::Add(KernelEvent event) {
  if (overrun_) return;
  const bool nft = event.kind == KernelEvent::Kind::kNft;
  // Who did it counts for tables alone: there it is told.
  const Key key{event.kind,   event.gone,  event.nsid ? int64_t{*event.nsid} : -1, event.index,
                event.family, event.table, nft ? event.port : 0};
  const auto [place, fresh] = places_.try_emplace(key, events_.size());
  if (fresh && events_.size() == kMaxEvents) return Overrun();
  if (nft && fresh) ++anonymous_;
  if (fresh) {
    events_.push_back(std::move(event));
  } else if (!nft) {
    events_[place->second] = std::move(event);
  } else if (KernelEvent& same = events_[place->second]; same.by) {
    same.by.reset();  // another transaction of the same
    ++anonymous_;
  }
}

void Batch::Attribute(uint32_t port, const wire::NftAuthor& author) {
  for (KernelEvent& event : events_) {
    if (event.kind != KernelEvent::Kind::kNft || event.port != port || event.by) continue;
    event.by = author;
    --anonymous_;
  }
}

void Batch::Overrun() {
  TakeEvents();
  overrun_ = true;
}

std::vector<KernelEvent> Batch::TakeEvents() {
  places_.clear();
  anonymous_ = 0;
  overrun_ = false;
  return std::exchange(events_, {});
}

}  // namespace egressd::net
