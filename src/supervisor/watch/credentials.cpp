#include "supervisor/watch/credentials.hpp"

#include "ssh/keys/certificate.hpp"
#include "supervisor/machine/backoff.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace holdfast::supervisor {
namespace {

// inotify does not see what another host changes in a shared home, and a file may be on any path.
constexpr std::chrono::seconds k_interval(3);

using Version = std::tuple<dev_t, ino_t, off_t, time_t, long>;

Version version_of(const boost::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

bool is_known_hosts(const boost::filesystem::path& file) {
  return file.filename().native().find("known_hosts") != std::string::npos;
}

/// ssh changes known_hosts at any time. That must not cause another refused login.
bool is_host_key_failure(const Diagnosis& why) noexcept {
  const FailureClass failure = why.retry_class();
  return failure == FailureClass::host_key_unknown || failure == FailureClass::host_key_changed ||
         failure == FailureClass::certificate;
}

struct Watched {
  boost::filesystem::path file;
  Version version;
};

}  // namespace

bool depends_on_credentials(const Diagnosis& why) noexcept {
  switch (why.retry_class()) {
    case FailureClass::auth:
    case FailureClass::key_missing:
    case FailureClass::key_permissions:
    case FailureClass::key_passphrase:
    case FailureClass::host_key_unknown:
    case FailureClass::host_key_changed:
    case FailureClass::certificate:
    case FailureClass::agent:
    case FailureClass::config:
    case FailureClass::jump_host:
      return true;
    default:
      return false;
  }
}

struct CredentialWatch::Impl {
  boost::filesystem::path home;
  std::function<void()> on_change;
  boost::asio::steady_timer timer;
  std::vector<Watched> watched = {};
  Budget budget{5, std::chrono::minutes(10)};
  bool active = false;
  bool with_known_hosts = false;

  void check() {
    const bool changed = std::ranges::any_of(watched, [this](const Watched& one) {
      return (with_known_hosts || !is_known_hosts(one.file)) && version_of(one.file) != one.version;
    });
    if (!changed || !budget.take(Clock::now())) return wait();
    active = false;
    on_change();
  }

  void wait() {
    timer.expires_after(k_interval);
    timer.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled && active) check();
    });
  }
};

CredentialWatch::CredentialWatch(boost::asio::io_context& context, boost::filesystem::path home,
                                 std::function<void()> on_change)
    : impl_(new Impl{std::move(home), std::move(on_change), boost::asio::steady_timer(context)}) {}

CredentialWatch::~CredentialWatch() = default;

void CredentialWatch::note(const Tunnel& tunnel) {
  stop();
  impl_->watched.clear();
  for (auto& file : ssh::credential_files(tunnel, impl_->home)) {
    const Version version = version_of(file);
    impl_->watched.push_back({std::move(file), version});
  }
}

void CredentialWatch::start(const Diagnosis& why) {
  impl_->with_known_hosts = is_host_key_failure(why);
  if (!std::exchange(impl_->active, true)) impl_->wait();
}

void CredentialWatch::stop() {
  impl_->active = false;
  impl_->timer.cancel();
}

}  // namespace holdfast::supervisor
