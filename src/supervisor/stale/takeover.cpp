#include "supervisor/stale/takeover.hpp"

#include "core/text.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/remote/remote_command.hpp"
#include "supervisor/loop/event_queue.hpp"

#include <boost/asio/io_context.hpp>

#include <fmt/format.h>

#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_longest_file = 16 * 1024;
constexpr std::size_t k_longest_name = 512;
constexpr std::chrono::seconds k_timeout(15);
constexpr const char* k_keepalive = "ClientAliveInterval 30 in the bastion's sshd_config ends a stale session soon";

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
    const auto words = split(line, ' ');
    if (words.size() != 4 || words[3].empty() || words[3].size() > k_longest_name || has_control_bytes(words[3]))
      continue;
    if (auto session = ssh::remote_session_from(words[0], words[1], words[2])) sessions.emplace(words[3], *session);
  }
  return sessions;
}

Diagnosis explain_takeover(ssh::TakeoverResult end, const Tunnel& tunnel, const Forward& forward) {
  const auto port = forward.short_text();
  const auto bastion = tunnel->bastion.text();
  const auto busy = [](std::string message, std::string hint) {
    return Diagnosis{FailureClass::forward_busy, std::move(message), std::move(hint)};
  };
  switch (end) {
    case ssh::TakeoverResult::gone:
      return busy(fmt::format("port {} on {} is taken, and the session that this tunnel last had there is gone: it is "
                              "somebody else's",
                              port, bastion),
                  "take another port, or end what has this one");
    case ssh::TakeoverResult::elsewhere:
      return busy(fmt::format("port {} on {} is taken; this tunnel last had a session on another machine of that name, "
                              "or before it was started anew",
                              port, bastion),
                  "name one machine with -b, not several behind one name; or take another port");
    case ssh::TakeoverResult::refused:
      return busy(
          fmt::format("port {} on {} is still held by the last session of this tunnel, which could not be ended "
                      "there",
                      port, bastion),
          k_keepalive);
    case ssh::TakeoverResult::not_run:
      return busy(
          fmt::format("port {} on {} is taken, and takeover cannot free it: {} runs no command for this key, or "
                      "shows it no processes",
                      port, bastion, bastion),
          k_keepalive);
    case ssh::TakeoverResult::ended:
      break;
  }
  return busy(fmt::format("port {} on {} is taken by somebody else: the last session of this tunnel was ended, and it "
                          "is not free",
                          port, bastion),
              "take another port");
}

Diagnosis explain_unknown_session(const Tunnel& tunnel, const Forward& forward) {
  return Diagnosis{FailureClass::forward_busy,
                   fmt::format("port {} on {} is taken, and takeover cannot free it: no session of this tunnel's there "
                               "has told which process it was",
                               forward.short_text(), tunnel->bastion.text()),
                   k_keepalive};
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

  /// `handler` gets the output; nothing when the command could not be run.
  void run(const std::optional<ssh::RemoteSession>& stale, std::function<void(std::string)> handler) {
    command.end();
    if (command.runs()) return run_soon(context, [handler = std::move(handler)] { handler({}); });
    const os::Command far{.argv = ssh::remote_command_line(client, files.control, *bastion, stale),
                          .environment = ssh::job_environment(host, host.user())};
    const auto started = command.start(
        far, k_timeout, [handler](ssh::RemoteCommand::Answer answer) { handler(std::move(answer.output)); });
    if (!started) run_soon(context, [handler = std::move(handler)] { handler({}); });
  }

  Result<> keep() {
    constexpr mode_t k_private = 0600;
    return host.write_file(file_of(paths, name), format_remote_sessions(sessions), k_private);
  }
};

Takeover::Takeover(boost::asio::io_context& context, os::Host& host, store::Paths paths, TunnelName name,
                   const store::RuntimeFiles& files, ssh::Client client)
    : impl_(std::make_unique<Impl>(context, host, std::move(paths), std::move(name), files, std::move(client))) {}

Takeover::~Takeover() = default;

void Takeover::begin(const Destination& bastion) {
  end();
  impl_->bastion = bastion;
  impl_->noted = false;
}

void Takeover::end() { impl_->command.end(); }

void Takeover::note(std::function<void(const std::string&)> log) {
  if (!impl_->bastion || std::exchange(impl_->noted, true)) return;
  impl_->run(std::nullopt, [impl = impl_.get(), log = std::move(log)](const std::string& said) {
    const auto session = ssh::parse_remote_session(said);
    const std::string& bastion = impl->bastion->text();
    if (session)
      impl->sessions.insert_or_assign(bastion, *session);
    else
      impl->sessions.erase(bastion);  // one before this one says nothing of this one
    if (!session) log("takeover: " + bastion + " runs no command for this key, or shows it no processes");
    if (const auto kept = impl->keep(); !kept) log(kept.error().line());
  });
}

void Takeover::end_stale(const Tunnel& tunnel, const Forward& forward,
                         std::function<void(std::optional<Diagnosis>)> on_done) {
  const auto known = impl_->sessions.find(tunnel->bastion.text());
  if (!impl_->bastion || known == impl_->sessions.end())
    return run_soon(impl_->context,
                    [handler = std::move(on_done), why = explain_unknown_session(tunnel, forward)] { handler(why); });
  impl_->run(known->second, [tunnel, forward, handler = std::move(on_done)](const std::string& said) {
    const auto end = ssh::parse_takeover_result(said);
    if (end == ssh::TakeoverResult::ended) return handler(std::nullopt);
    handler(explain_takeover(end, tunnel, forward));
  });
}

}  // namespace holdfast::supervisor
