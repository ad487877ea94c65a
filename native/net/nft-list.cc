#include <cerrno>
#include <iterator>
#include <unordered_set>

#include "net/nft.h"

namespace egressd::net {
namespace {

// One reading, of whatever generations the kernel went through meanwhile.
class Reading {
 public:
  Reading(Session* session, const NftFilter& filter) : session_(session), filter_(filter) {}

  Status Read(NftRuleset* out) {
    EGRESSD_ASSIGN(requests, NftListRequests(filter_));
    auto request = requests.begin();
    EGRESSD_TRY(Dump(*request++, wire::ParseNftTable, &out->tables));
    // A table that is not there has nothing in it; asking for its sets would be ENOENT.
    if (out->tables.empty()) return {};
    EGRESSD_TRY(Dump(*request++, wire::ParseNftChain, &out->chains));
    if (filter_.rules) EGRESSD_TRY(Dump(*request++, wire::ParseNftRule, &out->rules));
    std::vector<wire::NftSet> sets;
    EGRESSD_TRY(Dump(*request++, wire::ParseNftSet, &sets));
    for (wire::NftSet& set : sets) {
      NftSetAndElements whole{std::move(set), {}};
      if (filter_.elements) EGRESSD_TRY(ReadElements(&whole));
      out->sets.push_back(std::move(whole));
    }
    return {};
  }

 private:
  static const std::string& TableOf(const wire::NftTable& table) { return table.name; }
  template <typename T>
  static const std::string& TableOf(const T& object) {
    return object.table;
  }

  template <typename T>
  Status Dump(const wire::Message& request, Result<T> (*parse)(wire::View), std::vector<T>* out) {
    return session_->Dump(request, request.what, [out] { out->clear(); },
                          [&](uint16_t, wire::View body) -> Status {
                            EGRESSD_ASSIGN(object, parse(body));
                            if (filter_.table.empty() || TableOf(object) == filter_.table)
                              out->push_back(std::move(object));
                            return {};
                          });
  }

  Status ReadElements(NftSetAndElements* whole) {
    EGRESSD_ASSIGN(request, wire::ListNftElements(whole->set.family, whole->set.table, whole->set.name));
    for (int i = 0; i < kNftTries; ++i) {
      EGRESSD_TRY(session_->Dump(request, request.what, [whole] { whole->elements.clear(); },
                                 [whole](uint16_t, wire::View body) -> Status {
                                   EGRESSD_ASSIGN(list, wire::ParseNftElements(body));
                                   std::move(list.elements.begin(), list.elements.end(),
                                             std::back_inserter(whole->elements));
                                   return {};
                                 }));
      if (!HasTwins(whole->elements)) return {};
    }
    return Error{EINTR, request.what, "the set was rehashed each time it was read", 0};
  }

  // NB: the kernel resizes a hash set in the background, after the transaction that filled or emptied it, and without a
  // new generation. A dump meanwhile has elements twice; one that takes several datagrams, and resumes by counting, may
  // have one twice and another not at all, in equal number.
  static bool HasTwins(const std::vector<wire::NftElement>& elements) {
    std::unordered_set<std::string> seen;
    for (const wire::NftElement& element : elements) {
      std::string key(1, static_cast<char>(element.flags));
      key.append(element.key.begin(), element.key.end());
      if (element.key_end) key.append(element.key_end->begin(), element.key_end->end());
      if (!seen.insert(std::move(key)).second) return true;
    }
    return false;
  }

  Session* session_;
  const NftFilter& filter_;
};

}  // namespace

Result<std::vector<wire::Message>> NftListRequests(const NftFilter& filter) {
  // The kernel finds a table by family and name: it cannot filter by the name alone.
  const std::string table = filter.family == wire::kAnyNftFamily ? std::string() : filter.table;
  std::vector<wire::Message> requests = {wire::ListNftTables(filter.family), wire::ListNftChains(filter.family)};
  if (filter.rules) {
    EGRESSD_ASSIGN(rules, wire::ListNftRules(filter.family, table));
    requests.push_back(std::move(rules));
  }
  EGRESSD_ASSIGN(sets, wire::ListNftSets(filter.family, table));
  requests.push_back(std::move(sets));
  return requests;
}

Result<NftRuleset> NftList(Session* session, const NftFilter& filter) {
  for (int i = 0; i < kNftTries; ++i) {
    NftRuleset ruleset;
    EGRESSD_ASSIGN(generation, NftGeneration(session));
    EGRESSD_ASSIGN(before, NftIsSettled(session, generation));
    if (!before) continue;
    const Status read = Reading(session, filter).Read(&ruleset);
    EGRESSD_ASSIGN(after, NftIsSettled(session, generation));
    if (!after) continue;  // and whatever went wrong may be due to that: a set that is gone, a torn dump
    EGRESSD_TRY(read);
    ruleset.generation = generation;
    return ruleset;
  }
  return Error{EINTR, "nf_tables dump", "the ruleset changed each time it was read", 0};
}

}  // namespace egressd::net
