// A step that lists objects of one kind: dumps them and keeps those that its filter wants.
#ifndef EGRESSD_JS_LIST_STEP_H_
#define EGRESSD_JS_LIST_STEP_H_

#include <linux/netlink.h>

#include <iterator>
#include <unordered_set>
#include <utility>
#include <vector>

#include "js/step.h"

namespace egressd::js {

// How one kind of object is listed.
template <typename Item, typename Filter>
struct Listing {
  Result<wire::Message> (*dump)(const Filter&);
  Result<Item> (*parse)(wire::View);
  // The kernel filters too, where it can: this is for those that it ignores.
  bool (*matches)(const Item&, const Filter&);
  Napi::Object (*to_js)(Napi::Env, const Item&);
  // The errno that means "nothing is there"; 0: none.
  int nothing = 0;
  Result<net::Session*> (net::Context::*session)(uint32_t slot) = &net::Context::Route;
  // What tells one from the others, where so many come and go that no dump may ever be whole: what is listed then stood at some time
  // while it was read, and what stood all the while is listed. Null: EINTR.
  int64_t (*key)(const Item&) = nullptr;
};

template <typename Item, typename Filter>
class ListStep final : public Step {
 public:
  // One dump for each filter, in order.
  ListStep(const Listing<Item, Filter>* listing, std::vector<Filter> filters)
      : listing_(listing), filters_(std::move(filters)) {}

  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(session, (context.*listing_->session)(slot));
    for (const Filter& filter : filters_) {
      const Status status = ReadAll(session, filter);
      if (!status.ok() && status.error().number != listing_->nothing) return status;
    }
    return {};
  }

  Napi::Value Value(Napi::Env env) override {
    Napi::Array array = Napi::Array::New(env, items_.size());
    for (size_t i = 0; i < items_.size(); ++i) {
      const Napi::HandleScope scope(env);
      array[static_cast<uint32_t>(i)] = listing_->to_js(env, items_[i]);
    }
    return array;
  }

  Result<wire::Bytes> Frames(const net::Slots&) override {
    wire::Bytes bytes;
    for (const Filter& filter : filters_) {
      EGRESSD_ASSIGN(request, listing_->dump(filter));
      wire::AppendFrame(request, NLM_F_REQUEST | NLM_F_DUMP, 0, 0, &bytes);
    }
    return bytes;
  }

 private:
  Status ReadAll(net::Session* session, const Filter& filter) {
    EGRESSD_ASSIGN(request, listing_->dump(filter));
    const auto start = static_cast<std::ptrdiff_t>(items_.size());
    std::vector<Item> earlier;  // of the reading before
    const auto restart = [&] {
      earlier.assign(std::move_iterator(items_.begin() + start), std::move_iterator(items_.end()));
      items_.erase(items_.begin() + start, items_.end());
    };
    const auto visit = [&](uint16_t, wire::View body) -> Status {
      EGRESSD_ASSIGN(item, listing_->parse(body));
      if (listing_->matches(item, filter)) items_.push_back(std::move(item));
      return {};
    };
    if (listing_->key == nullptr) return session->Dump(request, request.what, restart, visit);
    EGRESSD_ASSIGN(whole, session->DumpTorn(request, request.what, restart, visit));
    if (!whole) Join(start, std::move(earlier));
    return {};
  }

  // One that is twice in a reading is there once.
  void Join(std::ptrdiff_t start, std::vector<Item> earlier) {
    std::vector<Item> last(std::move_iterator(items_.begin() + start), std::move_iterator(items_.end()));
    items_.erase(items_.begin() + start, items_.end());
    std::unordered_set<int64_t> seen;
    for (std::vector<Item>* reading : {&last, &earlier})
      for (Item& item : *reading)
        if (seen.insert(listing_->key(item)).second) items_.push_back(std::move(item));
  }

  const Listing<Item, Filter>* listing_;
  std::vector<Filter> filters_;
  std::vector<Item> items_;
};

}  // namespace egressd::js

#endif  // EGRESSD_JS_LIST_STEP_H_
