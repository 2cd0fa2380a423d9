// The login hook: its text for each shell, its files, and its effect on what a tunnel survives.
#include "backends/text/login_hook_text.hpp"

#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "backends/sample_job.hpp"
#include "backends/text/marked_block.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/ranges.h>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

struct Login {
  RecordedHost host;
  Login() { host.put(host.self(), "", 0755); }
  store::Paths paths = store::paths(Scope::user, host).value();

  std::string text(Shell shell) const {
    const auto made = hook_text(shell, paths, host);
    return made ? *made : made.error().line();
  }
  std::string files(Shell shell) const {
    std::vector<std::string> names;
    for (const auto& step : install_hook(shell, paths, host).value())
      names.push_back(std::get<EditBlock>(step).file.string());
    return fmt::format("{}", fmt::join(names, " "));
  }
  /// Writes the first file as install_hook() would.
  void install(Shell shell) {
    const auto plan = install_hook(shell, paths, host).value();
    const auto& edit = std::get<EditBlock>(plan.front());
    host.put(edit.file, with_block("", edit.label, *edit.lines));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(login_hook, Login)

BOOST_AUTO_TEST_CASE(each_shell_has_its_hook_text) {
  BOOST_TEST(text(Shell::sh) == R"(# >>> holdfast login hook >>>
# Starts tunnels that should be running but are not: in interactive shells only, in the background, without output.
# The subshell leaves $?, $!, variables and jobs unchanged; "&& :" keeps "set -e" from ending the shell.
case $-,$? in
  *i*,*) (
    holdfast_status=$?
    \trap '' HUP
    '/home/ann/.local/bin/holdfast' ensure --user &
    \exit "$holdfast_status"
  ) </dev/null >/dev/null 2>&1 && : ;;
  *,0) ;;
  *) (\exit "$?") && : ;;
esac
# <<< holdfast login hook <<<
)");
  BOOST_TEST(text(Shell::bash).find("\ncase ${BASHOPTS-},$-,$? in\n  *,*i*,*) (\n") != std::string::npos);
  BOOST_TEST(text(Shell::zsh).find("\n    \\setopt no_bg_nice\n") != std::string::npos);
  BOOST_TEST(text(Shell::fish).find(" '/home/ann/.local/bin/holdfast' </dev/null") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_users_template_takes_precedence) {
  host.put(paths.templates / "hook.sh", "exec @PROGRAM@ ensure --user -v\n");
  BOOST_TEST(text(Shell::sh) == marked(k_hook_label, "exec '/home/ann/.local/bin/holdfast' ensure --user -v\n"));
}

BOOST_AUTO_TEST_CASE(the_hook_goes_into_the_files_that_logins_read) {
  BOOST_TEST(files(Shell::sh) == "/home/ann/.profile");
  BOOST_TEST(files(Shell::bash) == "/home/ann/.profile /home/ann/.bashrc");
  host.put("/home/ann/.bash_login", "");
  BOOST_TEST(files(Shell::bash) == "/home/ann/.bash_login /home/ann/.bashrc");
  host.put("/home/ann/.bash_profile", "");
  BOOST_TEST(files(Shell::bash) == "/home/ann/.bash_profile /home/ann/.bashrc");
  BOOST_TEST(files(Shell::zsh) == "/home/ann/.zshrc");
  BOOST_TEST(files(Shell::fish) == "/home/ann/.config/fish/conf.d/holdfast.fish");
  host.environment["ZDOTDIR"] = "/home/ann/z";
  host.environment["ENV"] = "/home/ann/.shrc";
  BOOST_TEST(files(Shell::zsh) == "/home/ann/z/.zshrc");
  BOOST_TEST(files(Shell::sh) == "/home/ann/.profile /home/ann/.shrc");
  host.environment["ZDOTDIR"] = "z";
  host.environment["ENV"] = "$HOME/.shrc";
  BOOST_TEST(files(Shell::zsh) == "/home/ann/.zshrc");
  BOOST_TEST(files(Shell::sh) == "/home/ann/.profile");
}

