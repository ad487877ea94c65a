// LD_PRELOAD=…/preload-into-node.so EGRESSD_PRELOAD="LIBRARIES" node …: preloads LIBRARIES into every program called
// node, and into none of the others that it starts.
//
// A sanitizer's runtime must be loaded before anything else in the process that loads an instrumented addon. In the
// tools that tests start it has no business: iproute2 6.1 and procps 4.0.2 do not run under AddressSanitizer.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void PreloadIntoNode(int argc, char** argv) {
  (void)argc;
  const char* libraries = getenv("EGRESSD_PRELOAD");
  const char* preload = getenv("LD_PRELOAD");
  if (libraries == NULL || preload == NULL || strcmp(program_invocation_short_name, "node") != 0) return;
  const size_t size = strlen(libraries);
  if (strncmp(preload, libraries, size) == 0 && preload[size] == ' ') {
    // They are in. What Node starts gets this library alone again.
    setenv("LD_PRELOAD", preload + size + 1, 1);
    return;
  }
  char* both = NULL;
  if (asprintf(&both, "%s %s", libraries, preload) < 0 || setenv("LD_PRELOAD", both, 1) != 0) abort();
  execv("/proc/self/exe", argv);
  perror("preload-into-node: exec");
  abort();
}
