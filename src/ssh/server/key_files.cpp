#include "ssh/server/key_files.hpp"

#include "core/text.hpp"

#include <fmt/format.h>
#include <boost/filesystem/operations.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_deadline(10);
constexpr mode_t k_others_write = 0022;

Error key_error(const fs::path& file, std::string cause, std::string hint = {}) {
  return Error{"using the keys in", file.string(), std::move(cause), std::move(hint)};
}

struct Protection {
  bool others_write = false;
  bool sticky = false;
};

/// An Error when another user owns `path`.
Result<Protection> protection_of(const fs::path& path, const fs::path& file, uid_t user) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_error("reading", path.string(), errno);
  if (info.st_uid != user && info.st_uid != 0)
    return key_error(file, fmt::format("another user owns {}", path.string()));
  return Protection{(info.st_mode & k_others_write) != 0, (info.st_mode & S_ISVTX) != 0};
}

}  // namespace

Result<> keep_host_key(const fs::path& file, os::Host& host) {
  if (host.status(file).kind == os::FileKind::regular) return {};
  HOLDFAST_TRY([[maybe_unused]] const auto made, host.make_directories(file.parent_path(), 0700));
  const auto fresh = file.parent_path() / fmt::format(".{}.{}", file.filename().string(), ::getpid());
  const auto fresh_public = fs::path(fresh.native() + ".pub");
  HOLDFAST_CHECK(host.remove_file(fresh));
  HOLDFAST_TRY(const auto done, host.run(os::Command{{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                                                      "holdfast " + file.filename().string(), "-f", fresh.native()}},
                                         k_deadline));
  if (!done.ok())
    return Error{"making the host key", file.string(),
                 done.timed_out ? "ssh-keygen did not answer" : first_line(done.err + done.out)};
  // link(2) replaces nothing: another process may have made the key meanwhile.
  const int failed = ::link(fresh.c_str(), file.c_str()) == 0 ? 0 : errno;
  if (failed == 0) ::rename(fresh_public.c_str(), (file.native() + ".pub").c_str());
  HOLDFAST_CHECK(host.remove_file(fresh));
  HOLDFAST_CHECK(host.remove_file(fresh_public));
  if (failed != 0 && failed != EEXIST) return errno_error("making the host key", file.string(), failed);
  return {};
}

Result<KeyFileCheck> check_authorized_keys(const fs::path& file, const fs::path& home, const os::Host& host) {
  boost::system::error_code error;
  const auto real = fs::canonical(file, error);
  if (error || !fs::is_regular_file(real, error))
    return key_error(file, real.empty() ? "there is no such file" : "it is not a file",
                     "write the public keys of your laptop there, or name another file: --keys FILE");
  const auto real_home = fs::canonical(home, error);
  const auto user = host.user().uid;
  HOLDFAST_TRY(const auto own, protection_of(real, file, user));
  if (own.others_write)
    return key_error(file, "other users can write to it", "chmod go-w " + shell_quote(real.native()));
  KeyFileCheck check;
  for (auto directory = real.parent_path();; directory = directory.parent_path()) {
    HOLDFAST_TRY(const auto above, protection_of(directory, file, user));
    if (above.others_write && !above.sticky)
      return key_error(file, fmt::format("other users can write to {}", directory.string()),
                       "chmod go-w " + shell_quote(directory.native()));
    if (above.others_write) check.strict_modes = false;
    if (directory == "/" || directory == real_home) return check;
  }
}

}  // namespace holdfast::ssh
