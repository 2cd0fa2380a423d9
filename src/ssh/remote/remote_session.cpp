#include "ssh/remote/remote_session.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace holdfast::ssh {
namespace {

constexpr std::string_view k_word = "holdfast-far-session";

// One line for whichever login shell there is: no quote, backslash or exclamation mark in it, and `exec`, so that the
// shell of ours has sshd for its parent. POSIX sh and the kernel's files alone: dash, busybox, ksh and bash do.
//
// look PID reads name, parent and start of a process; the name may hold blanks and brackets, so it is cut at the last
// bracket. The session that this very command runs in is never ended; nor is what is no sshd, or not of this user.
// Without the right to see processes (hidepid) nothing is found and nothing is done.
constexpr std::string_view k_script =
    "set -f; PATH=/usr/bin:/bin:/usr/sbin:/sbin; export PATH; w=holdfast-far-session; me=$(id -u); "
    "look() { l=; { read -r l < /proc/$1/stat; } 2>/dev/null; [ \"$l\" ] || return 1; "
    "name=${l#*[(]}; name=${name%[)]*}; set -- ${l##*[)]}; up=$2; start=${20}; }; "
    "sshd() { case $name in sshd|sshd-session) return 0;; esac; return 1; }; "
    "mine() { { while read -r k real eff rest; do case $k in Uid:) [ $real = $me ] && [ $eff = $me ]; return;; esac; "
    "done < /proc/$1/status; } 2>/dev/null; return 1; }; "
    "same() { look $1 && sshd && [ $start = $2 ] && mine $1; }; "
    "{ read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null || exit 0; "
    "own=$PPID; until look $own && sshd; do own=${up:-0}; up=; [ $own -gt 1 ] || exit 0; done; "
    "[ $# = 3 ] || { echo $w $boot $own $start; exit 0; }; "
    "[ $boot = $1 ] || { echo $w elsewhere; exit 0; }; "
    "[ $own = $2 ] && { echo $w refused; exit 0; }; "
    "same $2 $3 || { echo $w gone; exit 0; }; "
    "for s in TERM TERM KILL; do kill -$s $2 2>/dev/null; for t in 0.1 0.2 0.4; do "
    "sleep $t 2>/dev/null || sleep 1; same $2 $3 || { echo $w ended; exit 0; }; done; done; "
    "echo $w refused";

/// The last line that begins with our word, without it: start-up files may print anything before.
std::optional<std::vector<std::string>> answer_in(std::string_view said) {
  std::optional<std::vector<std::string>> answer;
  for (const std::string& line : split(said, '\n')) {
    auto words = split(line, ' ');
    if (words.size() < 2 || words.front() != k_word) continue;
    words.erase(words.begin());
    answer = std::move(words);
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
  // Nothing of the user's settings is needed to talk to the master.
  std::vector<std::string> argv{client.program.native(),  "-n", "-T", "-F", "/dev/null", "-S",
                                control_argument(control)};
  // Where the master refuses the session ssh would go on with a login of its own: that way is closed.
  for (const char* option : {"ControlMaster=no", "ProxyCommand=false", "BatchMode=yes", "LogLevel=ERROR"}) {
    argv.emplace_back("-o");
    argv.emplace_back(option);
  }
  argv.emplace_back("--");
  argv.push_back(bastion.ssh_argument());
  argv.push_back(std::move(command));
  return argv;
}

std::optional<RemoteSession> parse_remote_session(std::string_view said) {
  const auto answer = answer_in(said);
  if (!answer || answer->size() != 3) return std::nullopt;
  return remote_session_from((*answer)[0], (*answer)[1], (*answer)[2]);
}

TakeoverResult parse_takeover_result(std::string_view said) {
  const auto answer = answer_in(said);
  if (!answer || answer->size() != 1) return TakeoverResult::not_run;
  if (answer->front() == "ended") return TakeoverResult::ended;
  if (answer->front() == "gone") return TakeoverResult::gone;
  if (answer->front() == "elsewhere") return TakeoverResult::elsewhere;
  return answer->front() == "refused" ? TakeoverResult::refused : TakeoverResult::not_run;
}

}  // namespace holdfast::ssh
