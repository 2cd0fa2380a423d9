// A RecordedHost with masked units, files that cannot be executed, another user and a clock.
#pragma once

#include "backends/recorded_host.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>

namespace holdfast::test {

class OddHost final : public RecordedHost {
 public:
  OddHost() = default;
  explicit OddHost(RecordedHost host) : RecordedHost(std::move(host)) {}

  std::optional<os::User> other = {};  ///< the only user that find_user() knows
  std::chrono::sys_time<std::chrono::milliseconds> wall{};

  /// A link to /dev/null, which is no file to read.
  void put_mask(const fs::path& path) {
    put_special(path, os::FileKind::symlink);
    masks_.insert(path);
  }
  void remove_mask(const fs::path& path) {
    forget(path);
    masks_.erase(path);
  }

  Result<std::string> read_file(const fs::path& path, std::size_t limit) const override {
    if (masks_.contains(path)) return Error{"reading", path.string(), "it is not a regular file"};
    return RecordedHost::read_file(path, limit);
  }
  Result<os::User> find_user(const std::string& name) const override {
    return other && other->name == name ? Result<os::User>(*other) : RecordedHost::find_user(name);
  }
  std::optional<fs::path> find_program(const std::string& program) const override {
    const auto path = RecordedHost::find_program(program);
    return path && (status(*path).mode & 0111) != 0 ? path : std::nullopt;
  }
  std::chrono::sys_time<std::chrono::milliseconds> wall_now() const override { return wall; }

 private:
  std::set<fs::path> masks_;
};

}  // namespace holdfast::test
