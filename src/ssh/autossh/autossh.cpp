#include "ssh/autossh/autossh.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_version_deadline{10};

std::string install_command(const os::Host& host) {
  constexpr std::array<std::pair<const char*, const char*>, 8> k_tools{{{"apt-get", "apt-get install autossh"},
                                                                        {"dnf", "dnf install autossh"},
                                                                        {"yum", "yum install autossh"},
                                                                        {"zypper", "zypper install autossh"},
                                                                        {"pacman", "pacman -S autossh"},
                                                                        {"apk", "apk add autossh"},
                                                                        {"xbps-install", "xbps-install autossh"},
                                                                        {"emerge", "emerge net-misc/autossh"}}};
  for (const auto& [tool, command] : k_tools)
    if (host.find_program(tool)) return (host.user().uid == 0 ? "" : "sudo ") + std::string(command);
  return "install autossh from https://www.harding.motd.ca/autossh/";
}

/// An autossh in PATH that is not executable.
std::optional<fs::path> unusable_autossh(const os::Host& host) {
  for (const auto& directory : split(host.env("PATH").value_or(""), ':')) {
    if (directory.empty() || directory.front() != '/') continue;
    const fs::path candidate = fs::path(directory) / "autossh";
    if (host.status(candidate).kind != os::FileKind::missing) return candidate;
  }
  return std::nullopt;
}

// "2026/11/22 22:40:01 autossh[1234]: starting ssh (count 1)"
std::string_view without_prefix(std::string_view line) {
  const auto end = line.find("]: ");
  const auto begin = line.find('[');
  return end == std::string_view::npos || begin > end ? line : line.substr(end + 3);
}

std::optional<std::uint32_t> number_after(std::string_view text, std::string_view start) {
  if (!text.starts_with(start)) return std::nullopt;
  text.remove_prefix(start.size());
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  return parse_number(text.substr(0, end), 0, std::numeric_limits<std::int32_t>::max());
}

// "ssh exited on signal 9; …", "ssh exited with error status 255; …", autossh.c
std::optional<int> exit_code_in(std::string_view text) {
  if (const auto signal = number_after(text, "ssh exited on signal "); signal && *signal <= 64)
    return 128 + static_cast<int>(*signal);
  const auto at = text.find("status ");
  if (at == std::string_view::npos) return std::nullopt;
  if (const auto status = number_after(text.substr(at), "status ")) return static_cast<int>(*status);
  return std::nullopt;
}

}  // namespace

Result<fs::path> find_autossh(const os::Host& host) {
  const auto program = host.find_program("autossh");
  if (!program) {
    if (const auto file = unusable_autossh(host))
      return Error{"using", file->native(), "it is not executable", "chmod +x, or " + install_command(host)};
    return Error{"looking for", "the autossh program", "it is not installed, or not in PATH", install_command(host)};
  }
  auto done = host.run(os::Command{{program->native(), "-V"}, job_environment(host, host.user())}, k_version_deadline);
  if (!done) return std::move(done).error();
  if (!done->ok() || !done->out.starts_with("autossh "))
    return Error{"reading the version of", program->native(),
                 done->timed_out ? "autossh -V did not answer"
                                 : "it is not autossh: -V exited with status " + std::to_string(done->exit_code),
                 install_command(host)};
  return *program;
}

std::vector<std::string> autossh_arguments(const fs::path& autossh, const Client& client, const Tunnel& tunnel,
                                           const fs::path& control, const fs::path& log) {
  const auto ssh = master_arguments(
      client, tunnel,
      Session{.control = control, .log = log, .verbose = false, .extra = {}, .forwards = ForwardsBy::arguments});
  // No monitor port, which would open forwards of its own: the end-to-end probe replaces it.
  std::vector<std::string> argv{autossh.native(), "-M", "0"};
  for (auto word = ssh.begin() + 1; word != ssh.end(); ++word) {
    if (*word == "--" && word + 2 == ssh.end()) argv.emplace_back("--");
    argv.push_back(*word);
  }
  return argv;
}

