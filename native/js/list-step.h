// A step that lists objects of one kind: dumps them and keeps those that its filter wants.
#ifndef EGRESSD_JS_LIST_STEP_H_
#define EGRESSD_JS_LIST_STEP_H_

#include <linux/netlink.h>

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
      EGRESSD_ASSIGN(request, listing_->dump(filter));
      const size_t before = items_.size();
      const auto restart = [&] { items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(before), items_.end()); };
      const auto visit = [&](uint16_t, wire::View body) -> Status {
        EGRESSD_ASSIGN(item, listing_->parse(body));
        if (listing_->matches(item, filter)) items_.push_back(std::move(item));
        return {};
      };
      const Status status = session->Dump(request, request.what, restart, visit);
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
  const Listing<Item, Filter>* listing_;
  std::vector<Filter> filters_;
  std::vector<Item> items_;
};

}  // namespace egressd::js

#endif  // EGRESSD_JS_LIST_STEP_H_