BOOST_AUTO_TEST_CASE(the_login_shell_comes_from_shell_or_getent) {
  const auto shell = [&] {
    const auto found = login_shell(host);
    return found ? std::string(to_text(*found)) : found.error().cause;
  };
  BOOST_TEST(shell() == "SHELL is not set, and getent does not name one");
  host.answer("getent passwd 1000", "ann:x:1000:1000:Ann:/home/ann:/usr/bin/fish\n");
  BOOST_TEST(shell() == "fish");
  host.environment["SHELL"] = "/bin/dash";
  BOOST_TEST(shell() == "sh");
  host.environment["SHELL"] = "/opt/bin/zsh";
  BOOST_TEST(shell() == "zsh");
  host.environment["SHELL"] = "/bin/tcsh";
  BOOST_TEST(shell() == "this shell is not supported");
}

BOOST_AUTO_TEST_CASE(with_the_hook_backends_survive_at_login) {
  host.environment["SHELL"] = "/bin/bash";
  const auto job = user_job(host);
  for (const auto* backend : {&nohup_backend(), &tmux_backend(), &screen_backend()}) {
    host.forget("/home/ann/.profile");
    BOOST_TEST(backend->survives(job, host).reboot.text() == "no");
    install(Shell::bash);
    BOOST_TEST(backend->survives(job, host).crash.text() == "at-login");
    BOOST_TEST(backend->survives(job, host).reboot.text() == "at-login");
    // bash reads .bash_profile instead of .profile.
    host.put("/home/ann/.bash_profile", "");
    BOOST_TEST(backend->survives(job, host).reboot.text() == "no");
    host.forget("/home/ann/.bash_profile");
  }
}

