#include "os/read_only_host.hpp"

#include <algorithm>

namespace holdfast::os {
namespace {

using std::chrono::milliseconds;

constexpr int k_ended_by_term = 128 + 15;

/// Everything that determines the output of a command. No part contains a NUL byte: execve(2) cannot pass one.
std::string key_of(const Command& command) {
  std::string key;
  for (const auto& argument : command.argv) (key += argument) += '\0';
  key += '\0';
  if (command.environment)
    for (const auto& [name, value] : *command.environment) ((((key += name) += '=') += value) += '\0');
  else
    key += '\0';
  return (key += '\0') += command.input;
}

Error refusal(const char* doing, const fs::path& path) {
  return Error{doing, path.string(), "the host is read-only here", {}};
}

}  // namespace

ReadOnlyHost::ReadOnlyHost(const Host& host, std::optional<milliseconds> timeout) : host_(host) {
  if (timeout) end_ = host.now() + *timeout;
}

Result<Completed> ReadOnlyHost::run(const Command& command, milliseconds deadline) const {
  const auto key = key_of(command);
  if (const auto known = answers_.find(key); known != answers_.end()) return known->second;
  if (end_) deadline = std::min(deadline, std::chrono::floor<milliseconds>(*end_ - host_.now()));
  if (deadline.count() <= 0) return Completed{k_ended_by_term, true, {}, {}};
  auto answer = host_.run(command, deadline);
  answers_.emplace(key, answer);
  return answer;
}

Result<> ReadOnlyHost::write_file(const fs::path& path, std::string_view, mode_t) { return refusal("writing", path); }
Result<> ReadOnlyHost::write_volatile_file(const fs::path& path, std::string_view, mode_t) {
  return refusal("writing", path);
}
Result<> ReadOnlyHost::remove_file(const fs::path& path) { return refusal("removing", path); }
Result<std::vector<fs::path>> ReadOnlyHost::make_directories(const fs::path& directory, mode_t) {
  return refusal("making", directory);
}
Result<> ReadOnlyHost::remove_empty_directory(const fs::path& directory) { return refusal("removing", directory); }
Result<> ReadOnlyHost::remove_tree(const fs::path& directory) { return refusal("removing", directory); }
Result<ProcessId> ReadOnlyHost::start_detached(const Detached& detached) {
  return refusal("starting", detached.command.argv.empty() ? fs::path() : fs::path(detached.command.argv.front()));
}
bool ReadOnlyHost::signal(const ProcessId&, int) { return false; }

}  // namespace holdfast::os
