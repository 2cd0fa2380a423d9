#include "ssh/client/arguments.hpp"

#include "core/ssh_option_rules.hpp"
#include "core/text.hpp"
#include "ssh/diagnosis/diagnosis_text.hpp"
#include "ssh/keys/pinned_host_key.hpp"

#include <algorithm>
#include <string_view>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_version_deadline{10};

void option(std::vector<std::string>& argv, std::string_view key, std::string_view value) {
  argv.emplace_back("-o");
  argv.push_back(std::string(key) + "=" + std::string(value));
}

// ssh expands %-tokens in ControlPath, IdentityFile and UserKnownHostsFile.
std::string without_tokens(const std::string& path) {
  std::string out;
  for (const char c : path) {
    out += c;
    if (c == '%') out += c;
  }
  return out;
}

// One argument of a configuration line. Only ssh 8.7 and later understand the escapes; a path without quotes and
// backslashes has none.
std::string quoted(const std::string& path) {
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool has_option(const Tunnel& tunnel, std::string_view wanted) {
  return std::ranges::any_of(tunnel->ssh_options, [&](const SshOption& own) {
    return std::ranges::equal(own.key, wanted, [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  });
}

}  // namespace

Result<Version> parse_version(const std::string& banner) {
  const auto refuse = [&] {
    return Error{"reading the version of", "ssh", "\"" + banner.substr(0, 80) + "\" is not OpenSSH",
                 "install the OpenSSH client, version 7.4 or newer"};
  };
  constexpr std::string_view k_name = "OpenSSH_";
  const auto at = banner.find(k_name);
  if (at == std::string::npos || banner.find('\n') < at) return refuse();
  const std::string_view rest = std::string_view(banner).substr(at + k_name.size());
  const auto dot = rest.find('.');
  const auto end = rest.find_first_not_of("0123456789", dot == std::string_view::npos ? dot : dot + 1);
  if (dot == std::string_view::npos) return refuse();
  const auto major = parse_number(rest.substr(0, dot), 1, 999);
  const auto minor = parse_number(rest.substr(dot + 1, end == std::string_view::npos ? end : end - dot - 1), 0, 999);
  if (!major || !minor) return refuse();
  return Version{static_cast<int>(*major), static_cast<int>(*minor)};
}

Result<Client> find_client(const os::Host& host) {
  const auto program = host.find_program("ssh");
  if (!program) return Error{"looking for", "the ssh program", "it is not installed, or not in PATH", k_install_ssh};
  HOLDFAST_TRY(const os::Completed done, host.run(os::Command{{program->native(), "-V"}}, k_version_deadline));
  if (!done.ok()) {
    const std::string words = first_line(done.err);  // "No user exists for uid 4711"
    return Error{"reading the version of", program->native(),
                 done.timed_out   ? "ssh -V did not answer"
                 : !words.empty() ? words
                                  : "ssh -V exited with status " + std::to_string(done.exit_code),
                 "see why: ssh -V"};
  }
  HOLDFAST_TRY(const Version version, parse_version(done.err.empty() ? done.out : done.err));
  if (version < Version{7, 4})
    return Error{"using", program->native(), "it is older than OpenSSH 7.4", "install a newer OpenSSH client"};
  return Client{*program, version};
}

std::string file_value(const fs::path& path) { return quoted(without_tokens(path.native())); }

std::optional<std::string> known_hosts_option(const Tunnel& tunnel) {
  if (!tunnel->known_hosts) return std::nullopt;
  return "GlobalKnownHostsFile=/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2 " +
         quoted(tunnel->known_hosts->native());
}

std::string control_argument(const fs::path& control) { return without_tokens(control.native()); }

namespace {

void add_enforced_options(std::vector<std::string>& argv, const Client& client, const Tunnel& tunnel,
                          const Session& session) {
  option(argv, "BatchMode", "yes");
  option(argv, "ExitOnForwardFailure", "yes");
  option(argv, "ServerAliveInterval", std::to_string(session.keepalive.interval.count()));
  option(argv, "ServerAliveCountMax", std::to_string(session.keepalive.count));
  option(argv, "ConnectTimeout", "10");
  if (session.forwards == ForwardsBy::control_socket) option(argv, "ClearAllForwardings", "yes");
  option(argv, "PermitLocalCommand", "no");
  option(argv, "ControlPersist", "no");
  option(argv, "LogLevel", session.verbose ? "DEBUG1" : "INFO");
  for (const auto& [key, value] : k_host_key_checks) option(argv, key, value);
  option(argv, "Tunnel", "no");  // forwards a network device
  if (client.version >= Version{7, 6}) option(argv, "RemoteCommand", "none");
  if (client.version >= Version{8, 7}) option(argv, "ForkAfterAuthentication", "no");
  if (tunnel->run_as) option(argv, "UpdateHostKeys", "no");  // the system scope never writes to a home
}

void add_identity(std::vector<std::string>& argv, const fs::path& identity, bool may_use_agent) {
  option(argv, "IdentitiesOnly", "yes");
  // ssh waits without end for an agent that accepts its connection and does not answer.
  if (!may_use_agent) option(argv, "IdentityAgent", "none");
  // -i checks the file before it expands tokens, so it cannot take a name with '%'.
  if (identity.native().find('%') == std::string::npos)
    argv.insert(argv.end(), {"-i", identity.native()});
  else
    option(argv, "IdentityFile", file_value(identity));
}

}  // namespace

std::vector<std::string> master_arguments(const Client& client, const Tunnel& tunnel, const Session& session) {
  const bool by_arguments = session.forwards == ForwardsBy::arguments;
  std::vector<std::string> argv{client.program.native(), "-N"};
  // -M together with ControlMaster=yes would mean "ask". -M alone is final, since the first value wins.
  if (!by_arguments) argv.emplace_back("-M");
  argv.insert(argv.end(), {"-S", control_argument(session.control), "-E", session.log.native()});
  if (by_arguments) option(argv, "ControlMaster", "auto");
  for (const SshOption& extra : session.extra) option(argv, extra.key, extra.value);
  add_enforced_options(argv, client, tunnel, session);
  if (const auto known = known_hosts_option(tunnel)) argv.insert(argv.end(), {"-o", *known});
  if (tunnel->identity) add_identity(argv, *tunnel->identity, has_option(tunnel, "IdentityAgent"));
  for (const SshOption& own : tunnel->ssh_options) option(argv, own.key, own.value);
  if (!has_option(tunnel, "PreferredAuthentications")) option(argv, "PreferredAuthentications", "publickey");
  if (by_arguments)
    for (const Forward& forward : tunnel->forwards) argv.insert(argv.end(), {"-R", forward.text()});
  if (tunnel->bastion.port()) argv.insert(argv.end(), {"-p", std::to_string(*tunnel->bastion.port())});
  argv.insert(argv.end(), {"--", tunnel->bastion.ssh_argument()});
  return argv;
}

os::Environment job_environment(const os::Host& host, const os::User& user) {
  constexpr const char* k_default_path = "/usr/local/bin:/usr/bin:/bin";
  os::Environment environment{{"HOME", user.home.native()}, {"LANG", "C.UTF-8"}, {"PATH", k_default_path}};
  if (!user.name.empty()) {
    environment["USER"] = user.name;
    environment["LOGNAME"] = user.name;
  }
  if (host.user().uid != user.uid) return environment;  // our PATH and XDG_* do not apply to another user
  for (const char* name :
       {"PATH", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"}) {
    const auto value = host.env(name);
    if (value && !value->empty() && !has_control_bytes(*value)) environment[name] = *value;
  }
  return environment;
}

}  // namespace holdfast::ssh
