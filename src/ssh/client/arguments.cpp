#include "ssh/client/arguments.hpp"

#include "core/text.hpp"
#include "ssh/keys/pinned_host_key.hpp"

#include <array>
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

// One word of a configuration line. A quote or backslash inside needs 8.7's escapes; older releases never see one
// unless the path has it.
std::string quoted(const std::string& path) {
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool names_option(const Tunnel& tunnel, std::string_view wanted) {
  for (const SshOption& own : tunnel->ssh_options) {
    if (own.key.size() != wanted.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < wanted.size(); ++i) same = same && (own.key[i] | 0x20) == (wanted[i] | 0x20);
    if (same) return true;
  }
  return false;
}

}  // namespace

Result<Version> parse_version(const std::string& banner) {
  const auto refuse = [&] {
    return Error{"reading the version of", "ssh", "\"" + banner.substr(0, 80) + "\" is not OpenSSH",
                 "install OpenSSH's client, version 7.4 or newer"};
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
  if (!program)
    return Error{"looking for", "the ssh program", "it is not installed, or not in PATH",
                 "install it: apt install openssh-client, dnf install openssh-clients, or ask your administrator"};
  HOLDFAST_TRY(const os::Completed said, host.run(os::Command{{program->native(), "-V"}}, k_version_deadline));
  if (!said.ok())
    return Error{"asking the version of", program->native(),
                 said.timed_out ? "it did not answer" : "it ended with status " + std::to_string(said.exit_code),
                 "run ssh -V to see why"};
  HOLDFAST_TRY(const Version version, parse_version(said.err.empty() ? said.out : said.err));
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

std::vector<std::string> master_arguments(const Client& client, const Tunnel& tunnel, const Session& session) {
  const bool by_arguments = session.forwards == ForwardsBy::arguments;
  std::vector<std::string> argv{client.program.native(), "-N"};
  // -M and ControlMaster=yes together would mean "ask": so -M alone, which the first-wins rule makes final.
  if (!by_arguments) argv.emplace_back("-M");
  for (const std::string& word :
       {std::string("-S"), control_argument(session.control), std::string("-E"), session.log.native()})
    argv.push_back(word);
  if (by_arguments) option(argv, "ControlMaster", "auto");
  for (const SshOption& own : session.extra) option(argv, own.key, own.value);

  option(argv, "BatchMode", "yes");
  option(argv, "ExitOnForwardFailure", "yes");
  option(argv, "ServerAliveInterval", "15");
  option(argv, "ServerAliveCountMax", "3");
  option(argv, "ConnectTimeout", "10");
  if (!by_arguments) option(argv, "ClearAllForwardings", "yes");
  option(argv, "PermitLocalCommand", "no");
  option(argv, "ControlPersist", "no");
  option(argv, "LogLevel", session.verbose ? "DEBUG1" : "INFO");
  option(argv, "StrictHostKeyChecking", "yes");  // what "ask" means in batch mode; never a user's "no"
  option(argv, "Tunnel", "no");                  // a forward too, of a network device
  if (client.version >= Version{7, 6}) option(argv, "RemoteCommand", "none");
  if (client.version >= Version{8, 7}) option(argv, "ForkAfterAuthentication", "no");
  if (tunnel->run_as) option(argv, "UpdateHostKeys", "no");  // the system scope writes nothing into a home
  if (const auto known = known_hosts_option(tunnel)) argv.insert(argv.end(), {"-o", *known});
  if (tunnel->identity) {
    const std::string& path = tunnel->identity->native();
    option(argv, "IdentitiesOnly", "yes");
    // -i looks for the file before it expands tokens, so a name with '%' cannot be given by it.
    if (path.find('%') == std::string::npos) {
      argv.emplace_back("-i");
      argv.push_back(path);
    } else {
      option(argv, "IdentityFile", file_value(*tunnel->identity));
    }
  }
  for (const SshOption& own : tunnel->ssh_options) option(argv, own.key, own.value);
  if (!names_option(tunnel, "PreferredAuthentications")) option(argv, "PreferredAuthentications", "publickey");
  if (by_arguments) {
    for (const Forward& forward : tunnel->forwards) {
      argv.emplace_back("-R");
      argv.push_back(forward.text());
    }
  }
  if (tunnel->bastion.port()) {
    argv.emplace_back("-p");
    argv.push_back(std::to_string(*tunnel->bastion.port()));
  }
  argv.emplace_back("--");
  argv.push_back(tunnel->bastion.ssh_argument());
  return argv;
}

os::Environment job_environment(const os::Host& host, const os::User& user) {
  constexpr const char* k_default_path = "/usr/local/bin:/usr/bin:/bin";
  os::Environment environment{{"HOME", user.home.native()}, {"LANG", "C.UTF-8"}, {"PATH", k_default_path}};
  if (!user.name.empty()) {
    environment["USER"] = user.name;
    environment["LOGNAME"] = user.name;
  }
  if (host.user().uid != user.uid) return environment;  // our own PATH and XDG_* say nothing of another user
  for (const char* name :
       {"PATH", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"}) {
    const auto value = host.env(name);
    if (value && !value->empty() && !has_control_bytes(*value)) environment[name] = *value;
  }
  return environment;
}

}  // namespace holdfast::ssh
