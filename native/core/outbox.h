// What threads hand to the one that collects: in order, and with one wake-up for all that comes before it collects.
#ifndef EGRESSD_CORE_OUTBOX_H_
#define EGRESSD_CORE_OUTBOX_H_

#include <mutex>
#include <utility>
#include <vector>

namespace egressd {

template <typename Item>
class Outbox {
 public:
  // Any thread. True where it is the first since the last Take: then whoever collects is to be woken.
  bool Put(Item item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    return items_.size() == 1;
  }
  // All there are, oldest first.
  std::vector<Item> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Item> items_;
};

}  // namespace egressd

#endif  // EGRESSD_CORE_OUTBOX_H_
