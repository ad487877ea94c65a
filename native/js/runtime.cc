#include "js/runtime.h"

namespace egressd::js {

namespace {

// NB: while an environment goes away it still turns its loop, before it calls our clean-up hook; all that could run JavaScript is
// refused then, and to throw because of that would end the process.
bool MayRun(napi_env env) {
  napi_value global;
  bool found;
  return napi_get_global(env, &global) == napi_ok && napi_has_named_property(env, global, "Object", &found) == napi_ok;
}

}  // namespace

Runtime::Runtime(Napi::Env env) {
  wake_ = Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), "egressd", 0, 1);
  wake_.Unref(env);
  // NB: added after the thread-safe function, so it runs before that one is torn down.
  env.AddCleanupHook([this] { Stop(); });
}

Runtime& Runtime::Of(Napi::Env env) { return *env.GetInstanceData<Runtime>(); }

void Runtime::Begin(Napi::Env env) {
  if (pending_++ == 0) wake_.Ref(env);
}

uint32_t Runtime::Listen(Napi::Function listener) {
  listeners_[++last_listener_] = Napi::Persistent(listener);
  return last_listener_;
}

Napi::Function Runtime::Listener(uint32_t number) const {
  const auto found = listeners_.find(number);
  return found == listeners_.end() ? Napi::Function() : found->second.Value();
}

Napi::Value Runtime::Good(Napi::Env env) {
  if (good_.IsEmpty()) {
    Napi::Object good = Napi::Object::New(env);
    good["ok"] = true;
    good["value"] = env.Undefined();
    good.Freeze();
    good_ = Napi::Persistent(good);
  }
  return good_.Value();
}

uint32_t Runtime::Keep(Fd fd) {
  kept_[++last_kept_] = std::move(fd);
  return last_kept_;
}

void Runtime::Post(std::unique_ptr<Completion> completion) {
  if (done_.Put(std::move(completion))) wake_.NonBlockingCall(this, [](Napi::Env env, Napi::Function, Runtime* self) { self->Drain(env); });
}

void Runtime::Drain(Napi::Env env) {
  const std::vector<std::unique_ptr<Completion>> done = done_.Take();
  // An environment that is going away delivers no more JavaScript.
  if (stopped_ || static_cast<napi_env>(env) == nullptr || !MayRun(env)) return;
  executor_.Heal();
  for (const auto& completion : done) {
    const Napi::HandleScope scope(env);
    completion->Settle(env);
    pending_ -= completion->Begun();
  }
  if (pending_ == 0) wake_.Unref(env);
}

void Runtime::Stop() {
  if (stopped_) return;
  stopped_ = true;
  errands_.Stop();
  watches_.Stop();
  executor_.Stop();
  // NB: after the threads. What they did last may be what is locked by it.
  kept_.clear();
  wake_.Abort();
}

}  // namespace egressd::js
