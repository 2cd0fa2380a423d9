// The line of a tunnel's key: exact, merged with existing permits, without changes to other lines.
#include "ssh/keys/authorized_keys.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::ssh;

namespace {

const std::string k_blob = "AAAAC3NzaC1lZDI1NTE5AAAAIHolds";
const PublicKey k_key{"ssh-ed25519", k_blob, "ann@ws"};
const std::string k_head = R"(restrict,port-forwarding,command="/bin/false",)";
const std::string k_other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther bob\n";

Permits permits_of(const std::vector<std::string>& ports) {
  std::vector<Forward> forwards;
  for (const auto& port : ports) forwards.push_back(Forward::parse(port).value());
  return permits_for(forwards);
}

std::string line_of(const std::vector<std::string>& ports) { return authorized_line(k_key, permits_of(ports)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(authorized_keys)

BOOST_AUTO_TEST_CASE(the_line_permits_listening_and_the_probe) {
  BOOST_TEST(line_of({"2222"}) ==
             k_head + R"(permitlisten="127.0.0.1:2222",permitopen="127.0.0.1:2222" ssh-ed25519 )" + k_blob + " ann@ws");
  // The probe of a wildcard address connects to loopback; "[::]" may listen on both families.
  BOOST_TEST(line_of({"0.0.0.0:2222", "[::]:2223"}) ==
             k_head + R"(permitlisten="0.0.0.0:2222",permitlisten="[::]:2223",)" +
                 R"(permitopen="127.0.0.1:2222",permitopen="[::1]:2223",permitopen="127.0.0.1:2223" ssh-ed25519 )" + k_blob +
                 " ann@ws");
}

BOOST_AUTO_TEST_CASE(a_tunnel_of_sockets_permits_no_usable_port) {
  BOOST_TEST(line_of({"/run/lab.sock"}).find(R"(permitlisten="127.0.0.1:1",permitopen="127.0.0.1:9" )") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_hostile_comment_stays_on_its_line) {
  BOOST_TEST(!PublicKey::parse("ssh-ed25519 " + k_blob + " a\x1b[2J\nssh-ed25519 x"));
  BOOST_TEST(!PublicKey::parse("ssh-ed25519,permitopen=\"*:*\" " + k_blob));
  BOOST_TEST(!PublicKey::parse("command=\"x\" ssh-ed25519 " + k_blob));
  BOOST_TEST(authorized_line({"ssh-ed25519", k_blob, "a\nb"}, permits_of({"22"})).find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_new_key_is_added_once_at_the_end) {
  const auto line = line_of({"2222"});
  for (const auto& [before, after] : std::vector<std::pair<std::string, std::string>>{
           {"", line + '\n'},
           {k_other, k_other + line + '\n'},
           {"# no line break at the end", "# no line break at the end\n" + line + '\n'}}) {
    const auto edit = with_permits(before, k_key, permits_of({"2222"}), false).value();
    BOOST_TEST((edit.change == KeysChange::added));
    BOOST_TEST(edit.text == after);
    const auto again = with_permits(edit.text, k_key, permits_of({"2222"}), false).value();
    BOOST_TEST((again.change == KeysChange::none));
    BOOST_TEST(again.text == after);
  }
}

BOOST_AUTO_TEST_CASE(a_second_port_extends_the_line_of_the_key) {
  const auto before = k_other + "\r\n" + line_of({"2222"}) + "\n# end";
  const auto edit = with_permits(before, k_key, permits_of({"2223"}), false).value();
  BOOST_TEST((edit.change == KeysChange::extended));
  BOOST_TEST(edit.text == k_other + "\r\n" + line_of({"2222", "2223"}) + "\n# end");
  // sshd uses only the first line of a key, so two lines become one.
  const auto pasted = line_of({"2222"}) + '\n' + k_other + line_of({"2223"}) + '\n';
  BOOST_TEST(with_permits(pasted, k_key, permits_of({"2223"}), false)->text ==
             line_of({"2222", "2223"}) + '\n' + k_other);
}

BOOST_AUTO_TEST_CASE(a_personal_line_is_kept_unless_replace_is_given) {
  for (const std::string own : {"", "restrict,", R"(command="a \" b c",)", R"(from="10.*",)",
                                R"(restrict,port-forwarding,command="/bin/false",pty,)"}) {
    const auto options = own.empty() ? own : own.substr(0, own.size() - 1) + ' ';
    const auto text = k_other + options + "ssh-ed25519 " + k_blob + " me\n";
    const auto refused = with_permits(text, k_key, permits_of({"2222"}), false);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().subject == "line 2 of authorized_keys");
    BOOST_TEST((without_permits(text, k_key, permits_of({"2222"})).change == KeysChange::none));
    const auto replaced = with_permits(text, k_key, permits_of({"2222"}), true).value();
    BOOST_TEST((replaced.change == KeysChange::replaced));
    BOOST_TEST(replaced.text == k_other + line_of({"2222"}) + '\n');
  }
}

BOOST_AUTO_TEST_CASE(replace_leaves_only_the_given_permits) {
  BOOST_TEST(with_permits(line_of({"2222"}) + '\n', k_key, permits_of({"2223"}), true)->text ==
             line_of({"2223"}) + '\n');
  BOOST_TEST((with_permits(line_of({"2222"}) + '\n', k_key, permits_of({"2222"}), true)->change == KeysChange::none));
}

BOOST_AUTO_TEST_CASE(removing_permits_keeps_the_others) {
  const auto both = k_other + line_of({"2222", "2223"}) + '\n';
  const auto narrowed = without_permits(both, k_key, permits_of({"2222"}));
  BOOST_TEST((narrowed.change == KeysChange::narrowed));
  BOOST_TEST(narrowed.text == k_other + line_of({"2223"}) + '\n');
  const auto none = without_permits(narrowed.text, k_key, permits_of({"2223"}));
  BOOST_TEST((none.change == KeysChange::removed));
  BOOST_TEST(none.text == k_other);
  BOOST_TEST((without_permits(none.text, k_key, permits_of({"2223"})).change == KeysChange::none));
}

BOOST_AUTO_TEST_CASE(a_key_in_a_comment_is_not_the_key) {
  const auto text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther ssh-ed25519 " + k_blob + "\n";
  BOOST_TEST((with_permits(text, k_key, permits_of({"2222"}), false)->change == KeysChange::added));
}

BOOST_AUTO_TEST_SUITE_END()
