#include <linux/netfilter/nf_conntrack_common.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>
#include <vector>

#include "js/codec.h"
#include "js/list-step.h"
#include "js/to-js.h"
#include "wire/conntrack.h"

namespace egressd::js {
namespace {

Napi::Object TupleToJs(Napi::Env env, const wire::ConntrackTuple& tuple) {
  Napi::Object object = Napi::Object::New(env);
  object["source"] = ToJs(env, tuple.source);
  object["destination"] = ToJs(env, tuple.destination);
  object["protocol"] = ToJs(env, tuple.protocol);
  object["sourcePort"] = ToJs(env, tuple.source_port);
  object["destinationPort"] = ToJs(env, tuple.destination_port);
  object["icmpId"] = ToJs(env, tuple.icmp_id);
  object["icmpType"] = ToJs(env, tuple.icmp_type);
  return object;
}

Napi::Object EntryToJs(Napi::Env env, const wire::ConntrackEntry& entry) {
  Napi::Object object = Napi::Object::New(env);
  object["family"] = FamilyToJs(env, entry.family);
  object["original"] = TupleToJs(env, entry.original);
  object["reply"] = TupleToJs(env, entry.reply);
  object["status"] = ToJs(env, entry.status);
  object["mark"] = ToJs(env, entry.mark);
  object["zone"] = ToJs(env, entry.zone);
  object["id"] = ToJs(env, entry.id);
  object["timeoutSeconds"] = ToJs(env, entry.timeout);
  return object;
}

struct Filter {
  uint8_t family = 0;
  std::optional<wire::Ip> address;
};
Result<wire::Message> DumpFor(const Filter& filter) { return wire::DumpConntrack(filter.family); }
bool Matches(const wire::ConntrackEntry& entry, const Filter& filter) {
  const auto ends = wire::Ends(entry);
  return !filter.address || std::ranges::find(ends, *filter.address) != ends.end();
}

constexpr Listing<wire::ConntrackEntry, Filter> kListing = {
    DumpFor, wire::ParseConntrack, Matches, EntryToJs, 0, &net::Context::Netfilter};

std::unique_ptr<Step> List(Args& args) {
  Filter filter;
  args.Maybe("address", &filter.address);
  filter.family = args.Family("family").value_or(filter.address ? filter.address->family : 0);
  return std::make_unique<ListStep<wire::ConntrackEntry, Filter>>(&kListing, std::vector{filter});
}

// Reads all entries of the families concerned, and deletes those that are wanted: many in one reading cost what one costs.
class Deletion : public Step {
 public:
  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(session, context.Netfilter(slot));
    EGRESSD_ASSIGN(any, HasEntries(session));
    if (!any) return {};
    for (const uint8_t family : families_) {
      EGRESSD_ASSIGN(requests, Collect(session, family));
      for (const net::Verdict& verdict : session->Execute(requests)) {
        if (verdict.status.ok()) {
          ++deleted_;
        } else if (verdict.status.error().number != ENOENT) {
          return verdict.status;
        }
      }
    }
    return {};
  }
  Napi::Value Value(Napi::Env env) override { return ToJs(env, deleted_); }

  // The dumps; what they find is deleted by messages as in wire/conntrack.h.
  Result<wire::Bytes> Frames(const net::Slots&) override {
    wire::Bytes bytes;
    for (const uint8_t family : families_) {
      EGRESSD_ASSIGN(dump, wire::DumpConntrack(family));
      wire::AppendFrame(dump, NLM_F_REQUEST | NLM_F_DUMP, 0, 0, &bytes);
    }
    return bytes;
  }

 protected:
  virtual bool Wants(const wire::ConntrackEntry& entry) const = 0;

  std::set<uint8_t> families_;

