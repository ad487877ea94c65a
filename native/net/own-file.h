// Opening small files that are ours alone.
#ifndef EGRESSD_NET_OWN_FILE_H_
#define EGRESSD_NET_OWN_FILE_H_

#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace egressd::net {

// Opens `path`, and makes it with mode 0600 where `flags` have O_CREAT. An error where it is a symbolic link (ELOOP), no regular file
// (EINVAL), or has another name too (EMLINK): what is written to it would be written to something else.
Result<Fd> OpenOwnFile(const std::string& path, int flags);

// Makes `path` anew, with mode 0600, for writing: what is there under that name goes, and is not written to.
Result<Fd> MakeOwnFile(const std::string& path);

}  // namespace egressd::net

#endif  // EGRESSD_NET_OWN_FILE_H_
