#include "js/netns-ref.h"

namespace egressd::js {

Result<Fd> NetnsSource::Open() {
  if (error.number != 0) return error;
  if (fd.valid()) return std::move(fd);
  return path.empty() ? net::OpenNetnsPid(pid) : net::OpenNetnsPath(path);
}

NetnsSource NetnsSourceFromArgs(Args args) {
  NetnsSource source;
  if (args.Has("path")) {
    source.path = args.String("path");
    if (source.path.empty()) args.Fail("path", "is empty");
  } else if (args.Has("pid")) {
    source.pid = args.Number<int32_t>("pid");
  } else {
    Result<Fd> copy = net::DuplicateNetnsFd(args.Number<int32_t>("fd"));
    if (copy.ok()) {
      source.fd = std::move(copy.value());
    } else {
      source.error = copy.error();
    }
  }
  return source;
}

Result<Fd> NetnsFromJs(Napi::Value value, const char* path, std::string* fault) {
  NetnsSource source = NetnsSourceFromArgs(Args(value, path, fault));
  if (!fault->empty()) return Error{EINVAL, path, *fault, 0};
  return source.Open();
}

Napi::Object IdentityToJs(Napi::Env env, const net::NetnsIdentity& identity) {
  Napi::Object object = Napi::Object::New(env);
  object["device"] = static_cast<double>(identity.device);
  object["inode"] = static_cast<double>(identity.inode);
  return object;
}

}  // namespace egressd::js
