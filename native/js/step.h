// A step is one operation of a job: made from JavaScript on its thread, run on an executor thread, and its value turned
// back into JavaScript. Each noun has a file of steps (steps-link.cc, ...) that ends in a table of them.
#ifndef EGRESSD_JS_STEP_H_
#define EGRESSD_JS_STEP_H_

#include <napi.h>

#include <memory>
#include <span>

#include "js/args.h"
#include "net/context.h"
#include "wire/message.h"

namespace egressd::js {

class RequestStep;

class Step {
 public:
  virtual ~Step() = default;
  // On an executor thread. Keeps what the kernel answered for Value().
  virtual Status Run(net::Context& context) = 0;
  // On the JavaScript thread, after a Run that went well.
  virtual Napi::Value Value(Napi::Env env) { return env.Undefined(); }
  virtual RequestStep* AsRequest() { return nullptr; }
  // The bytes it sends, with sequence number and port 0, for tests (codec.cc). ENOTSUP where it is not netlink.
  virtual Result<wire::Bytes> Frames(const net::Slots& slots);

  uint32_t slot = net::Context::kHost;  // the namespace it acts in
  bool join = false;                    // goes out in one send with the step before it (rtnetlink requests only)
  const char* name = "";                // the operation's name, as in its table
};

// A step that is one rtnetlink request with one verdict.
class RequestStep : public Step {
 public:
  virtual Result<wire::Message> Encode(const net::Slots& slots) = 0;
  // The object that the kernel sent back, for a GET.
  virtual Status Answer(uint16_t /*type*/, wire::View /*body*/) { return {}; }
  // After an Answer that went well: leaves what later steps of the job need.
  virtual void Teach(net::Context& /*context*/) const {}
  Status Run(net::Context& context) final;
  RequestStep* AsRequest() final { return this; }
  Result<wire::Bytes> Frames(const net::Slots& slots) final;
};

// Reads the step's own fields (`in` and `join` are read already). Faults go into `args`.
using MakeStep = std::unique_ptr<Step> (*)(Args& args);
struct StepKind {
  const char* name;
  MakeStep make;
};

// The tables, one a noun; addon.cc lists them.
std::span<const StepKind> NetnsSteps();
std::span<const StepKind> LinkSteps();
std::span<const StepKind> AddressSteps();
std::span<const StepKind> RouteSteps();
std::span<const StepKind> NeighbourSteps();
std::span<const StepKind> NftSteps();
std::span<const StepKind> XtSteps();
std::span<const StepKind> ConntrackSteps();
std::span<const StepKind> SocketSteps();
std::span<const StepKind> FileSteps();
std::span<const StepKind> InspectSteps();

// Empty pointer, and a fault in `args`, where `op` names no step or a field is wrong.
std::unique_ptr<Step> StepFromJs(Args& args);

}  // namespace egressd::js

#endif  // EGRESSD_JS_STEP_H_
