#include "js/job.h"

#include <optional>
#include <vector>

#include "js/runtime.h"
#include "js/step.h"
#include "js/verdict.h"

namespace egressd::js {
namespace {

// The steps of one run(), in order; the first failure ends it.
class Job {
 public:
  // Reads the operations; the first that is not of its form goes to `fault`.
  Job(Napi::Array operations, const std::string& path, std::string* fault) {
    for (uint32_t i = 0; i < operations.Length() && fault->empty(); ++i) {
      const Napi::HandleScope scope(operations.Env());
      Args args(ElementOf(operations, i), path + "[" + std::to_string(i) + "]", fault);
      steps_.push_back(StepFromJs(args));
    }
    verdicts_.resize(steps_.size());
  }

  void Run(net::Context& context) {
    for (size_t i = 0; i < steps_.size();) {
      const size_t end = GroupEnd(i);
      const bool good = end - i == 1 ? RunOne(context, i) : RunGroup(context, i, end);
      if (!good) break;
      i = end;
    }
  }

  // Nothing of it was done.
  void Refuse(const Error& error) {
    if (!steps_.empty()) verdicts_.front() = Status(error);
  }

  Napi::Value Verdicts(Napi::Env env) {
    Napi::Array out = Napi::Array::New(env, steps_.size());
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Napi::HandleScope scope(env);
      out[static_cast<uint32_t>(i)] = VerdictOf(env, i);
    }
    return out;
  }

 private:
  Napi::Value VerdictOf(Napi::Env env, size_t i) {
    const std::optional<Status>& status = verdicts_[i];
    const bool good = status && status->ok();
    const Napi::Value value = good ? steps_[i]->Value(env) : Napi::Value();
    if (good && value.IsUndefined()) return Runtime::Of(env).Good(env);
    Napi::Object verdict = Napi::Object::New(env);
    verdict["ok"] = good;
    if (good) {
      verdict["value"] = value;
    } else {
      verdict["skipped"] = !status;
      if (status) verdict["fault"] = FaultToJs(env, steps_[i]->name, status->error());
    }
    return verdict;
  }

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
      if (status.ok()) steps_[first + i]->AsRequest()->Teach(context);
      good = good && status.ok();
      verdicts_[first + i] = std::move(status);
    }
    return good;
  }

  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::optional<Status>> verdicts_;  // empty: skipped
};

// One job, or several that travel together and know nothing of each other.
class Hop final : public net::Task, public Completion {
 public:
  Hop(Runtime* runtime, std::shared_ptr<Host> host, std::vector<Job> jobs, bool many, Napi::Promise::Deferred deferred)
      : runtime_(runtime), host_(std::move(host)), jobs_(std::move(jobs)), many_(many), deferred_(deferred) {}

  void Prepare(std::shared_ptr<Preparation> preparation) { preparation_ = std::move(preparation); }
  // Begun by the thread that has run this, once it has.
  void Follow(std::shared_ptr<Preparation> next) { next_ = std::move(next); }

  bool Run(size_t thread, int home) override {
    for (Job& job : jobs_) {
      net::Context context(home, host_->netns.get(), &host_->sockets[thread], runtime_->executor().stopping());
      if (preparation_) context.Prepare(preparation_->Take());
      preparation_.reset();
      job.Run(context);
      if (context.lost()) return false;
      if (context.stopping()) break;
    }
    return true;
  }

  void Refuse(const Error& error) override {
    preparation_.reset();
    for (Job& job : jobs_) job.Refuse(error);
  }

  void Done(std::unique_ptr<net::Task> self) override {
    Runtime* runtime = runtime_;
    std::shared_ptr<Preparation> next = std::move(next_);
    runtime->Post(std::unique_ptr<Completion>(static_cast<Hop*>(self.release())));
    if (next) Preparation::Follow(std::move(next), runtime);
  }

  void Settle(Napi::Env env) override {
    if (!many_) return deferred_.Resolve(jobs_.front().Verdicts(env));
    Napi::Array out = Napi::Array::New(env, jobs_.size());
    for (size_t i = 0; i < jobs_.size(); ++i) out[static_cast<uint32_t>(i)] = jobs_[i].Verdicts(env);
    deferred_.Resolve(out);
  }

 private:
  Runtime* runtime_;
  std::shared_ptr<Host> host_;
  std::vector<Job> jobs_;
  bool many_;
  std::shared_ptr<Preparation> preparation_;
  std::shared_ptr<Preparation> next_;
  Napi::Promise::Deferred deferred_;
};

// False, and a fault, where it is not of its form.
bool ReadJobs(Napi::Value operations, bool many, std::vector<Job>* jobs, std::string* fault) {
  if (!operations.IsArray()) {
    *fault = many ? "jobs: expected an array" : "ops: expected an array";
    return false;
  }
  const auto array = operations.As<Napi::Array>();
  if (!many) {
    jobs->emplace_back(array, "ops", fault);
    return fault->empty();
  }
  for (uint32_t i = 0; i < array.Length() && fault->empty(); ++i) {
    const Napi::HandleScope scope(array.Env());
    const std::string path = "jobs[" + std::to_string(i) + "]";
    const Napi::Value one = ElementOf(array, i);
    if (one.IsArray()) {
      jobs->emplace_back(one.As<Napi::Array>(), path, fault);
    } else {
      *fault = path + ": expected an array";
    }
  }
  return fault->empty();
}

}  // namespace

Napi::Value SubmitJobs(Napi::Env env, std::shared_ptr<Host> host, Napi::Value operations, Manner manner,
                       std::shared_ptr<Preparation> preparation, std::shared_ptr<Preparation> next) {
  Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
  const auto reject = [&](const char* code, const std::string& message) {
    deferred.Reject(Rejection(env, code, message));
    return deferred.Promise();
  };
  if (!host) return reject("EGRESSD_CLOSED", "the kernel door is closed");
  const bool many = manner != Manner::kOne;
  std::vector<Job> jobs;
  std::string fault;
  if (!ReadJobs(operations, many, &jobs, &fault)) return reject("EGRESSD_INVALID_OPERATION", fault);
  Runtime& runtime = Runtime::Of(env);
  auto hop = std::make_unique<Hop>(&runtime, host, std::move(jobs), many, deferred);
  if (preparation) hop->Prepare(preparation);
  if (next) hop->Follow(std::move(next));
  std::unique_ptr<net::Task> task = std::move(hop);
  if (preparation) task = preparation->Await(std::move(task));
  if (task && !runtime.executor().Submit(std::move(task), manner == Manner::kBulk))
    return reject("EGRESSD_CLOSED", "the environment is going away");
  runtime.Begin(env);
  return deferred.Promise();
}

}  // namespace egressd::js
