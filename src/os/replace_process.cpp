#include "os/replace_process.hpp"

#include "core/text.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace holdfast::os {
namespace {

void (*sigpipe_before)(int) = SIG_DFL;

Error execution_error(const std::string& program, int error) {
  auto failure = errno_error("running", program, error);
  failure.status = error == ENOENT || error == ENOTDIR ? k_no_program : k_cannot_execute;
  return failure;
}

/// 0, or the errno of an attempt to run `path`. A file in a directory that cannot be searched does not exist for us.
int execution_errno(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno == EACCES ? ENOENT : errno;
  if (!S_ISREG(info.st_mode)) return EACCES;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

void ignore_broken_pipes() noexcept {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  if (before != SIG_ERR) sigpipe_before = before;
}

Result<> check_program(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    const int error = execution_errno(program);
    if (error != 0) return execution_error(program, error);
    return {};
  }
  int error = ENOENT;
  const char* path = std::getenv("PATH");
  for (const auto& directory : split(path != nullptr ? path : "/bin:/usr/bin", ':')) {
    std::string candidate = directory.empty() ? "." : directory;
    const int found = execution_errno(candidate.append("/").append(program));
    if (found == 0) return {};
    if (found == EACCES) error = found;
  }
  auto failure = execution_error(program, program.empty() ? ENOENT : error);
  if (failure.status == k_no_program) failure.cause = "there is no such program in PATH";
  return failure;
}

Error become_program(const std::vector<std::string>& argv) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::signal(SIGPIPE, sigpipe_before);
  ::execvp(words.front(), words.data());
  const int error = errno;
  std::signal(SIGPIPE, SIG_IGN);
  return execution_error(argv.front(), error);
}

}  // namespace holdfast::os