namespace {

/// A bash user with tunnels of the login-hook backend.
struct LoginHookUser : Login {
  LoginHookUser() {
    host.environment["SHELL"] = "/bin/bash";
    host.put("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
    host.answer("busctl get-property org.freedesktop.login1 /org/freedesktop/login1", "b false\nas 0\nas 0\n");
    put_tunnel("web");
  }
  void put_tunnel(const std::string& name, const std::string& backend = "login-hook", const std::string& of = "ws") {
    host.put(paths.tunnel_file(TunnelName::parse(name).value()),
             "port = 2222\nbastion = gate@bastion\nruntime-dir = /tmp/holdfast-1000\nbackend = " + backend +
                 "\nhost = " + of + "\n",
             0600);
  }
  void install_all() {
    for (const auto& step : login_hook_backend().install(user_job(host), host).value()) {
      const auto& edit = std::get<EditBlock>(step);
      host.put(edit.file, with_block("", edit.label, *edit.lines));
    }
  }
  Result<Plan> removal() const { return login_hook_backend().remove(user_job(host).name, paths, host); }
};

const std::string k_unmark = "remove file /home/ann/.local/state/holdfast/ws/web.stopped";

}  // namespace

BOOST_FIXTURE_TEST_CASE(the_backend_is_nohup_with_the_hook, LoginHookUser) {
  const auto job = user_job(host);
  require_outline(login_hook_backend().install(job, host),
                  {"write the login hook to /home/ann/.profile", "write the login hook to /home/ann/.bashrc"});
  BOOST_TEST(outline(login_hook_backend().start(job, host).value()) ==
             outline(nohup_backend().start(job, host).value()));
  BOOST_TEST(outline(login_hook_backend().stop(job, host).value()) == outline(nohup_backend().stop(job, host).value()));
  BOOST_TEST(outline(login_hook_backend().restart(job, host).value()) ==
             outline(nohup_backend().restart(job, host).value()));
}

BOOST_FIXTURE_TEST_CASE(the_backend_is_installed_while_the_hook_exists, LoginHookUser) {
  const std::vector<Job> jobs{user_job(host)};
  const auto state = [&] {
    const auto s = login_hook_backend().survives(jobs.front(), host);
    return fmt::format("{} {}/{}/{}", login_hook_backend().query(jobs, host).value().front().installed, s.crash.text(),
                       s.logout.text(), s.reboot.text());
  };
  BOOST_TEST(state() == "false no/yes/no");
  install_all();
  BOOST_TEST(state() == "true at-login/yes/at-login");
  BOOST_TEST(login_hook_backend().query(jobs, host).value().front().problems.empty());
  BOOST_TEST(files_with_hook(paths, host).size() == 2U);
  host.answer("busctl get-property org.freedesktop.login1 /org/freedesktop/login1", "b true\nas 0\nas 0\n");
  BOOST_TEST(state() == "true at-login/at-login/at-login");
}

BOOST_FIXTURE_TEST_CASE(removing_the_last_tunnel_removes_the_hook, LoginHookUser) {
  install_all();
  require_outline(removal(), {k_unmark, "remove the login hook from /home/ann/.profile",
                              "remove the login hook from /home/ann/.bashrc"});
  put_tunnel("other", "nohup");
  BOOST_TEST(removal()->size() == 3U);
  put_tunnel("other");
  require_outline(removal(), {k_unmark});
  // Hosts that share the home share its start-up files.
  put_tunnel("other", "login-hook", "another-host");
  require_outline(removal(), {k_unmark});
  host.put(paths.tunnel_file(TunnelName::parse("other").value()), "nonsense", 0600);
  require_outline(removal(), {k_unmark});
}

BOOST_FIXTURE_TEST_CASE(a_tunnel_of_another_host_keeps_the_hook, LoginHookUser) {
  install_all();
  const std::string part = "backend = login-hook\nruntime-dir = /tmp/holdfast-1000\n";
  const auto state = paths.state.parent_path();
  host.put_directory(state / "ws");
  host.put(state / "ws/web.host", part, 0600);
  BOOST_TEST(removal()->size() == 3U);
  host.put_directory(state / "node2");
  host.put(state / "node2/web.host", part, 0600);
  require_outline(removal(), {k_unmark});
}

BOOST_FIXTURE_TEST_CASE(a_hook_installed_by_the_user_stays, LoginHookUser) {
  install(Shell::bash);  // .profile only
  const auto plan = login_hook_backend().install(user_job(host), host).value();
  BOOST_TEST(is_in_place(plan.front(), host));
  const auto& edit = std::get<EditBlock>(plan.back());
  host.put(edit.file, with_block("", edit.label, *edit.lines));
  require_outline(removal(), {k_unmark, "remove the login hook from /home/ann/.bashrc"});
  // After `hook --install` all hooks are the user's.
  for (const auto& step : install_hook(Shell::bash, paths, host).value()) {
    const auto& own = std::get<EditBlock>(step);
    host.put(own.file, with_block(host.read_file(own.file, 1 << 20).value(), own.label, *own.lines));
  }
  require_outline(removal(), {k_unmark});
}

BOOST_FIXTURE_TEST_CASE(the_backend_is_unavailable_if_files_cannot_be_edited, LoginHookUser) {
  const auto reason = [&] {
    const auto fitness = login_hook_backend().assess(host);
    return (fitness.grade == Fitness::Grade::unavailable ? "unavailable: " : "usable: ") + fitness.reason;
  };
  BOOST_TEST(reason() ==
             "usable: a background process, restarted at your next login by a hook in /home/ann/.profile, "
             "/home/ann/.bashrc");
  host.put("/home/ann/.bashrc", ":\n", 0444);
  BOOST_TEST(reason() == "unavailable: changing /home/ann/.bashrc: it is read-only");
  host.put("/home/ann/.bashrc", ":\n", 0644, 0);
  BOOST_TEST(reason() == "unavailable: changing /home/ann/.bashrc: it belongs to another user");
  host.environment["SHELL"] = "/bin/tcsh";
  BOOST_TEST(reason() ==
             "unavailable: finding the login hook for your login shell /bin/tcsh: this shell is not supported");
}

BOOST_AUTO_TEST_SUITE_END()
