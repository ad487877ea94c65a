// Held against the C library's own names, where it has them.
#include "core/errno-name.h"

#include <cstring>

#include "test/check.h"

#ifdef __GLIBC__
TEST(error_numbers_have_the_names_of_the_c_library) {
  for (int number = 1; number < 4096; ++number) {
    const char* ours = egressd::ErrnoSymbol(number);
    const char* theirs = strerrorname_np(number);
    if (ours == nullptr || theirs == nullptr) {
      CHECK(ours == theirs);
    } else {
      CHECK(std::strcmp(ours, theirs) == 0);
    }
  }
}
#endif
