// A directory of a test's own, gone with it.
#pragma once

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

class ScratchDirectory {
 public:
  ScratchDirectory()
      : path_(boost::filesystem::temp_directory_path() / boost::filesystem::unique_path("holdfast-test-%%%%%%%%")) {
    boost::filesystem::create_directory(path_);
    boost::filesystem::permissions(path_, boost::filesystem::owner_all);
  }
  ~ScratchDirectory() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const boost::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] boost::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  boost::filesystem::path path_;
};
