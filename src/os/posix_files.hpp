// The file operations of PosixHost. Private to os.
#pragma once

#include "os/host.hpp"

namespace holdfast::os {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
  int release() noexcept;

 private:
  int number_;
};

/// The first `limit` bytes of a file in /proc or /sys; empty when it cannot be read.
[[nodiscard]] std::optional<std::string> slurp(const std::string& path, std::size_t limit);

/// False when not all bytes could be written.
[[nodiscard]] bool write_all(int descriptor, std::string_view bytes);

[[nodiscard]] Result<std::string> read_whole_file(const fs::path& path, std::size_t limit);
[[nodiscard]] FileStatus file_status(const fs::path& path);
[[nodiscard]] std::vector<std::string> list_directory(const fs::path& directory);
[[nodiscard]] Result<> write_file_atomically(const fs::path& path, std::string_view bytes, mode_t mode, bool durable);
[[nodiscard]] Result<std::vector<fs::path>> make_missing_directories(const fs::path& directory, mode_t mode);
[[nodiscard]] Result<> remove_directory_tree(const fs::path& directory);

}  // namespace holdfast::os
