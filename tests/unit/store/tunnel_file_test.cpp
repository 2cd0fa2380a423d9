#include "store/tunnel_file.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::store;
namespace data = boost::unit_test::data;

namespace {

const TunnelName k_name = *TunnelName::parse("2222");

Result<Tunnel> parse(std::string_view text, const std::string& home = "/home/a") {
  return parse_tunnel(k_name, text, "t.conf", home);
}

TunnelSpec a_spec() { return TunnelSpec{k_name, *Destination::parse("gate@bastion:2200"), {*Forward::parse("2222")}}; }

struct Bad {
  std::string text;
  std::string subject;  // of the error
  std::string cause;    // part of the cause
};
std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.text.substr(0, 80); }

const std::string k_ok = "port = 2222\nbastion = gate@b\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(tunnel_file)

BOOST_AUTO_TEST_CASE(a_written_tunnel_reads_back_equal) {
  TunnelSpec spec = a_spec();
  spec.forwards.push_back(*Forward::parse("[::1]:2223:[::1]:80"));
  spec.forwards.push_back(*Forward::parse("/run/x y#.sock:/tmp/#b.sock"));
  spec.identity = "/home/a b/\"key\" #1\\";
  spec.backend = "systemd-user";
  spec.engine = Engine::autossh;
  spec.host = "ws.example";
  spec.ssh_options = {*SshOption::parse("ProxyCommand=nc -x \"p #1\" %h %p"), *SshOption::parse("Ciphers=a=b,c"),
                      *SshOption::parse("Tag=\"quoted\"")};
  spec.run_as = "alice";
  spec.known_hosts = "/home/a/ known ";
  spec.runtime_dir = "/tmp/holdfast-1000";
  spec.probe_interval = std::chrono::seconds(10);
  const Tunnel tunnel = *Tunnel::make(spec);
  const auto again = parse(format_tunnel(tunnel));
  BOOST_REQUIRE_MESSAGE(again, again.error().line());
  BOOST_TEST((*again == tunnel));
}

BOOST_AUTO_TEST_CASE(several_bastions_keep_their_order_on_one_line) {
  TunnelSpec spec = a_spec();
  spec.fallbacks = {*Destination::parse("gate@second"), *Destination::parse("[2001:db8::1]:22")};
  const Tunnel tunnel = *Tunnel::make(spec);
  const auto text = format_tunnel(tunnel);
  BOOST_TEST(text.ends_with("\nbastion = gate@bastion:2200, gate@second, [2001:db8::1]:22\n"));
  const auto again = parse(text);
  BOOST_REQUIRE_MESSAGE(again, again.error().line());
  BOOST_TEST((*again == tunnel));
  BOOST_TEST(tunnel.via_bastion(1)->bastion.text() == "gate@second");
  BOOST_TEST(tunnel.via_bastion(1).bastions() == 1U);
  BOOST_TEST(!parse(text + "engine = autossh\n"));  // autossh supports one bastion
}

BOOST_AUTO_TEST_CASE(a_target_that_may_be_down_is_kept) {
  TunnelSpec spec = a_spec();
  BOOST_TEST(format_tunnel(*Tunnel::make(spec)).find("allow-target-down") == std::string::npos);
  spec.allow_target_down = true;
  const Tunnel tunnel = *Tunnel::make(spec);
  const auto again = parse(format_tunnel(tunnel));
  BOOST_REQUIRE_MESSAGE(again, again.error().line());
  BOOST_TEST((*again == tunnel));
}

BOOST_AUTO_TEST_CASE(takeover_is_written_only_when_set) {
  TunnelSpec spec = a_spec();
  BOOST_TEST(format_tunnel(*Tunnel::make(spec)).find("takeover") == std::string::npos);
  spec.takeover = true;
  const Tunnel tunnel = *Tunnel::make(spec);
  const auto again = parse(format_tunnel(tunnel));
  BOOST_REQUIRE_MESSAGE(again, again.error().line());
  BOOST_TEST((*again == tunnel));
  const auto refused = parse(k_ok + "takeover = no\n");
  BOOST_REQUIRE_MESSAGE(refused, refused.error().line());
  BOOST_TEST(!(*refused)->takeover);
}

BOOST_AUTO_TEST_CASE(an_unusual_keepalive_is_kept) {
  TunnelSpec spec = a_spec();
  BOOST_TEST(format_tunnel(*Tunnel::make(spec)).find("keepalive") == std::string::npos);
  spec.keepalive = std::chrono::seconds(20);
  const Tunnel tunnel = *Tunnel::make(spec);
  const auto again = parse(format_tunnel(tunnel));
  BOOST_REQUIRE_MESSAGE(again, again.error().line());
  BOOST_TEST((*again == tunnel));
}

