#include "supervisor/loop/process_services.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <utility>

namespace holdfast::supervisor {
namespace {

using error_code = boost::system::error_code;

constexpr std::chrono::hours k_refresh(24);  // well below the 10 days of /tmp ageing, tmpfiles.d(5)

/// Whether SIGHUP will mean that the terminal hung up. Call it at the start: when the signal arrives the process has no
/// controlling terminal any more. False under nohup(1).
bool has_terminal_hangup() noexcept {
  struct sigaction hangup {};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler == SIG_IGN) return false;
  const int descriptor = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return false;
  ::close(descriptor);
  return true;
}

}  // namespace

struct ProcessServices::Impl {
  const bool hangup_ends = has_terminal_hangup();  ///< Initialised before any handler is installed.
  const ServiceManager& manager;
  store::RuntimeFiles files;
  Handlers handlers;
  boost::asio::signal_set signals;
  boost::asio::steady_timer watchdog;
  boost::asio::steady_timer refresh;

  Impl(boost::asio::io_context& context, const ServiceManager& service_manager, store::RuntimeFiles runtime,
       Handlers callbacks)
      : manager(service_manager),
        files(std::move(runtime)),
        handlers(std::move(callbacks)),
        signals(context, SIGTERM, SIGINT),
        watchdog(context),
        refresh(context) {
    signals.add(SIGHUP);
    signals.add(SIGUSR1);
    signals.add(SIGUSR2);
  }

  void wait_for_signal() {
    signals.async_wait([this](const error_code& error, int number) {
      if (error) return;
      if (number == SIGUSR1) {
        handlers.on_probe_request();
      } else if (number == SIGUSR2 || (number == SIGHUP && !hangup_ends)) {
        handlers.on_reload();
      } else {
        manager.stopping();
        handlers.on_stop();
      }
      wait_for_signal();
    });
  }

  void feed_watchdog() {
    const auto interval = manager.watchdog_interval();
    if (!interval) return;
    manager.alive();
    watchdog.expires_after(*interval);
    watchdog.async_wait([this](const error_code& error) {
      if (!error) feed_watchdog();
    });
  }

  // systemd-tmpfiles removes old files from /tmp.
  void refresh_files() {
    for (const auto& file : {files.directory, files.control, files.lock, files.live, files.ssh_log, files.ssh_err,
                             files.autossh_log, files.pidfile})
      ::utimensat(AT_FDCWD, file.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);  // a missing file is fine
    refresh.expires_after(k_refresh);
    refresh.async_wait([this](const error_code& error) {
      if (!error) refresh_files();
    });
  }
};

ProcessServices::ProcessServices(boost::asio::io_context& context, const ServiceManager& manager,
                                 store::RuntimeFiles files, Handlers handlers)
    : impl_(std::make_unique<Impl>(context, manager, std::move(files), std::move(handlers))) {}

ProcessServices::~ProcessServices() = default;

void ProcessServices::begin() {
  impl_->wait_for_signal();
  impl_->feed_watchdog();
  impl_->refresh_files();
}

void ProcessServices::note_alive() { impl_->feed_watchdog(); }

}  // namespace holdfast::supervisor
