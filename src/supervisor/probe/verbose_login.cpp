#include "supervisor/probe/verbose_login.hpp"

#include "supervisor/loop/event_queue.hpp"
#include "supervisor/loop/ssh_session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::chrono::seconds k_timeout(2);

store::RuntimeFiles files_of_login(store::RuntimeFiles files) {
  files.control = files.failback_probe;
  files.ssh_log = files.failback_log;
  files.ssh_err = files.failback_err;
  return files;
}

}  // namespace

bool needs_verbose_login(const Diagnosis& why) noexcept {
  return why.failure == FailureClass::host_key_unknown || why.failure == FailureClass::host_key_changed ||
         why.failure == FailureClass::certificate || why.failure == FailureClass::unreachable;
}

bool explains_better(const Diagnosis& details, const Diagnosis& why) noexcept {
  if (details.failure == why.failure) return true;
  // ssh reports its last address only.
  return why.failure == FailureClass::unreachable &&
         (details.failure == FailureClass::refused || details.failure == FailureClass::timeout);
}

struct VerboseLogin::Impl {
  os::Host& host;
  store::RuntimeFiles files;
  ssh::Client client;
  SshSession session;
  boost::asio::steady_timer timer;
  boost::asio::io_context& context;
  std::function<void(std::optional<ssh::SshOutput>)> on_done = {};

  void start(const Tunnel& tunnel) {
    const ssh::Session wanted{.control = files.control,
                              .log = files.ssh_log,
                              .verbose = true,
                              .extra = {{"PreferredAuthentications", "none"}, {"UpdateHostKeys", "no"}}};
    const os::Command command{.argv = ssh::master_arguments(client, tunnel, wanted),
                              .environment = ssh::job_environment(host, host.user())};
    const auto started = session.start(
        command, [] {}, [this](int exit_code) { on_exit(exit_code); });
    if (!started) return run_soon(context, [this] { answer(std::nullopt); });
    timer.expires_after(k_timeout);
    timer.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) end();
    });
  }

  void on_exit(int exit_code) {
    auto output = session.said(exit_code);
    for (const auto& file : {files.control, files.ssh_log, files.ssh_err}) (void)host.remove_file(file);
    answer(std::move(output));
  }

  void end() {
    if (session.process()) session.signal(SIGKILL);
    answer(std::nullopt);
  }

  void answer(std::optional<ssh::SshOutput> output) {
    timer.cancel();
    if (const auto handler = std::exchange(on_done, nullptr)) handler(std::move(output));
  }
};

VerboseLogin::VerboseLogin(boost::asio::io_context& context, os::Host& host, const store::RuntimeFiles& files,
                           ssh::Client client)
    : impl_(new Impl{host, files_of_login(files), std::move(client),
                     SshSession(context, host, files_of_login(files), true), boost::asio::steady_timer(context),
                     context}) {}

VerboseLogin::~VerboseLogin() = default;

void VerboseLogin::start(const Tunnel& tunnel, std::function<void(std::optional<ssh::SshOutput>)> on_done) {
  impl_->on_done = std::move(on_done);
  impl_->start(tunnel);
}

void VerboseLogin::end() { impl_->end(); }

}  // namespace holdfast::supervisor
