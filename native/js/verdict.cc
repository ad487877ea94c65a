#include "js/verdict.h"

#include "core/errno-name.h"

namespace egressd::js {

std::string ErrnoName(int number) {
  const char* symbol = ErrnoSymbol(number);
  return symbol != nullptr ? symbol : "E" + std::to_string(number);
}

Napi::Object FaultToJs(Napi::Env env, const char* op, const Error& error) {
  Napi::Object fault = Napi::Object::New(env);
  fault["op"] = op;
  fault["call"] = error.operation;
  fault["errno"] = ErrnoName(error.number);
  fault["number"] = error.number;
  fault["message"] = error.message;
  return fault;
}

Napi::Value Rejection(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error.Value();
}

}  // namespace egressd::js
