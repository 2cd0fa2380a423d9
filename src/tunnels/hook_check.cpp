#include "tunnels/hook_check.hpp"

#include "core/text.hpp"
#include "os/process_id.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

namespace fs = boost::filesystem;
using std::chrono::milliseconds;

const char* const k_variable = "HOLDFAST_HOOK_CHECK";
constexpr milliseconds k_shell_timeout{10000};
constexpr milliseconds k_hook_timeout{3000};  // the hook runs in the background
constexpr milliseconds k_poll{10};

/// As sshd starts a login shell, without the variables of this one.
os::Environment login_environment(const os::Host& host) {
  auto environment = ssh::job_environment(host, host.user());
  for (const char* name : {"SHELL", "TERM", "ENV", "ZDOTDIR"})
    if (const auto value = host.env(name)) environment[name] = *value;
  return environment;
}

/// script(1) gives the shell a terminal, without which `exec fish` starts no interactive shell.
std::vector<std::string> on_terminal(const std::string& program, const os::Host& host) {
  if (!host.find_program("script")) return {program, "-l", "-i"};
  return {"script", "-q", "-c", fmt::format("exec {} -l -i", single_quoted(program)), "/dev/null"};
}

}  // namespace

Result<> check_hook(backends::Shell shell, os::Host& host) {
  std::string program(backends::to_text(shell));
  const auto login_shell = host.env("SHELL").value_or("");
  if (fs::path(login_shell).filename() == program) program = login_shell;
  const auto doing = fmt::format("{} -l -i", program);
  if (!host.find_program(program)) return Error{"checking the hook in", doing, "the shell is not installed"};
  std::vector<std::string> passed_over;
  HOLDFAST_TRY(const auto directory, store::choose_runtime_directory(host, false, passed_over));
  const auto report = directory / fmt::format(".hook.{}", os::thread_id());
  auto environment = login_environment(host);
  environment[k_variable] = report.string();
  // The shell saves no history. A line that begins with a space is not saved either, unless the user wants it.
  environment["HISTFILE"] = "/dev/null";
  environment["fish_history"] = "";
  const auto done = host.run({on_terminal(program, host), std::move(environment), " exit\n"}, k_shell_timeout);
  bool has_run = false;
  for (milliseconds waited{0}; done && !has_run && waited < k_hook_timeout; waited += k_poll) {
    has_run = host.status(report).kind != os::FileKind::missing;
    if (!has_run) host.sleep_for(k_poll);
  }
  (void)host.remove_file(report);
  (void)host.remove_empty_directory(directory);
  if (!done) return done.error();
  if (has_run) return {};
  return Error{"checking the hook in", doing,
               done->timed_out ? "the shell did not end within 10 s" : "the shell ended without running the hook",
               "find the start-up file that ends or replaces the shell, and put the output of holdfast hook above that "
               "line"};
}

bool report_to_hook_check(os::Host& host) {
  const auto report = host.env(k_variable);
  if (!report || !report->starts_with('/')) return false;
  (void)host.write_volatile_file(*report, "", 0600);
  return true;
}

}  // namespace holdfast::tunnels
