#include "js/step.h"

#include <linux/netlink.h>

#include <cerrno>
#include <string_view>
#include <unordered_map>

namespace egressd::js {

Result<wire::Bytes> Step::Frames(const net::Slots& /*slots*/) {
  return Error{ENOTSUP, name, "the operation is not made of netlink messages", 0};
}

Result<wire::Bytes> RequestStep::Frames(const net::Slots& slots) {
  EGRESSD_ASSIGN(message, Encode(slots));
  wire::Bytes bytes;
  wire::AppendFrame(message, NLM_F_REQUEST | NLM_F_ACK, 0, 0, &bytes);
  return bytes;
}

Status RequestStep::Run(net::Context& context) {
  EGRESSD_ASSIGN(message, Encode(context));
  EGRESSD_ASSIGN(session, context.Route(slot));
  const net::Verdict verdict = session->Execute(message);
  EGRESSD_TRY(verdict.status);
  EGRESSD_TRY(Answer(verdict.reply_type, verdict.reply));
  Teach(context);
  return {};
}

namespace {

using Kinds = std::unordered_map<std::string_view, const StepKind*>;

Kinds AllKinds() {
  Kinds kinds;
  for (const auto& table : {NetnsSteps(), LinkSteps(), AddressSteps(), RouteSteps(), NeighbourSteps(), NftSteps(), XtSteps(),
                            ConntrackSteps(), SocketSteps(), InspectSteps(), FileSteps()})
    for (const StepKind& kind : table) kinds.emplace(kind.name, &kind);
  return kinds;
}

}  // namespace

std::unique_ptr<Step> StepFromJs(Args& args) {
  static const Kinds kinds = AllKinds();
  const std::string op = args.String("op");
  if (!args.ok()) return nullptr;
  const auto found = kinds.find(op);
  if (found == kinds.end()) {
    args.Fail("op", "no operation is called \"" + op + "\"");
    return nullptr;
  }
  const StepKind& kind = *found->second;
  std::unique_ptr<Step> step = kind.make(args);
  if (step == nullptr) {
    args.Fail("op", "could not be read");
    return nullptr;
  }
  step->name = kind.name;
  if (args.Has("in")) step->slot = args.Number<uint32_t>("in");
  step->join = args.Flag("join");
  return args.ok() ? std::move(step) : nullptr;
}

}  // namespace egressd::js
