#include "js/job.h"

#include <optional>
#include <vector>

#include "js/runtime.h"
#include "js/step.h"
#include "js/verdict.h"

namespace egressd::js {
namespace {

class Job final : public net::Task, public Completion {
 public:
  Job(Runtime* runtime, std::shared_ptr<Host> host, std::vector<std::unique_ptr<Step>> steps,
      Napi::Promise::Deferred deferred)
      : runtime_(runtime), host_(std::move(host)), steps_(std::move(steps)), deferred_(deferred) {
    verdicts_.resize(steps_.size());
  }

  bool Run(size_t thread, int home) override {
    net::Context context(home, host_->netns.get(), &host_->sockets[thread], runtime_->executor().stopping());
    for (size_t i = 0; i < steps_.size();) {
      const size_t end = GroupEnd(i);
      const bool good = end - i == 1 ? RunOne(context, i) : RunGroup(context, i, end);
      if (!good) break;
      i = end;
    }
    return !context.lost();
  }

  void Done(std::unique_ptr<net::Task> self) override {
    Runtime* runtime = runtime_;
    runtime->Post(std::unique_ptr<Completion>(static_cast<Job*>(self.release())));
  }

  void Settle(Napi::Env env) override {
    Napi::Array out = Napi::Array::New(env, steps_.size());
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Napi::HandleScope scope(env);
      Napi::Object verdict = Napi::Object::New(env);
      const std::optional<Status>& status = verdicts_[i];
      verdict["ok"] = status && status->ok();
      if (!status) {
        verdict["skipped"] = true;
      } else if (status->ok()) {
        verdict["value"] = steps_[i]->Value(env);
      } else {
        verdict["skipped"] = false;
        verdict["fault"] = FaultToJs(env, steps_[i]->name, status->error());
      }
      out[static_cast<uint32_t>(i)] = verdict;
    }
    deferred_.Resolve(out);
  }

 private:
  size_t GroupEnd(size_t first) const {
    size_t end = first + 1;
    if (steps_[first]->AsRequest() == nullptr) return end;
    while (end < steps_.size() && steps_[end]->join && steps_[end]->AsRequest() != nullptr &&
           steps_[end]->slot == steps_[first]->slot)
      ++end;
    return end;
  }

  bool RunOne(net::Context& context, size_t i) {
    verdicts_[i] = steps_[i]->Run(context);
    return verdicts_[i]->ok();
  }

  bool RunGroup(net::Context& context, size_t first, size_t end) {
    std::vector<wire::Message> messages;
    for (size_t i = first; i < end; ++i) {
      Result<wire::Message> message = steps_[i]->AsRequest()->Encode(context);
      if (!message.ok()) {
        verdicts_[i] = Status(message.error());
        break;
      }
      messages.push_back(std::move(message.value()));
    }
    Result<net::Session*> session = context.Route(steps_[first]->slot);
    if (!session.ok()) {
      verdicts_[first] = Status(session.error());
      return false;
    }
    std::vector<net::Verdict> answers = session.value()->Execute(messages);
    bool good = answers.size() == end - first;
    for (size_t i = 0; i < answers.size(); ++i) {
      Status status = answers[i].status;
      if (status.ok()) status = steps_[first + i]->AsRequest()->Answer(answers[i].reply_type, answers[i].reply);
      good = good && status.ok();
      verdicts_[first + i] = std::move(status);
    }
    return good;
  }

  Runtime* runtime_;
  std::shared_ptr<Host> host_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::optional<Status>> verdicts_;  // empty: skipped
  Napi::Promise::Deferred deferred_;
};

}  // namespace

Napi::Value SubmitJob(Napi::Env env, const std::shared_ptr<Host>& host, Napi::Value operations) {
  Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
  const auto reject = [&](const char* code, const std::string& message) {
    deferred.Reject(Rejection(env, code, message));
    return deferred.Promise();
  };
  if (!host) return reject("EGRESSD_CLOSED", "the kernel door is closed");
  if (!operations.IsArray()) return reject("EGRESSD_INVALID_OPERATION", "ops: expected an array");
  const auto array = operations.As<Napi::Array>();
  std::vector<std::unique_ptr<Step>> steps;
  std::string fault;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(env);
    Args args(array.Get(i), "ops[" + std::to_string(i) + "]", &fault);
    steps.push_back(StepFromJs(args));
    if (!fault.empty()) return reject("EGRESSD_INVALID_OPERATION", fault);
  }
  Runtime& runtime = Runtime::Of(env);
  if (!runtime.executor().Submit(std::make_unique<Job>(&runtime, host, std::move(steps), deferred)))
    return reject("EGRESSD_CLOSED", "the environment is going away");
  runtime.Begin(env);
  return deferred.Promise();
}

}  // namespace egressd::js