BOOST_AUTO_TEST_CASE(a_spread_is_written_only_when_set) {
  TunnelSpec spec = a_spec();
  BOOST_TEST(format_tunnel(*Tunnel::make(spec)).find("spread") == std::string::npos);
  for (const int seconds : {0, 6}) {
    spec.spread = std::chrono::seconds(seconds);
    const Tunnel tunnel = *Tunnel::make(spec);
    const auto again = parse(format_tunnel(tunnel));
    BOOST_REQUIRE_MESSAGE(again, again.error().line());
    BOOST_TEST((*again == tunnel));
  }
}

BOOST_AUTO_TEST_CASE(default_values_are_written_plainly) {
  const auto text = format_tunnel(*Tunnel::make(a_spec()));
  BOOST_TEST(text.find("\nport = 127.0.0.1:2222:localhost:22\n") != std::string::npos);
  BOOST_TEST(text.ends_with("\nbastion = gate@bastion:2200\n"));
}

BOOST_AUTO_TEST_CASE(a_truncated_file_never_reads_as_another_tunnel) {
  TunnelSpec spec = a_spec();
  spec.identity = "/home/a/.ssh/id_ed25519";
  spec.host = "ws";
  spec.ssh_options = {*SshOption::parse("Compression=yes")};
  const std::string whole = format_tunnel(*Tunnel::make(spec));
  for (std::size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST(!parse(whole.substr(0, size)), "cut after " << size << " bytes it was accepted");
}

BOOST_AUTO_TEST_CASE(a_file_written_by_hand_may_have_loose_formatting) {
  const auto tunnel = parse(
      "\xEF\xBB\xBF# mine\r\n\r\n  port=2222   # ssh\r\n\tport = 8080:localhost:80\r\nbastion   =   gate@b\r\n"
      "identity = ~/.ssh/k#1\r\nprobe_interval = 30 s\r\nknown_hosts = /a/b\r\nssh_option = Compression = yes\r\n");
  BOOST_REQUIRE_MESSAGE(tunnel, tunnel.error().line());
  BOOST_TEST((*tunnel)->forwards.size() == 2U);
  BOOST_TEST((*tunnel)->identity->native() == "/home/a/.ssh/k#1");
  BOOST_TEST((*tunnel)->probe_interval.count() == 30);
  BOOST_TEST((*tunnel)->known_hosts->native() == "/a/b");
  BOOST_TEST((*tunnel)->ssh_options.at(0).value == "yes");
}

BOOST_AUTO_TEST_CASE(secret_key_is_an_alias_of_identity) {
  BOOST_TEST((*parse(k_ok + "secret-key = /k\n"))->identity->native() == "/k");
  BOOST_TEST(!parse(k_ok + "secret-key = /k\nidentity = /k\n"));
}

BOOST_DATA_TEST_CASE(
    every_error_names_file_line_and_key,
    data::make(std::vector<Bad>{
        {"", "t.conf", "empty"},
        {" \n\r\n\t\n", "t.conf", "empty"},
        {std::string(512, '\0'), "t.conf line 1", "NUL"},
        {"port = 2222\n" + std::string(9, '\0') + "\n", "t.conf line 2", "NUL"},
        {"port = 2222\nbastion = b\x1b[2J\n", "t.conf line 2", "control"},
        {"bastion = b\n", "t.conf", "key port is missing"},
        {"port = 2222\n", "t.conf", "key bastion is missing"},
        {"port = 2222\nbastion = gate@b", "t.conf line 2", "cut short"},
        {k_ok + "[extra]\n", "t.conf line 3", "section"},
        {k_ok + "= x\n", "t.conf line 3", "no key"},
        {k_ok + "colour = red\n", "t.conf line 3, colour", "unknown key"},
        {k_ok + "Port = 1\n", "t.conf line 3, Port", "unknown key"},
        {k_ok + "just words\n", "t.conf line 3", "KEY = VALUE"},
        {k_ok + "bastion = c\n", "t.conf line 3, bastion", "line 2 already"},
        {k_ok + "probe_interval = 60\nprobe-interval = 60\n", "t.conf line 4, probe-interval", "line 3 already"},
        {k_ok + "identity =\n", "t.conf line 3, identity", "missing"},
        {k_ok + "identity = # nothing\n", "t.conf line 3, identity", "missing"},
        {k_ok + "identity = \"/a\n", "t.conf line 3, identity", "no closing"},
        {k_ok + "identity = \"/a\" b\n", "t.conf line 3, identity", "follows"},
        {k_ok + "identity = \"/a\\n\"\n", "t.conf line 3, identity", "backslash"},
        {k_ok + "identity = .ssh/id\n", "t.conf line 3, identity", "/ or ~/"},
        {k_ok + "identity = ~bob/id\n", "t.conf line 3, identity", "~USER"},
        {k_ok + "known_hosts = kh\n", "t.conf line 3, known-hosts", "absolute"},
        {k_ok + "runtime_dir = run\n", "t.conf line 3, runtime-dir", "absolute"},
        {k_ok + "runtime_dir = /" + std::string(79, 'x') + "\n", "t.conf line 3, runtime-dir", "90"},
        {k_ok + "port = 65536\n", "t.conf line 3, port", "65536"},
        {k_ok + "port = 2222\n", "t.conf", "given twice"},
        {"port = 22x\nbastion = b\n", "t.conf line 1, port", "22x"},
        {"port = 2222\nbastion = -oProxyCommand=x\n", "t.conf line 2, bastion", "option"},
        {"port = 2222\nbastion = a b\n", "t.conf line 2, bastion", "space"},
        {k_ok + "takeover = maybe\n", "t.conf line 3, takeover", "yes or no"},
        {k_ok + "engine = autossh\ntakeover = yes\n", "t.conf line 4, takeover", "autossh does not support"},
        {k_ok + "keepalive = 4\n", "t.conf line 3, keepalive", "5 to 300"},
        {k_ok + "keepalive = 301s\n", "t.conf line 3, keepalive", "5 to 300"},
        {k_ok + "engine = autossh\nkeepalive = 20\n", "t.conf line 4, keepalive", "autossh does not support"},
        {k_ok + "spread = 7\n", "t.conf line 3, spread", "0 to 6"},
        {k_ok + "spread = -1\n", "t.conf line 3, spread", "0 to 6"},
        {k_ok + "spread = 0.2\n", "t.conf line 3, spread", "0 to 6"},
        {k_ok + "engine = autossh\nspread = 6\n", "t.conf line 4, spread", "autossh does not support"},
        {k_ok + "probe_interval = 9\n", "t.conf line 3, probe-interval", "10 to 3600"},
        {k_ok + "probe_interval = s\n", "t.conf line 3, probe-interval", "10 to 3600"},
        {k_ok + "probe_interval = 1m\n", "t.conf line 3, probe-interval", "10 to 3600"},
        {k_ok + "engine = perl\n", "t.conf line 3, engine", "native"},
        {k_ok + "backend = ../x\n", "t.conf line 3, backend", "backend"},
        {k_ok + "host = a b\n", "t.conf line 3, host", "host name"},
        {k_ok + "run-as = root:0\n", "t.conf line 3, run-as", "user name"},
        {k_ok + "ssh-option = Compression=yes\nssh-option = BatchMode=no\n", "t.conf line 4, ssh-option", "overridden"},
        {k_ok + std::string(70000, '#') + "\n", "t.conf", "more than"},
    })) {
  const auto tunnel = parse(sample.text);
  BOOST_REQUIRE(!tunnel);
  const Error& error = tunnel.error();
  BOOST_TEST(error.doing == "reading");
  BOOST_TEST(error.subject.starts_with(sample.subject), error.line());
  BOOST_TEST(error.cause.find(sample.cause) != std::string::npos, error.line());
  BOOST_TEST((error.status == ExitStatus::failed));
}

BOOST_AUTO_TEST_CASE(without_a_home_a_tilde_is_an_error) { BOOST_TEST(!parse(k_ok + "identity = ~/k\n", "")); }

BOOST_AUTO_TEST_CASE(replacing_the_backend_changes_only_two_lines) {
  const std::string text =
      "# my way home\r\nport=2222 # ssh\n\nbackend = cron # for now\n  runtime_dir = /run/user/1/holdfast\n"
      "# the end\nbastion = b\n";
  auto spec = parse(text).value().spec();
  spec.backend = "tmux";
  spec.runtime_dir = "/tmp/hold fast";
  const auto wanted = Tunnel::make(spec).value();
  const auto moved = replace_backend(text, wanted);
  BOOST_TEST(moved ==
             "# my way home\r\nport=2222 # ssh\n\nbackend = tmux\nruntime-dir = /tmp/hold fast\n"
             "# the end\nbastion = b\n");
  BOOST_TEST((parse(moved).value() == wanted));
}

BOOST_AUTO_TEST_CASE(a_missing_backend_line_is_inserted_before_the_last_line) {
  auto spec = parse("# mine\nport = 2222\nbastion = b\n").value().spec();
  spec.backend = "tmux";
  const auto wanted = Tunnel::make(spec).value();
  const auto moved = replace_backend("# mine\nport = 2222\nbastion = b\n", wanted);
  BOOST_TEST(moved == "# mine\nbackend = tmux\nport = 2222\nbastion = b\n");
  BOOST_TEST((parse(moved).value() == wanted));
}

BOOST_AUTO_TEST_SUITE_END()
