#include "exec/options.h"

#include <cerrno>
#include <charconv>
#include <limits>
#include <string_view>

namespace egressd::exec {

const char kUsage[] =
    "usage: egressd-exec enter --netns-fd N | --netns PATH [--etc NAME] [--uid N] [--gid N] [COMMON] -- COMMAND...\n"
    "       egressd-exec sandbox [--map-root] [--private-run] [--parent PID] [COMMON] -- COMMAND...\n"
    "COMMON: [--status-fd N] [--keep-fds N] [--argv0 NAME]\n";

namespace {

Error Wrong(std::string message) { return Error{EINVAL, "options", std::move(message), 0}; }

template <typename T>
Status ParseNumber(std::string_view name, std::string_view text, T* value) {
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 ||
      number > int64_t{std::numeric_limits<T>::max()})
    return Wrong(std::string(name) + ": not a number: " + std::string(text));
  *value = static_cast<T>(number);
  return {};
}

// A name below /etc/netns: one path component.
Status ParseEtc(std::string_view text, std::string* name) {
  if (text.empty() || text == "." || text == ".." || text.find('/') != std::string_view::npos)
    return Wrong("--etc: not a file name: " + std::string(text));
  *name = text;
  return {};
}

Status ParseValue(std::string_view name, std::string_view value, Options* options) {
  if (name == "--status-fd") return ParseNumber(name, value, &options->status_fd);
  if (name == "--keep-fds") return ParseNumber(name, value, &options->keep_fds);
  if (name == "--argv0") {
    options->argv0 = value;
    return {};
  }
  if (options->mode == Options::Mode::kEnter) {
    if (name == "--netns-fd") return ParseNumber(name, value, &options->netns_fd);
    if (name == "--etc") return ParseEtc(value, &options->etc);
    if (name == "--uid") return ParseNumber(name, value, &options->uid.emplace());
    if (name == "--gid") return ParseNumber(name, value, &options->gid.emplace());
    if (name == "--netns") {
      options->netns_path = value;
      return {};
    }
  }
  if (options->mode == Options::Mode::kSandbox && name == "--parent") return ParseNumber(name, value, &options->parent);
  return Wrong("unknown option " + std::string(name));
}

}  // namespace

Status ParseOptions(int argc, char** argv, Options* options) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode != "enter" && mode != "sandbox") return Wrong("the first argument is `enter` or `sandbox`");
  options->mode = mode == "enter" ? Options::Mode::kEnter : Options::Mode::kSandbox;
  int at = 2;
  for (; at < argc && argv[at] != std::string_view("--"); ++at) {
    const std::string_view name = argv[at];
    if (mode == "sandbox" && name == "--map-root") {
      options->map_root = true;
    } else if (mode == "sandbox" && name == "--private-run") {
      options->private_run = true;
    } else {
      if (at + 1 >= argc) return Wrong(std::string(name) + ": unknown, or without a value");
      EGRESSD_TRY(ParseValue(name, argv[++at], options));
    }
  }
  if (at + 1 >= argc) return Wrong("no command: it comes behind `--`");
  options->command = argv + at + 1;
  if (mode == "enter" && (options->netns_fd >= 0) == !options->netns_path.empty())
    return Wrong("exactly one of --netns-fd and --netns is needed");
  return {};
}

}  // namespace egressd::exec
