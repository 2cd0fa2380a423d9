// Usage errors of setup. The recorded host refuses every change.
#include "cli/commands/setup_options.hpp"

#include "backends/recorded_host.hpp"
#include "cli/commands.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;

namespace {

struct Desk {
  RecordedHost host;
  Terminal terminal{Terminal::Traits{}};

  Result<tunnels::SetupRequest> read(const std::vector<std::string>& words) {
    Context context{host, terminal, Variables(host, {})};
    const auto options = all_options(setup_command());
    HOLDFAST_TRY(const auto arguments, parse_arguments(words, options));
    return read_setup_request(context, arguments);
  }
  /// The usage error of these arguments.
  std::string refused(const std::vector<std::string>& words) {
    const auto request = read(words);
    BOOST_REQUIRE(!request);
    BOOST_TEST(static_cast<int>(request.error().status) == 2, request.error().line());
    BOOST_TEST(!request.error().line().ends_with('.'));
    return request.error().line();
  }
  std::string refused_port(const std::string& port) { return refused({"-b", "gate@bastion", "--port=" + port}); }
  std::string refused_name(const std::string& name) {
    return refused({"-b", "gate@bastion", "-p", "2222", "--name=" + name});
  }
  std::string refused_bastion(const std::string& bastion) { return refused({"-p", "2222", "--bastion=" + bastion}); }
};

bool says(const std::string& line, const std::string& what) { return line.find(what) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(setup_request, Desk)

BOOST_AUTO_TEST_CASE(port_and_bastion_are_enough) {
  const auto request = read({"-p", "2222", "-b", "gate@bastion"}).value();
  BOOST_TEST(request.name.text() == "2222");
  BOOST_TEST(request.forwards.front().text() == "127.0.0.1:2222:localhost:22");
  BOOST_TEST(request.backend == "auto");
  BOOST_TEST(request.preflight);
  BOOST_TEST(!request.identity);
  BOOST_TEST((request.run_as == host.user()));
}

BOOST_AUTO_TEST_CASE(bad_ports_are_refused) {
  for (const char* port : {"0", "65536", "22x", "", "-1", "2222:localhost", "2222:localhost:0", "2222\n2223", " 22"})
    BOOST_TEST(says(refused_port(port), "port"), port);
  BOOST_TEST(says(refused({"-b", "gate@bastion", "-p", "2222", "-p", "127.0.0.1:2222:nas:22", "-n", "lab"}),
                  "127.0.0.1:2222 is given twice"));
}

BOOST_AUTO_TEST_CASE(bad_names_are_refused) {
  for (const auto& name : {std::string("../x"), std::string("-x"), std::string("a\nb"), std::string(65, 'a'),
                           std::string(""), std::string(".x"), std::string("a/b")})
    BOOST_TEST(says(refused_name(name), "name"), name);
  BOOST_TEST(says(refused({"-b", "gate@bastion", "-p", "/run/lab.sock"}), "option --name: it is missing"));
}

BOOST_AUTO_TEST_CASE(bad_bastions_are_refused) {
  for (const char* bastion : {"", "-oProxyCommand=touch /tmp/x", "a b", "a\nb", "a\x1b[2Jb", "user@", "host:99999",
                              "@host", "gate@-bastion", "[::1"})
    BOOST_TEST(says(refused_bastion(bastion), "bastion"), bastion);
  BOOST_TEST(says(refused({"-p", "2222"}), "option --bastion: it is missing"));
}

BOOST_AUTO_TEST_CASE(unknown_backends_and_engines_are_refused) {
  const std::vector<std::string> usual{"-p", "2222", "-b", "gate@bastion"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), usual.begin(), usual.end());
    return refused(more);
  };
  BOOST_TEST(says(with({"--backend", "slurm"}), "not available in this version"));
  BOOST_TEST(says(with({"--backend", "nonsense"}), "there is no such backend"));
  BOOST_TEST(says(with({"--engine", "nonsense"}), "there is no such engine"));
  BOOST_TEST(says(with({"--backend", "systemd-system"}), "does not run tunnels of the user scope"));
  host.environment["HOLDFAST_BACKENDS"] = "nohup,nonsense";
  BOOST_TEST(says(with({}), "HOLDFAST_BACKENDS, nonsense: there is no such backend"));
}

BOOST_AUTO_TEST_CASE(enforced_ssh_options_cannot_be_overridden) {
  for (const char* option : {"BatchMode=no", "stricthostkeychecking=no", "ControlPath=/x", "nonsense", "=x"})
    BOOST_TEST(says(refused({"-p", "2222", "-b", "gate@bastion", "--ssh-option", option}), "ssh-option"), option);
}

BOOST_AUTO_TEST_CASE(options_win_over_variables_and_new_variables_over_old) {
  host.environment["SCITEX_TUNNEL_BASTION_SERVER"] = "old@bastion";
  host.environment["SCITEX_TUNNEL_SECRET_KEY_PATH"] = "~/.ssh/old";
  BOOST_TEST(read({"-p", "2222"}).value().bastion.text() == "old@bastion");
  BOOST_TEST(read({"-p", "2222"}).value().identity->string() == "/home/ann/.ssh/old");
  host.environment["HOLDFAST_BASTION"] = "new@bastion";
  BOOST_TEST(read({"-p", "2222"}).value().bastion.text() == "new@bastion");
  const auto flags = read({"-p", "2222", "-b", "flag@bastion", "-s", "key"}).value();
  BOOST_TEST(flags.bastion.text() == "flag@bastion");
  BOOST_TEST(flags.identity->string() == "/home/ann/key");
}

BOOST_AUTO_TEST_CASE(root_must_name_the_user_of_a_system_tunnel) {
  host.me = os::User{0, 0, "root", "/root"};
  BOOST_TEST(says(refused({"-p", "2222", "-b", "gate@bastion"}), "option --run-as: it is missing"));
  host.environment["SUDO_USER"] = "root";
  BOOST_TEST(says(refused({"-p", "2222", "-b", "gate@bastion"}), "option --run-as: it is missing"));
  // The recorded name service knows no user.
  BOOST_TEST(says(refused({"-p", "2222", "-b", "gate@bastion", "--run-as", "nobody-at-all"}), "nobody-at-all"));
  BOOST_TEST(says(refused({"-p", "2222", "-b", "gate@bastion", "--user", "--run-as", "ann"}), "option --run-as"));
  BOOST_TEST((read({"-p", "2222", "-b", "gate@bastion", "--user"}).value().paths.scope == Scope::user));
}

BOOST_AUTO_TEST_CASE(only_root_sets_up_system_tunnels) {
  const auto request = read({"-p", "2222", "-b", "gate@bastion", "--system"});
  BOOST_REQUIRE(!request);
  BOOST_TEST(static_cast<int>(request.error().status) == 5);
  BOOST_TEST(request.error().line() == "setting up a tunnel of the system scope: only root can");
}

BOOST_AUTO_TEST_SUITE_END()
