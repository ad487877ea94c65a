// One owner for a file, for as long as it wants, or its process lives.
#ifndef EGRESSD_NET_FILE_LOCK_H_
#define EGRESSD_NET_FILE_LOCK_H_

#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace egressd::net {

struct FileLock {
  Fd fd;           // holds the lock until it is closed; invalid where another has it
  long holder = 0; // pid that the other wrote into the file; 0 where it cannot be read
};

// flock(2), exclusive and without waiting; makes the file (0600) and writes our pid into it. The kernel lets go when the
// process ends, however it ends, so a lock is never stale.
Result<FileLock> LockFile(const std::string& path);

}  // namespace egressd::net

#endif  // EGRESSD_NET_FILE_LOCK_H_
