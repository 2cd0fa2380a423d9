#include "supervisor/stale/takeover.hpp"

#include "core/text.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/remote/remote_command.hpp"
#include "supervisor/loop/event_queue.hpp"
#include "supervisor/stale/stale_port_diagnosis.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_longest_file = 16 * 1024;
constexpr std::size_t k_longest_name = 512;
constexpr std::chrono::seconds k_timeout(15);

boost::filesystem::path file_of(const store::Paths& paths, const TunnelName& name) {
  return paths.state_file(name, "session");
}

}  // namespace

std::string format_remote_sessions(const RemoteSessions& sessions) {
  std::string text;
  for (const auto& [bastion, session] : sessions)
    text += fmt::format("{} {} {} {}\n", session.boot, session.pid, session.start, bastion);
  return text;
}

RemoteSessions parse_remote_sessions(std::string_view text) {
  RemoteSessions sessions;
  if (text.size() > k_longest_file || !text.ends_with('\n')) return sessions;
  for (const std::string& line : split(text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() != 4 || fields[3].empty() || fields[3].size() > k_longest_name || has_control_bytes(fields[3]))
      continue;
    if (auto session = ssh::remote_session_from(fields[0], fields[1], fields[2])) sessions.emplace(fields[3], *session);
  }
  return sessions;
}

Diagnosis explain_takeover(ssh::TakeoverResult result, const Tunnel& tunnel, const Forward& forward) {
  const auto port = forward.short_text();
  const auto bastion = tunnel->bastion.text();
  const auto busy = [](std::string message, std::string hint) {
    return Diagnosis{FailureClass::forward_busy, std::move(message), std::move(hint)};
  };
  switch (result) {
    case ssh::TakeoverResult::gone:
      return busy(
          fmt::format("port {} on {} is in use by another process: the session that this tunnel last had there is "
                      "gone",
                      port, bastion),
          "use another port, or end the process that has this one");
    case ssh::TakeoverResult::elsewhere:
      return busy(
          fmt::format("port {} on {} is in use; this tunnel's last session was on another machine of that name, or "
                      "before that machine rebooted",
                      port, bastion),
          "name a single machine with -b, or use another port");
    case ssh::TakeoverResult::refused:
      return busy(fmt::format("port {} on {} is still held by the last session of this tunnel: the bastion did not let "
                              "takeover end it",
                              port, bastion),
                  k_keepalive_hint);
    case ssh::TakeoverResult::not_run:
      return busy(
          fmt::format("port {} on {} is in use, and takeover cannot free it: {} runs no commands for this key, or "
                      "hides its processes",
                      port, bastion, bastion),
          k_keepalive_hint);
    case ssh::TakeoverResult::ended:
      break;
  }
  return busy(fmt::format("port {} on {} is in use by another process: takeover ended the last session of this tunnel, "
                          "and the port is not free",
                          port, bastion),
              "use another port");
}

Diagnosis explain_unknown_session(const Tunnel& tunnel, const Forward& forward) {
  return Diagnosis{
      FailureClass::forward_busy,
      fmt::format("port {} on {} is in use, and takeover cannot free it: no earlier session of this tunnel "
                  "there is known",
                  forward.short_text(), tunnel->bastion.text()),
      k_keepalive_hint};
}

struct Takeover::Impl {
  boost::asio::io_context& context;
  os::Host& host;
  store::Paths paths;
  TunnelName name;
  store::RuntimeFiles files;
  ssh::Client client;

  std::optional<Destination> bastion;
  bool noted = false;
  RemoteSessions sessions;

  ssh::RemoteCommand command;

  Impl(boost::asio::io_context& owner, os::Host& real_host, store::Paths where, TunnelName tunnel,
       store::RuntimeFiles runtime, ssh::Client ssh_client)
      : context(owner),
        host(real_host),
        paths(std::move(where)),
        name(std::move(tunnel)),
        files(std::move(runtime)),
        client(std::move(ssh_client)),
        command(owner) {
    if (const auto text = host.read_file(file_of(paths, name), k_longest_file)) sessions = parse_remote_sessions(*text);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// `handler` gets the output; an empty text when the command could not be run.
  void run(const std::optional<ssh::RemoteSession>& stale, std::function<void(std::string)> handler) {
    command.end();
    if (command.runs()) return run_soon(context, [handler = std::move(handler)] { handler({}); });
    const os::Command remote{.argv = ssh::remote_command_line(client, files.control, *bastion, stale),
                             .environment = ssh::job_environment(host, host.user())};
    const auto started = command.start(
        remote, k_timeout, [handler](ssh::RemoteCommand::Answer answer) { handler(std::move(answer.output)); });
    if (!started) run_soon(context, [handler = std::move(handler)] { handler({}); });
  }

  Result<> store_sessions() {
    constexpr mode_t k_private = 0600;
    return host.write_file(file_of(paths, name), format_remote_sessions(sessions), k_private);
  }
};

Takeover::Takeover(boost::asio::io_context& context, os::Host& host, store::Paths paths, TunnelName name,
                   const store::RuntimeFiles& files, ssh::Client client)
    : impl_(std::make_unique<Impl>(context, host, std::move(paths), std::move(name), files, std::move(client))) {}

Takeover::~Takeover() = default;

void Takeover::begin(const Destination& new_bastion) {
  end();
  impl_->bastion = new_bastion;
  impl_->noted = false;
}

void Takeover::end() { impl_->command.end(); }

void Takeover::note(std::function<void(const std::string&)> log) {
  if (!impl_->bastion || std::exchange(impl_->noted, true)) return;
  impl_->run(std::nullopt, [impl = impl_.get(), log = std::move(log)](const std::string& output) {
    const auto session = ssh::parse_remote_session(output);
    const std::string& bastion = impl->bastion->text();
    if (session)
      impl->sessions.insert_or_assign(bastion, *session);
    else
      impl->sessions.erase(bastion);  // an older one would not be this one
    if (!session) log("takeover: " + bastion + " runs no commands for this key, or hides its processes");
    if (const auto stored = impl->store_sessions(); !stored) log(stored.error().line());
  });
}

void Takeover::end_stale(const Tunnel& tunnel, const Forward& forward,
                         std::function<void(std::optional<Diagnosis>)> on_done) {
  const auto known = impl_->sessions.find(tunnel->bastion.text());
  if (!impl_->bastion || known == impl_->sessions.end())
    return run_soon(impl_->context,
                    [handler = std::move(on_done), why = explain_unknown_session(tunnel, forward)] { handler(why); });
  impl_->run(known->second, [tunnel, forward, handler = std::move(on_done)](const std::string& output) {
    const auto result = ssh::parse_takeover_result(output);
    if (result == ssh::TakeoverResult::ended) return handler(std::nullopt);
    handler(explain_takeover(result, tunnel, forward));
  });
}

}  // namespace holdfast::supervisor
