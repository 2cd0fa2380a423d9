// A private directory for a test, and the real host with its home there.
#pragma once

#include "os/posix_host.hpp"

#include <boost/filesystem/fstream.hpp>
#include <boost/filesystem/operations.hpp>

#include <stdlib.h>

#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace holdfast {
namespace fs = boost::filesystem;
}

namespace holdfast::test {

class ScratchDirectory {
 public:
  ScratchDirectory() : path_(fs::temp_directory_path() / fs::unique_path("hf-%%%%%%%%%%%%")) {
    fs::create_directory(path_);
    fs::permissions(path_, fs::owner_all);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    boost::system::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline void write(const fs::path& path, const std::string& bytes, fs::perms mode = fs::owner_read | fs::owner_write) {
  fs::ofstream(path, std::ios::binary) << bytes;
  fs::permissions(path, mode);
}

inline std::string read(const fs::path& path) {
  fs::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The real host, with HOME set to `home` and without XDG_* variables.
class HostAtHome {
 public:
  explicit HostAtHome(const fs::path& home) {
    for (const char* name : {"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"}) {
      const char* value = ::getenv(name);
      if (value != nullptr) previous_.emplace_back(name, value);
      ::unsetenv(name);
      names_.emplace_back(name);
    }
    ::setenv("HOME", home.c_str(), 1);
    host_ = os::make_posix_host();
  }
  HostAtHome(const HostAtHome&) = delete;
  HostAtHome& operator=(const HostAtHome&) = delete;
  ~HostAtHome() {
    for (const auto& name : names_) ::unsetenv(name.c_str());
    for (const auto& [name, value] : previous_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  [[nodiscard]] os::Host& operator*() const { return *host_; }
  [[nodiscard]] os::Host* operator->() const { return host_.get(); }

 private:
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, std::string>> previous_;
  std::unique_ptr<os::Host> host_;
};

}  // namespace holdfast::test
