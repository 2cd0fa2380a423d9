#include "supervisor/probe/failback_probe.hpp"

#include "core/text.hpp"
#include "os/boot_clock.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/mux/mux_client.hpp"
#include "store/login_ledger.hpp"
#include "supervisor/loop/event_queue.hpp"
#include "supervisor/loop/ssh_session.hpp"
#include "supervisor/machine/rules.hpp"
#include "supervisor/stale/knock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <utility>

namespace holdfast::supervisor {
namespace {

store::RuntimeFiles files_of_probe(store::RuntimeFiles files) {
  files.control = files.failback_probe;
  files.ssh_log = files.failback_log;
  files.ssh_err = files.failback_err;
  return files;
}

}  // namespace

struct FailbackProbe::Impl {
  boost::asio::io_context& context;
  os::Host& host;
  store::RuntimeFiles files;
  ssh::Client client;
  SshSession session;
  Knocker knocker;
  boost::asio::steady_timer timer;
  std::optional<ssh::mux::MuxClient> mux;
  std::optional<Tunnel> tunnel;
  bool request_ports = false;
  bool ending = false;
  bool logging_in = false;
  std::optional<Diagnosis> why;
  std::function<void(std::optional<Diagnosis>)> on_done;

  Impl(boost::asio::io_context& owner, os::Host& real_host, const store::RuntimeFiles& runtime, ssh::Client ssh_client)
      : context(owner),
        host(real_host),
        files(files_of_probe(runtime)),
        client(std::move(ssh_client)),
        session(owner, real_host, files, true),
        knocker(owner),
        timer(owner) {}

  void start() {
    const os::Command command{.argv = session_arguments(client, *tunnel, files),
                              .environment = ssh::job_environment(host, host.user())};
    const auto started = session.start(
        command,
        [this] {
          note_login(store::LoginLedger::Event::accepted);
          logging_in = false;
          request(0);
        },
        [this](int exit_code) { on_exit(exit_code); });
    if (!started) return answer_later(Diagnosis{FailureClass::unknown, printable(started.error().line()), {}});
    logging_in = true;
    note_login(store::LoginLedger::Event::begun);
    timer.expires_after(k_attempt_limit);
    timer.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) finish(ssh::explain(FailureClass::timeout, *tunnel));
    });
  }

  void note_login(store::LoginLedger::Event event) {
    const std::string identity = (*tunnel)->identity ? (*tunnel)->identity->native() : std::string();
    store::LoginLedger(host, files.directory, (*tunnel)->bastion.text()).note(event, identity, os::since_boot());
  }

  void request(std::size_t forward) {
    if (ending) return;
    if (!request_ports || forward == (*tunnel)->forwards.size()) return finish(std::nullopt);
    if (!mux) mux.emplace(context, files.control);
    mux->open_forward((*tunnel)->forwards[forward], k_forward_timeout, [this, forward](const ssh::mux::Answer& answer) {
      if (std::holds_alternative<ssh::mux::Granted>(answer)) return request(forward + 1);
      const bool refused = std::holds_alternative<ssh::mux::Refused>(answer);
      finish(refused ? ssh::explain(FailureClass::forward_busy, *tunnel, (*tunnel)->forwards[forward])
                     : ssh::explain(FailureClass::timeout, *tunnel));
    });
  }

  void finish(std::optional<Diagnosis> result) {
    if (std::exchange(ending, true)) return;
    why = std::move(result);
    session.signal(SIGTERM);
    kill_after_grace();
  }

  void kill_after_grace() {
    timer.expires_after(k_kill_grace);
    timer.async_wait([this](const boost::system::error_code& cancelled) {
      if (cancelled) return;
      session.signal(SIGKILL);
      kill_after_grace();
    });
  }

  void on_exit(int exit_code) {
    timer.cancel();
    mux.reset();
    if (!ending) {
      const ssh::SshOutput said = session.said(exit_code);
      why = ssh::diagnose(said, *tunnel);
      if (!why) why = ssh::explain_silent_end("ssh", ssh::process_end(exit_code, said));
    }
    if (std::exchange(logging_in, false)) {
      const bool was_refused = why && why->retry_class() == FailureClass::auth;
      note_login(was_refused ? store::LoginLedger::Event::refused : store::LoginLedger::Event::ended);
    }
    for (const auto& file : {files.control, files.ssh_log, files.ssh_err}) (void)host.remove_file(file);
    answer(std::exchange(why, std::nullopt));
  }

  void answer(std::optional<Diagnosis> result) {
    if (const auto handler = std::exchange(on_done, nullptr)) handler(std::move(result));
  }

  void answer_later(Diagnosis result) {
    run_soon(context, [this, result = std::move(result)] { answer(result); });
  }
};

FailbackProbe::FailbackProbe(boost::asio::io_context& context, os::Host& host, const store::RuntimeFiles& files,
                             ssh::Client client)
    : impl_(std::make_unique<Impl>(context, host, files, std::move(client))) {}

FailbackProbe::~FailbackProbe() = default;

void FailbackProbe::start(const Tunnel& tunnel, const std::optional<os::TcpPair>& stale, bool request_ports,
                          std::function<void(std::optional<Diagnosis>)> on_done) {
  impl_->on_done = std::move(on_done);
  // The ssh of the previous probe still runs, though it was told to end.
  if (impl_->session.process()) return impl_->answer_later(ssh::explain(FailureClass::timeout, tunnel));
  impl_->tunnel = tunnel;
  impl_->request_ports = request_ports;
  impl_->ending = false;
  if (!stale) return impl_->start();
  impl_->knocker.knock(*stale, [impl = impl_.get()](KnockResult) {
    if (impl->on_done) impl->start();
  });
}

void FailbackProbe::end() {
  impl_->on_done = nullptr;
  if (impl_->session.process()) impl_->finish(std::nullopt);
}

}  // namespace holdfast::supervisor
