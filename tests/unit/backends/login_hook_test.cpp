// The login hook: its text in each shell, the files it goes into, and what it does for what a tunnel survives.
#include "backends/login_hook.hpp"

#include "backends/marked_block.hpp"
#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "backends/sample_job.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/ranges.h>

using namespace holdfast;
using namespace holdfast::backends;
using namespace holdfast::test;

namespace {

struct Login {
  RecordedHost host;
  store::Places places = store::places(Scope::user, host).value();

  std::string text(Shell shell) const {
    const auto made = hook_text(shell, places, host);
    return made ? *made : made.error().line();
  }
  std::string files(Shell shell) const {
    std::vector<std::string> names;
    for (const auto& step : install_hook(shell, places, host).value())
      names.push_back(std::get<EditBlock>(step).file.string());
    return fmt::format("{}", fmt::join(names, " "));
  }
  /// As install_hook() would leave its first file.
  void install(Shell shell) {
    const auto plan = install_hook(shell, places, host).value();
    const auto& edit = std::get<EditBlock>(plan.front());
    host.put(edit.file, with_block("", edit.label, *edit.lines));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(login_hook, Login)

BOOST_AUTO_TEST_CASE(what_it_says_to_each_shell) {
  BOOST_TEST(text(Shell::sh) == R"(# >>> holdfast login hook >>>
# Starts the tunnels that should run here and do not, in the background of an interactive shell; says nothing.
# The subshell keeps $?, $!, the variables and the jobs as they are; "&& :" keeps "set -e" out of it.
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
  host.put(places.templates / "hook.sh", "exec @PROGRAM@ ensure --user -v\n");
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
  BOOST_TEST(shell() == "SHELL is not set, and getent does not know it");
  host.answer("getent passwd 1000", "ann:x:1000:1000:Ann:/home/ann:/usr/bin/fish\n");
  BOOST_TEST(shell() == "fish");
  host.environment["SHELL"] = "/bin/dash";
  BOOST_TEST(shell() == "sh");
  host.environment["SHELL"] = "/opt/bin/zsh";
  BOOST_TEST(shell() == "zsh");
  host.environment["SHELL"] = "/bin/tcsh";
  BOOST_TEST(shell() == "holdfast has none for it");
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

BOOST_AUTO_TEST_SUITE_END()
