// The login hook: its text in each shell, the files it goes into, and what it does for what a tunnel survives.
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
  /// As install_hook() would leave its first file.
  void install(Shell shell) {
    const auto plan = install_hook(shell, paths, host).value();
    const auto& edit = std::get<EditBlock>(plan.front());
    host.put(edit.file, with_block("", edit.label, *edit.lines));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(login_hook, Login)

BOOST_AUTO_TEST_CASE(what_it_says_to_each_shell) {
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

BOOST_AUTO_TEST_CASE(a_template_of_the_users_wins) {
  host.put(paths.templates / "hook.sh", "exec @PROGRAM@ ensure --user -v\n");
  BOOST_TEST(text(Shell::sh) == marked(k_hook_label, "exec '/home/ann/.local/bin/holdfast' ensure --user -v\n"));
}

BOOST_AUTO_TEST_CASE(it_goes_where_a_login_reads_it_and_hides_no_other_file) {
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

BOOST_AUTO_TEST_CASE(the_login_shell_is_the_one_that_logins_get) {
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

BOOST_AUTO_TEST_CASE(with_it_what_only_ensure_starts_again_is_back_at_the_next_login) {
  host.environment["SHELL"] = "/bin/bash";
  const auto job = user_job(host);
  for (const auto* backend : {&nohup_backend(), &tmux_backend(), &screen_backend()}) {
    host.forget("/home/ann/.profile");
    BOOST_TEST(backend->survives(job, host).reboot.text() == "no");
    install(Shell::bash);
    BOOST_TEST(backend->survives(job, host).crash.text() == "at-login");
    BOOST_TEST(backend->survives(job, host).reboot.text() == "at-login");
    // A file that bash reads in its place hides it.
    host.put("/home/ann/.bash_profile", "");
    BOOST_TEST(backend->survives(job, host).reboot.text() == "no");
    host.forget("/home/ann/.bash_profile");
  }
}

namespace {

/// A home with tunnels of login-hook, whose shell is bash.
struct Held : Login {
  Held() {
    host.environment["SHELL"] = "/bin/bash";
    host.put("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
    host.answer("busctl get-property org.freedesktop.login1 /org/freedesktop/login1", "b false\nas 0\nas 0\n");
    put_tunnel("web");
  }
  void put_tunnel(const std::string& name, const std::string& backend = "login-hook", const std::string& of = "ws") {
    host.put(paths.tunnel_file(TunnelName::parse(name).value()),
             "port = 2222\nbastion = gate@bastion\nbackend = " + backend + "\nhost = " + of + "\n", 0600);
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

BOOST_FIXTURE_TEST_CASE(its_backend_is_nohup_and_the_hook, Held) {
  const auto job = user_job(host);
  require_outline(login_hook_backend().install(job, host), {"have in /home/ann/.profile", "have in /home/ann/.bashrc"});
  BOOST_TEST(outline(login_hook_backend().start(job, host).value()) ==
             outline(nohup_backend().start(job, host).value()));
  BOOST_TEST(outline(login_hook_backend().stop(job, host).value()) == outline(nohup_backend().stop(job, host).value()));
  BOOST_TEST(outline(login_hook_backend().restart(job, host).value()) ==
             outline(nohup_backend().restart(job, host).value()));
}

BOOST_FIXTURE_TEST_CASE(it_is_installed_while_the_hook_is_there_and_says_no_more_than_that, Held) {
  const std::vector<Job> jobs{user_job(host)};
  const auto told = [&] {
    const auto s = login_hook_backend().survives(jobs.front(), host);
    return fmt::format("{} {}/{}/{}", login_hook_backend().query(jobs, host).value().front().installed, s.crash.text(),
                       s.logout.text(), s.reboot.text());
  };
  BOOST_TEST(told() == "false no/yes/no");
  install_all();
  BOOST_TEST(told() == "true at-login/yes/at-login");
  BOOST_TEST(files_with_hook(paths, host).size() == 2U);
  host.answer("busctl get-property org.freedesktop.login1 /org/freedesktop/login1", "b true\nas 0\nas 0\n");
  BOOST_TEST(told() == "true at-login/at-login/at-login");
}

BOOST_FIXTURE_TEST_CASE(the_last_of_its_tunnels_takes_the_hook_along, Held) {
  install_all();
  require_outline(removal(), {k_unmark, "take the login hook out of /home/ann/.profile",
                              "take the login hook out of /home/ann/.bashrc"});
  put_tunnel("other", "nohup");
  BOOST_TEST(removal()->size() == 3U);
  put_tunnel("other");
  require_outline(removal(), {k_unmark});
  // The start-up files are the whole home's.
  put_tunnel("other", "login-hook", "another-host");
  require_outline(removal(), {k_unmark});
  host.put(paths.tunnel_file(TunnelName::parse("other").value()), "nonsense", 0600);
  require_outline(removal(), {k_unmark});
}

BOOST_FIXTURE_TEST_CASE(what_other_hosts_have_of_the_same_tunnel_keeps_the_hook, Held) {
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

BOOST_FIXTURE_TEST_CASE(a_hook_that_a_person_put_there_stays_theirs, Held) {
  install(Shell::bash);  // .profile alone
  const auto plan = login_hook_backend().install(user_job(host), host).value();
  BOOST_TEST(is_in_place(plan.front(), host));
  const auto& edit = std::get<EditBlock>(plan.back());
  host.put(edit.file, with_block("", edit.label, *edit.lines));
  require_outline(removal(), {k_unmark, "take the login hook out of /home/ann/.bashrc"});
  // `hook --install` makes the rest theirs too.
  for (const auto& step : install_hook(Shell::bash, paths, host).value()) {
    const auto& own = std::get<EditBlock>(step);
    host.put(own.file, with_block(host.read_file(own.file, 1 << 20).value(), own.label, *own.lines));
  }
  require_outline(removal(), {k_unmark});
}

BOOST_FIXTURE_TEST_CASE(where_the_files_cannot_be_edited_it_cannot_be_used, Held) {
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
