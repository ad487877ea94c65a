// A value or an Error. Nothing in native/ throws: errors travel up as values until native/js turns them into verdicts.
#ifndef EGRESSD_CORE_RESULT_H_
#define EGRESSD_CORE_RESULT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace egressd {

// What the kernel said (or what we found wrong before asking it).
struct Error {
  int number = 0;           // errno value, positive
  std::string operation;    // what was being done, e.g. "mount" or "RTM_NEWLINK"
  std::string message;      // the kernel's own sentence (NLMSGERR_ATTR_MSG), or ours; may be empty
  uint32_t offset = 0;      // NLMSGERR_ATTR_OFFS: byte of the request that the kernel objected to; 0 = none given
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() { return *std::get_if<0>(&state_); }
  const T& value() const { return *std::get_if<0>(&state_); }
  Error& error() { return *std::get_if<1>(&state_); }
  const Error& error() const { return *std::get_if<1>(&state_); }
  T* operator->() { return &value(); }
  T& operator*() { return value(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  Error& error() { return *error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace egressd

// Returns the error of a Status or Result from the enclosing function.
#define EGRESSD_TRY(expression)                                      \
  do {                                                               \
    if (auto tried_ = (expression); !tried_.ok()) return tried_.error(); \
  } while (0)

// Declares `name` as the value of a Result, or returns its error.
#define EGRESSD_ASSIGN(name, expression)              \
  auto name##_result_ = (expression);                 \
  if (!name##_result_.ok()) return name##_result_.error(); \
  auto name = std::move(name##_result_.value())

#endif  // EGRESSD_CORE_RESULT_H_
