#include "js/step.h"

#include <linux/netlink.h>

#include <array>
#include <cerrno>

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

std::unique_ptr<Step> StepFromJs(Args& args) {
  const std::string op = args.String("op");
  if (!args.ok()) return nullptr;
  const std::array tables = {NetnsSteps(), LinkSteps(), AddressSteps(),   RouteSteps(),  NeighbourSteps(),
                             NftSteps(),   XtSteps(),   ConntrackSteps(), SocketSteps(), InspectSteps(), FileSteps()};
  for (const auto& table : tables) {
    for (const StepKind& kind : table) {
      if (op != kind.name) continue;
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
  }
  args.Fail("op", "no operation is called \"" + op + "\"");
  return nullptr;
}

}  // namespace egressd::js