os::Environment autossh_environment(os::Environment base, const Client& client, const fs::path& log) {
  base["AUTOSSH_GATETIME"] = "0";
  base["AUTOSSH_LOGFILE"] = log.native();
  base["AUTOSSH_LOGLEVEL"] = "7";  // the delay is a debug message, syslog(3)
  base["AUTOSSH_PATH"] = client.program.native();
  return base;
}

AutosshLine read_autossh_line(std::string_view line) {
  const std::string_view text = without_prefix(line);
  AutosshLine result{
      .kind = AutosshLine::Kind::other, .pid = 0, .wait = {}, .exit_code = {}, .text = std::string(text)};
  if (const auto pid = number_after(text, "ssh child pid is "); pid && *pid > 1) {
    result.kind = AutosshLine::Kind::ssh_started;
    result.pid = static_cast<pid_t>(*pid);
  } else if (text.starts_with("ssh exited ")) {
    result.kind = AutosshLine::Kind::ssh_ended;
    result.exit_code = exit_code_in(text);
  } else if (const auto span = number_after(text, "sleeping for grace time ")) {
    result.kind = AutosshLine::Kind::sleeping;
    result.wait = std::chrono::seconds(*span);
  } else if (constexpr std::array<std::string_view, 6> k_details{"check on child ", "set alarm for ", "expired child",
                                                                 "checking for grace period", "clear alarm timer",
                                                                 "received SIGALRM"};
             std::ranges::any_of(k_details, [&](std::string_view start) { return text.starts_with(start); }) ||
             text.find(" execing ") != std::string_view::npos) {
    result.kind = AutosshLine::Kind::detail;
  }
  return result;
}

Result<> check_for_autossh(const Tunnel& tunnel) {
  for (const Forward& forward : tunnel->forwards)
    for (const End* end : {&forward.listen(), &forward.target()})
      if (const auto* socket = std::get_if<SocketEnd>(end);
          socket != nullptr && !consists_of(socket->path, "/._-+=,@~"))
        return usage_error("option --port " + forward.short_text(), "ssh would expand the socket path " + socket->path,
                           "use letters, digits and ._- in the path, or leave out --engine");
  if (tunnel->host == k_any_host)
    return usage_error("host = any", "autossh cannot stand by for another host", "leave out --engine");
  return {};
}

os::Command show_configuration(const Client& client, const Tunnel& tunnel, const os::Environment& environment) {
  std::vector<std::string> argv = master_arguments(
      client, tunnel,
      Session{.control = "none", .log = "/dev/null", .verbose = false, .extra = {}, .forwards = ForwardsBy::arguments});
  argv.insert(argv.begin() + 1, "-G");
  // Only forwards of the configuration are of interest.
  for (auto word = argv.begin(); word != argv.end();)
    word = *word == "-R" ? argv.erase(word, word + 2) : std::next(word);
  return {.argv = std::move(argv), .environment = environment};
}

std::vector<std::string> added_forwards(std::string_view configuration) {
  constexpr std::array<std::string_view, 3> k_keys{"localforward ", "remoteforward ", "dynamicforward "};
  std::vector<std::string> found;
  for (auto& line : split(configuration, '\n'))
    if (std::ranges::any_of(k_keys, [&](std::string_view key) { return line.starts_with(key); }))
      found.push_back(std::move(line));
  return found;
}

Error has_added_forwards(const Tunnel& tunnel, const std::vector<std::string>& forwards) {
  return Error{"using", "engine autossh",
               fmt::format("the ssh configuration for {} adds a forward that autossh cannot leave out: {}",
                           tunnel->bastion.text(), printable(forwards.empty() ? "" : forwards.front())),
               "give the bastion a Host entry without forwards, or leave out --engine"};
}

}  // namespace holdfast::ssh
