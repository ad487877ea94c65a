// Reads the fields of one JavaScript object. The first fault is kept with its path ("ops[3].mtu"); go on reading and
// ask ok() once, as with wire::Reader.
#ifndef EGRESSD_JS_ARGS_H_
#define EGRESSD_JS_ARGS_H_

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "wire/ip.h"

namespace egressd::js {

// NB: fields and elements may be getters, and objects Proxies: what is asked for runs code of others, which may throw (the
// exception is cleared, and what was asked for reads as absent), change the object, or call the addon again.
//
// Most fields that an operation may have are absent, and to ask V8 for one costs as much as for one that is there: so the names
// are fetched, once, and what is fetched is kept. Fields are an object's own, and enumerable.
Napi::Value ElementOf(const Napi::Array& array, uint32_t i);

class Args {
 public:
  // `fault` receives the sentence of the first fault; it outlives the Args.
  Args(Napi::Value value, std::string path, std::string* fault);

  bool ok() const { return fault_->empty(); }
  // True where the field is neither absent, undefined nor null.
  bool Has(const char* key) const;

  // Required fields.
  std::string String(const char* key);
  bool Bool(const char* key);
  wire::Ip Ip(const char* key);
  wire::Mac Mac(const char* key);
  wire::Bytes Buffer(const char* key);  // Uint8Array
  template <typename T>
  T Number(const char* key) {
    return static_cast<T>(Integer(key, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  }
  uint64_t U64(const char* key);  // number or bigint

  // Optional fields: set `out` only where present.
  void Maybe(const char* key, std::optional<std::string>* out);
  void Maybe(const char* key, std::optional<bool>* out);
  void Maybe(const char* key, std::optional<wire::Ip>* out);
  void Maybe(const char* key, std::optional<wire::Mac>* out);
  void Maybe(const char* key, std::optional<wire::Bytes>* out);
  template <typename T>
    requires std::is_integral_v<T>
  void Maybe(const char* key, std::optional<T>* out) {
    if (Has(key)) *out = Number<T>(key);
  }
  bool Flag(const char* key);  // false where absent
  // 4 or 6, as AF_INET or AF_INET6. Empty where absent.
  std::optional<uint8_t> Family(const char* key);

  // Nested object, or array of objects. An absent array is empty.
  Args Child(const char* key);
  std::vector<Args> Children(const char* key);
  std::vector<std::string> Strings(const char* key);
  // Names of the fields of a nested object.
  std::vector<std::string> Keys(const char* key) const;
  std::vector<uint32_t> Numbers(const char* key);
  Napi::Value Get(const char* key) const;

  const std::string& path() const { return path_; }
  void Fail(const char* key, const std::string& problem);

 private:
  struct Field {
    std::string name;
    napi_value key;
    napi_value value = nullptr;  // once it was asked for
    napi_valuetype type = napi_undefined;
  };
  void ReadNames();
  // nullptr where the object has no such field.
  const Field* Find(const char* key) const;
  // Empty where it is of another type.
  Napi::Value GetAs(napi_valuetype type, const char* key) const;
  int64_t Integer(const char* key, int64_t low, int64_t high);

  std::optional<Napi::Object> object_;
  mutable std::vector<Field> fields_;
  std::string path_;
  std::string* fault_;
};

}  // namespace egressd::js

#endif  // EGRESSD_JS_ARGS_H_
