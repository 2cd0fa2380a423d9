// Hostile values: every field of a tunnel that accepts one, through every text that is made from it. A text either
// gives the exact value back to its reader, or refuses it.
#include "backends/text/crontab_text.hpp"
#include "backends/text/unit_text.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "hostile_values.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/keys/authorized_keys.hpp"
#include "store/tunnel_file.hpp"
#include "text_readers.hpp"
#include "tunnels/client_config.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::test;

namespace {

TunnelSpec spec() {
  return {TunnelName::parse("web").value(), Destination::parse("gate@bastion").value(), {*Forward::parse("2222")}};
}

/// Puts a value into one field, as the command line and the tunnel file do. False: refused.
using Field = std::function<bool(TunnelSpec&, const std::string&)>;

template <class T>
bool assign(T& field, Result<T> value) {
  if (value) field = std::move(*value);
  return value.has_value();
}

bool add_option(TunnelSpec& into, const std::string& text) {
  auto option = SshOption::parse(text);
  if (option) into.ssh_options.push_back(std::move(*option));
  return option.has_value();
}

const std::map<std::string, Field> k_fields{
    {"name", [](TunnelSpec& to, const std::string& v) { return assign(to.name, TunnelName::parse(v)); }},
    {"bastion", [](TunnelSpec& to, const std::string& v) { return assign(to.bastion, Destination::parse(v)); }},
    {"user", [](TunnelSpec& to, const std::string& v) { return assign(to.bastion, Destination::parse(v + "@h")); }},
    {"listening address",
     [](TunnelSpec& to, const std::string& v) { return assign(to.forwards[0], Forward::parse(v + ":2222:h:1")); }},
    {"target",
     [](TunnelSpec& to, const std::string& v) { return assign(to.forwards[0], Forward::parse("2:" + v + ":1")); }},
    {"socket", [](TunnelSpec& to, const std::string& v) { return assign(to.forwards[0], Forward::parse("/" + v)); }},
    {"identity", [](TunnelSpec& to, const std::string& v) { return (to.identity = "/" + v, true); }},
    {"known hosts", [](TunnelSpec& to, const std::string& v) { return (to.known_hosts = "/" + v, true); }},
    {"runtime directory", [](TunnelSpec& to, const std::string& v) { return (to.runtime_dir = "/" + v, true); }},
    {"host", [](TunnelSpec& to, const std::string& v) { return (to.host = v, true); }},
    {"machine", [](TunnelSpec& to, const std::string& v) { return (to.machine = v, true); }},
    {"run as", [](TunnelSpec& to, const std::string& v) { return (to.run_as = v, true); }},
    {"option", add_option},
    {"key of an option", [](TunnelSpec& to, const std::string& v) { return add_option(to, v + "=x"); }},
    {"value of an option", [](TunnelSpec& to, const std::string& v) { return add_option(to, "Ciphers=" + v); }},
};

/// Calls `check` with a tunnel for each pair of field and value that is accepted; returns their number.
int for_each_tunnel(const std::function<void(const Tunnel&)>& check) {
  int accepted = 0;
  for (const auto& [field, put] : k_fields)
    for (const auto& [kind, value] : k_hostile_values) {
      auto filled = spec();
      if (!put(filled, value)) continue;
      const auto tunnel = Tunnel::make(std::move(filled));
      if (!tunnel) continue;
      BOOST_TEST_CONTEXT(field << " with " << kind) check(*tunnel);
      ++accepted;
    }
  return accepted;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(injection)

BOOST_AUTO_TEST_CASE(the_arguments_of_ssh_keep_their_places) {
  const ssh::Client client{"/usr/bin/ssh", {9, 2}};
  const auto plain = ssh::master_arguments(client, Tunnel::make(spec()).value(), {"/run/c", "/run/l"});
  const int tunnels = for_each_tunnel([&](const Tunnel& tunnel) {
    const auto argv = ssh::master_arguments(client, tunnel, {"/run/c", "/run/l"});
    BOOST_REQUIRE(argv.size() >= 3);
    BOOST_TEST(argv[argv.size() - 2] == "--");  // nothing after it is an option
    BOOST_TEST(std::ranges::count(argv, "--") == 1);
    for (std::size_t i = 0; i + 2 < argv.size(); ++i) {
      BOOST_TEST(!has_control_bytes(argv[i]));
      if (argv[i].starts_with("-o") && argv[i] != "-o") BOOST_ERROR("an option was added: " + argv[i]);
    }
    // The enforced options stay, and come first.
    for (std::size_t i = 0; i < 30 && i + 2 < plain.size(); ++i) BOOST_TEST(argv[i] == plain[i]);
  });
  BOOST_TEST(tunnels > 40);
}

BOOST_AUTO_TEST_CASE(a_tunnel_file_gives_every_value_back) {
  const auto host = os::make_posix_host();
  for_each_tunnel([&](const Tunnel& tunnel) {
    const auto text = store::format_tunnel(tunnel);
    const auto read = store::parse_tunnel(tunnel->name, text, "web.conf", "/home/ann");
    BOOST_REQUIRE((read || text.size() > 65536));
    if (read) BOOST_TEST((*read == tunnel));
  });
}

BOOST_AUTO_TEST_CASE(units_and_crontabs_give_every_argument_back) {
  const ssh::Client client{"/usr/bin/ssh", {9, 2}};
  Words all;  // sh gets the words of every tunnel at once
  std::string commands;
  for_each_tunnel([&](const Tunnel& tunnel) {
    const auto argv = ssh::master_arguments(client, tunnel, {"/run/c", "/run/l"});
    if (const auto line = backends::encode_exec_line(argv)) {
      BOOST_TEST(line->find('\n') == std::string::npos);
      BOOST_TEST((systemd_reads(*line) == argv));
    }
    std::string command;
    for (const auto& word : argv) command += backends::encode_crontab_word(word).value() + ' ';
    commands += sh_gets_from_cron(command);
    all.insert(all.end(), argv.begin(), argv.end());
  });
  BOOST_TEST((sh_reads(commands) == all));
}

BOOST_AUTO_TEST_CASE(terminals_and_json_get_no_control_bytes) {
  for (const auto& [kind, value] : k_hostile_values) BOOST_TEST_CONTEXT(kind) {
      BOOST_TEST(!has_control_bytes(printable(value)));
      BOOST_TEST(is_clean(printable(value)));
      BOOST_TEST(is_clean(Error({"reading", value, value, value}).line()));
      const auto text = boost::json::serialize(boost::json::object{{"x", json_text(value)}});
      BOOST_TEST(is_clean(text));
      boost::system::error_code failed;
      const auto read = boost::json::parse(text, failed);
      BOOST_REQUIRE(!failed);
      if (is_clean(value)) BOOST_TEST((read.at("x").as_string() == value));
    }
}

BOOST_AUTO_TEST_CASE(a_line_of_authorized_keys_stays_one_line_with_its_restrictions) {
  const std::string blob = "AAAAC3NzaC1lZDI1NTE5AAAAIPPd3pTOrWmT067JZVW2mSfDW7VopPjWUdVrTUfHt5kF";
  for (const auto& [kind, value] : k_hostile_values)
    for (const auto& source :
         {"ssh-ed25519 " + blob + " " + value, value + " ssh-ed25519 " + blob, "ssh-ed25519 " + value})
      if (const auto key = ssh::PublicKey::parse(source)) {
        const auto line = ssh::authorized_line(*key, ssh::permits_for({*Forward::parse("2222")}));
        BOOST_TEST(is_clean(line), kind);
        BOOST_TEST(line.starts_with("restrict,port-forwarding,command=\"/bin/false\",permitlisten=\"127.0.0.1:2222\""),
                   kind);
        const auto other = "# " + printable(value) + "\n";
        BOOST_TEST(ssh::with_permits(other, *key, ssh::permits_for({*Forward::parse("2222")}), false)->text ==
                       other + line + "\n",
                   kind);
      }
}

BOOST_AUTO_TEST_CASE(a_block_for_a_laptop_has_only_known_settings) {
  const Words known{"HostName", "Port", "User", "ProxyJump", "HostKeyAlias"};
  const auto check = [&](const Tunnel& tunnel, const std::string& value) {
    ssh::ResolvedRoute route;
    route.hops.push_back(tunnel->bastion);
    route.proxy_commands = {value};
    std::set<std::string> aliases;
    const auto config =
        tunnels::client_config(tunnel, route, {{.speaks_ssh = true}}, {value, tunnel->host + value}, aliases);
    for (const auto& line : split(tunnels::client_config_text(config), '\n')) {
      if (!is_clean(line)) BOOST_ERROR("unsafe bytes: " << printable(line.substr(0, 200)));
      if (line.empty() || line.front() == '#' || line.starts_with("Host ")) continue;
      const auto words = split_words(line);
      const bool is_known = !words.empty() && std::ranges::find(known, words.front()) != known.end();
      if (!is_known && !line.starts_with("  # ")) BOOST_ERROR("another setting: " << line.substr(0, 200));
    }
  };
  for_each_tunnel([&](const Tunnel& tunnel) { check(tunnel, "x"); });
  for (const auto& [kind, value] : k_hostile_values)
    BOOST_TEST_CONTEXT(kind) check(Tunnel::make(spec()).value(), value);
}

BOOST_AUTO_TEST_SUITE_END()
