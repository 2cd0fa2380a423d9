#include "ssh/client/login.hpp"

#include "os/append_file.hpp"
#include "ssh/client/as_user.hpp"
#include "ssh/mux/mux_client.hpp"

#include <boost/asio/io_context.hpp>

#include <csignal>

namespace holdfast::ssh {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_poll{3};               // the precision of the reported durations
constexpr std::size_t k_log_tail = 256 * 1024;  // a hostile server can fill the log
constexpr milliseconds k_terminate_timeout{1000};
constexpr milliseconds k_exit_timeout{1000};

}  // namespace

Login::Login(boost::asio::io_context& context, os::Host& host, const fs::path& scratch_directory)
    : context_(context),
      host_(host),
      control_(scratch_directory / "ctl"),
      log_(scratch_directory / "log"),
      err_(scratch_directory / "err") {}

Result<std::unique_ptr<Login>> Login::start(boost::asio::io_context& context, os::Host& host, const Tunnel& tunnel,
                                            const PreflightRequest& request, const std::vector<SshOption>& extra) {
  std::unique_ptr<Login> login(new Login(context, host, request.scratch_directory));
  login->ended_ = true;  // until ssh has started
  for (const auto& file : {login->control_, login->log_, login->err_}) HOLDFAST_CHECK(host.remove_file(file));
  const Session session{.control = login->control_, .log = login->log_, .verbose = true, .extra = extra};
  HOLDFAST_TRY(os::Command command,
               command_as(host, request.run_as,
                          os::Command{master_arguments(request.client, tunnel, session), request.environment}));
  // A setup that is killed must not stay logged in.
  const os::ChildSpec spec{.command = std::move(command), .out = {}, .err = login->err_, .ends_with_us = true};
  HOLDFAST_TRY(login->child_, os::Child::start(context, spec, [raw = login.get()](int) { raw->ended_ = true; }));
  login->ended_ = false;
  return login;
}

Login::~Login() { end(); }

Login::Outcome Login::wait(std::chrono::steady_clock::time_point deadline, const std::function<bool()>& interrupted,
                           const OnProgress& on_progress) {
  LoginProgress reported;
  std::uint64_t log_size = 0;
  while (true) {
    context_.restart();
    context_.run_for(k_poll);
    // Read these before the log, so that the log has all lines up to the outcome.
    const bool authenticated = host_.status(control_).kind == os::FileKind::socket;
    const bool ended = ended_;
    if (const auto size = host_.status(log_).size; size != log_size) {
      log_size = size;
      LoginProgress now = read_login_log(os::read_tail(log_, k_log_tail));
      now.has_banner |= reported.has_banner;
      now.host_key_trusted |= reported.host_key_trusted;
      if (now.host_key.empty()) now.host_key = reported.host_key;
      if (now.foreign.empty()) now.foreign = reported.foreign;
      if (now.silent_addresses.empty()) now.silent_addresses = reported.silent_addresses;
      if (!(now == reported)) on_progress(now);
      reported = std::move(now);
    }
    if (authenticated) return Outcome::authenticated;
    if (ended) return Outcome::ended;
    if (interrupted && interrupted()) return Outcome::interrupted;
    if (std::chrono::steady_clock::now() >= deadline) return Outcome::timed_out;
  }
}

SshOutput Login::output() const {
  return {.log = os::read_tail(log_, k_log_tail), .err = os::read_tail(err_, k_log_tail), .at = host_.wall_now()};
}

std::string Login::log_since(std::size_t offset) const {
  std::string log = output().log;
  log.erase(0, std::min(offset, log.size()));
  return log;
}

bool Login::ends_within(milliseconds span) {
  const auto end = std::chrono::steady_clock::now() + span;
  while (!ended_ && std::chrono::steady_clock::now() < end) {
    context_.restart();
    context_.run_for(k_poll);
  }
  return ended_;
}

void Login::end() {
  if (ended_) return;
  if (host_.status(control_).kind == os::FileKind::socket &&
      std::holds_alternative<mux::Granted>(mux::terminate(control_, k_terminate_timeout)) &&
      ends_within(k_exit_timeout))
    return;
  child_->signal(SIGTERM);
  if (ends_within(k_exit_timeout)) return;
  child_->signal(SIGKILL);
  ends_within(k_exit_timeout);
}

}  // namespace holdfast::ssh