 private:
  // A dump walks the hash table of all namespaces: 10 ms of empty buckets where there is nothing to be found.
  static Result<bool> HasEntries(net::Session* session) {
    EGRESSD_ASSIGN(request, wire::CountConntrack());
    const net::Verdict verdict = session->Execute(request);
    EGRESSD_TRY(verdict.status);
    EGRESSD_ASSIGN(count, wire::ParseConntrackCount(verdict.reply));
    return count != 0;
  }

  Result<std::vector<wire::Message>> Collect(net::Session* session, uint8_t family) const {
    EGRESSD_ASSIGN(dump, wire::DumpConntrack(family));
    std::vector<wire::Message> requests;
    EGRESSD_TRY(session->Dump(
        dump, dump.what, [&] { requests.clear(); },
        [&](uint16_t, wire::View body) -> Status {
          EGRESSD_ASSIGN(entry, wire::ParseConntrack(body));
          if (!Wants(entry)) return {};
          EGRESSD_ASSIGN(request, wire::DeleteConntrack(entry));
          requests.push_back(std::move(request));
          return {};
        }));
    return requests;
  }

  uint32_t deleted_ = 0;
};

class Delete final : public Deletion {
 public:
  explicit Delete(Args& args) {
    if (!args.Get("address").IsArray()) {
      Add(args.Ip("address"));
      return;
    }
    for (const std::string& text : args.Strings("address")) {
      const auto address = wire::ParseIp(text);
      if (!address) args.Fail("address", "expected IP addresses");
      if (address) Add(*address);
    }
  }

 private:
  void Add(const wire::Ip& address) {
    families_.insert(address.family);
    addresses_.insert({address.family, address.bytes});
  }

  bool Wants(const wire::ConntrackEntry& entry) const override {
    return std::ranges::any_of(wire::Ends(entry), [&](const wire::Ip& end) {
      return addresses_.contains({end.family, end.bytes});
    });
  }

  std::set<std::pair<uint8_t, std::array<uint8_t, 16>>> addresses_;
};

class DeleteUntranslated final : public Deletion {
 public:
  explicit DeleteUntranslated(Args& args) : from_(ReadNetworks(args, "from")), not_to_(ReadNetworks(args, "notTo")) {
    for (const Network& network : from_) families_.insert(network.address.family);
  }

 private:
  struct Network {
    wire::Ip address;
    uint8_t prefix;
  };
  using Networks = std::vector<Network>;

  static Networks ReadNetworks(Args& args, const char* key) {
    Networks networks;
    if (!args.Has(key)) args.Fail(key, "expected an array");
    for (Args& child : args.Children(key)) {
      networks.push_back({child.Ip("address"), child.Number<uint8_t>("prefix")});
      if (networks.back().prefix > networks.back().address.size() * 8)
        child.Fail("prefix", "is longer than the address");
    }
    return networks;
  }

  static bool IsIn(const Networks& networks, const wire::Ip& ip) {
    return std::ranges::any_of(
        networks, [&](const Network& network) { return wire::IsWithin(ip, network.address, network.prefix); });
  }

  bool Wants(const wire::ConntrackEntry& entry) const override {
    const wire::ConntrackTuple& tuple = entry.original;
    return (entry.status & IPS_SRC_NAT) == 0 && IsIn(from_, tuple.source) && !IsIn(not_to_, tuple.destination);
  }

  Networks from_;
  Networks not_to_;
};

template <typename Kind>
std::unique_ptr<Step> Make(Args& args) {
  return std::make_unique<Kind>(args);
}

constexpr StepKind kSteps[] = {
    {"conntrack.list", List},
    {"conntrack.delete", Make<Delete>},
    {"conntrack.deleteUntranslated", Make<DeleteUntranslated>},
};
constexpr Decoder kDecoders[] = {{"conntrack", DecodeWith<wire::ParseConntrack, EntryToJs>}};

}  // namespace

std::span<const StepKind> ConntrackSteps() { return kSteps; }
std::span<const Decoder> ConntrackDecoders() { return kDecoders; }

}  // namespace egressd::js
