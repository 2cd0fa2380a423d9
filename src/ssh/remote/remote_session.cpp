#include "ssh/remote/remote_session.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace holdfast::ssh {
namespace {

constexpr std::string_view k_marker = "holdfast-session";

// One line without quotes, backslashes and exclamation marks, so that every login shell passes it on unchanged. `exec`
// makes sshd the parent of the shell. Uses only POSIX sh and /proc: works with dash, busybox, ksh and bash.
//
// load PID reads name, parent and start time of a process; the name may contain blanks and brackets, so it ends at the
// last bracket. The script never ends its own session, a process other than sshd, or one of another user. With hidepid
// it finds no process and does nothing.
constexpr std::string_view k_script =
    "set -f; PATH=/usr/bin:/bin:/usr/sbin:/sbin; export PATH; w=holdfast-session; me=$(id -u); "
    "load() { l=; { read -r l < /proc/$1/stat; } 2>/dev/null; [ \"$l\" ] || return 1; "
    "name=${l#*[(]}; name=${name%[)]*}; set -- ${l##*[)]}; up=$2; start=${20}; }; "
    "sshd() { case $name in sshd|sshd-session) return 0;; esac; return 1; }; "
    "mine() { { while read -r k real eff rest; do case $k in Uid:) [ $real = $me ] && [ $eff = $me ]; return;; esac; "
    "done < /proc/$1/status; } 2>/dev/null; return 1; }; "
    "same() { load $1 && sshd && [ $start = $2 ] && mine $1; }; "
    "{ read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null || exit 0; "
    "own=$PPID; until load $own && sshd; do own=${up:-0}; up=; [ $own -gt 1 ] || exit 0; done; "
    "[ $# = 3 ] || { echo $w $boot $own $start; exit 0; }; "
    "[ $boot = $1 ] || { echo $w elsewhere; exit 0; }; "
    "[ $own = $2 ] && { echo $w refused; exit 0; }; "
    "same $2 $3 || { echo $w gone; exit 0; }; "
    "for s in TERM TERM KILL; do kill -$s $2 2>/dev/null; for t in 0.1 0.2 0.4; do "
    "sleep $t 2>/dev/null || sleep 1; same $2 $3 || { echo $w ended; exit 0; }; done; done; "
    "echo $w refused";

/// The fields of the last line that begins with the marker; start-up files may print anything before it.
std::optional<std::vector<std::string>> find_answer(std::string_view output) {
  std::optional<std::vector<std::string>> answer;
  for (const std::string& line : split(output, '\n')) {
    auto fields = split(line, ' ');
    if (fields.size() < 2 || fields.front() != k_marker) continue;
    fields.erase(fields.begin());
    answer = std::move(fields);
  }
  return answer;
}

}  // namespace

std::optional<RemoteSession> remote_session_from(std::string_view boot, std::string_view pid, std::string_view start) {
  constexpr std::size_t k_boot_id = 36;
  constexpr std::size_t k_digits = 20;            // of 2^64
  constexpr std::uint32_t k_highest = 1U << 22U;  // PID_MAX_LIMIT, proc_sys_kernel(5)
  const auto number = parse_number(pid, 2, k_highest);
  if (!number || boot.size() != k_boot_id || start.empty() || start.size() > k_digits ||
      boot.find_first_not_of("0123456789abcdef-") != std::string_view::npos ||
      start.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return RemoteSession{std::string(boot), *number, std::string(start)};
}

std::vector<std::string> remote_command_line(const Client& client, const fs::path& control, const Destination& bastion,
                                             const std::optional<RemoteSession>& stale) {
  std::string command = fmt::format("exec /bin/sh -c '{}' holdfast", k_script);
  if (stale) command += fmt::format(" {} {} {}", stale->boot, stale->pid, stale->start);
  // The user's configuration is irrelevant for a client of the master.
  std::vector<std::string> argv{client.program.native(),  "-n", "-T", "-F", "/dev/null", "-S",
                                control_argument(control)};
  // When the master refuses the session, ssh would log in itself; ProxyCommand=false prevents that.
  for (const char* option : {"ControlMaster=no", "ProxyCommand=false", "BatchMode=yes", "LogLevel=ERROR"}) {
    argv.emplace_back("-o");
    argv.emplace_back(option);
  }
  argv.emplace_back("--");
  argv.push_back(bastion.ssh_argument());
  argv.push_back(std::move(command));
  return argv;
}

std::optional<RemoteSession> parse_remote_session(std::string_view output) {
  const auto answer = find_answer(output);
  if (!answer || answer->size() != 3) return std::nullopt;
  return remote_session_from((*answer)[0], (*answer)[1], (*answer)[2]);
}

TakeoverResult parse_takeover_result(std::string_view output) {
  const auto answer = find_answer(output);
  if (!answer || answer->size() != 1) return TakeoverResult::not_run;
  if (answer->front() == "ended") return TakeoverResult::ended;
  if (answer->front() == "gone") return TakeoverResult::gone;
  if (answer->front() == "elsewhere") return TakeoverResult::elsewhere;
  return answer->front() == "refused" ? TakeoverResult::refused : TakeoverResult::not_run;
}

}  // namespace holdfast::ssh
