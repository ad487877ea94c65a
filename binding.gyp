{
  "target_defaults": {
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    # NB: musl's <netinet/in.h> stands beside Linux's headers of the same structures only where it comes before them.
    "cflags_cc": ["-include", "netinet/in.h", "-std=c++20", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-restrict", "-fvisibility=hidden", "-fvisibility-inlines-hidden"]
  },
  # Of two storeys most files are one compilation, for most of one for each would be headers: that takes a quarter of the time. That none
  # has names of another's, test/unit/storeys.test.ts tells; that each includes what it uses, scripts/coverage, which compiles all singly.
  "targets": [
    {
      # The lower storeys, by themselves: what they do not need, they cannot use.
      "target_name": "wire",
      "type": "static_library",
      "sources": ["<!@(sed -n 's|^wire/|native/&|p' native/sources.txt)"],
      "include_dirs": ["native"]
    },
    {
      "target_name": "net",
      "type": "static_library",
      "dependencies": ["wire"],
      # The C library's <net/if.h> must come before the kernel's (<linux/libc-compat.h>).
      "sources": ["<!(sed -n -e '1i #include <net/if.h>' -e 's|^net/.*|#include \"&\"|p' native/sources.txt >build/net.cc && echo build/net.cc)"],
      "include_dirs": ["native"]
    },
    {
      "target_name": "egressd",
      "dependencies": ["net", "wire"],
      # Files of steps have the same names for things of their own.
      "sources": ["<!@(sed -n 's|^js/steps-|native/&|p; s|^js/codec\.|native/&|p' native/sources.txt)",
                  "<!(sed -n -e '/steps-/d; /codec\./d' -e 's|^js/.*|#include \"&\"|p' native/sources.txt >build/js.cc && echo build/js.cc)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED",
                  # A worker may be terminated at any moment: then nothing can be thrown any more, and that is well.
                  "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "ldflags": ["-Wl,--version-script=<(module_root_dir)/native/js/exports.map"]
    },
    {
      "target_name": "egressd-exec",
      "type": "executable",
      "dependencies": ["net"],
      "sources": ["<!@(sed 's|^|native/|' native/exec/sources.txt)"],
      "include_dirs": ["native"],
      # Static where the libraries for it are installed: starts 1.3 ms sooner, and runs on any libc.
      "ldflags": ["<!@(echo 'int main() {}' | ${CXX:-c++} -x c++ - -static -o /dev/null 2>/dev/null && echo -static || true)"]
    },
    {
      # The yardstick of the benchmarks: C, and nothing of ours.
      "target_name": "floor",
      "type": "executable",
      "sources": ["native/floor/main.c", "native/floor/netlink.c", "native/floor/work.c"],
      "include_dirs": ["native"],
      "cflags": ["-Wall", "-Wextra", "-Wno-unused-parameter"]
    }
  ],
  "conditions": [
    # They are no part of the package.
    ["<!(test -e native/test/sources.txt && echo 1 || echo 0)==1", {
      "targets": [
        {
          "target_name": "wire_test",
          "type": "executable",
          "dependencies": ["wire"],
          "sources": ["<!(sed 's|.*|#include \"&\"|' native/test/sources.txt >build/wire_test.cc && echo build/wire_test.cc)"],
          "cflags_cc": ["-O1"], # what they are run on is built as it is shipped
          "include_dirs": ["native"]
        },
        {
          "target_name": "net_test",
          "type": "executable",
          "dependencies": ["net", "wire"],
          "sources": ["<!(sed -e 's|.*|#include \"&\"|' -e '1i #include <net/if.h>' native/test/net-sources.txt >build/net_test.cc && echo build/net_test.cc)",
                      "<!(sed 's|.*|#include \"&\"|' native/fuzz/sources.txt >build/fuzz.cc && echo build/fuzz.cc)"],
          "cflags_cc": ["-O1"], # what they are run on is built as it is shipped
          "include_dirs": ["native"]
        }
      ]
    }]
  ]
}
