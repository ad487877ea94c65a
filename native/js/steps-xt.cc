#include <chrono>
#include <cstdlib>
#include <optional>

#include "js/step.h"
#include "js/xt-convert.h"
#include "net/xtables-lock.h"
#include "net/xtables.h"

namespace egressd::js {
namespace {

namespace xt = wire::xt;

constexpr uint32_t kDefaultLockTimeout = 5'000;   // ms
constexpr uint32_t kLongestLockTimeout = 60'000;  // a waiting lock holds one of the executor's threads

// The socket stays bound to the namespace it was opened in.
Result<net::Xtables> OpenIn(net::Context& context, uint32_t slot, uint8_t family) {
  std::optional<net::Xtables> xtables;
  EGRESSD_TRY(context.Inside(slot, [&]() -> Status {
    EGRESSD_ASSIGN(opened, net::Xtables::Open(family));
    xtables.emplace(std::move(opened));
    return {};
  }));
  return std::move(*xtables);
}

class List final : public Step {
 public:
  explicit List(Args& args) : family_(XtFamilyFromJs(args)), table_(XtTableNameFromJs(args)) {}

  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(xtables, OpenIn(context, slot, family_));
    EGRESSD_ASSIGN(read, xtables.Read(table_));
    read_.emplace(std::move(read));
    return {};
  }
  Napi::Value Value(Napi::Env env) override { return XtTableToJs(env, *read_); }

 private:
  uint8_t family_;
  std::string table_;
  std::optional<xt::Table> read_;
};

class Edit final : public Step {
 public:
  explicit Edit(Args& args) : family_(XtFamilyFromJs(args)), table_(XtTableNameFromJs(args)) {
    edits_ = XtEditsFromJs(args, family_);
    std::optional<uint32_t> timeout;
    args.Maybe("lockTimeoutMs", &timeout);
    if (timeout.value_or(0) > kLongestLockTimeout) args.Fail("lockTimeoutMs", "is longer than a minute");
    lock_timeout_ = std::chrono::milliseconds(timeout.value_or(kDefaultLockTimeout));
    // NB: here and not in Run: the environment belongs to the JavaScript thread.
    const char* path = std::getenv("XTABLES_LOCKFILE");
    lock_path_ = path != nullptr && *path != '\0' ? path : net::XtablesLock::kDefaultPath;
  }

  Status Run(net::Context& context) override {
    if (edits_.empty()) return {};
    EGRESSD_ASSIGN(xtables, OpenIn(context, slot, family_));
    EGRESSD_ASSIGN(lock, net::XtablesLock::Take(lock_path_, lock_timeout_, context.stopping()));
    return xtables.Edit(table_, edits_);
  }

 private:
  uint8_t family_;
  std::string table_;
  std::vector<xt::Edit> edits_;
  std::chrono::milliseconds lock_timeout_;
  std::string lock_path_;
};

constexpr StepKind kSteps[] = {
    {"xt.list", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<List>(args); }},
    {"xt.edit", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Edit>(args); }},
};

}  // namespace

std::span<const StepKind> XtSteps() { return kSteps; }

}  // namespace egressd::js
