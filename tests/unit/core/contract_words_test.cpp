// Texts that scripts rely on: `last_error.class`, `survives` and `scope` in JSON, and exit statuses.
#include "core/error.hpp"
#include "core/failure.hpp"
#include "core/survives.hpp"
#include "core/tunnel.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(contract_texts)

BOOST_AUTO_TEST_CASE(every_failure_class_has_its_documented_text) {
  using enum FailureClass;
  const std::vector<std::pair<FailureClass, std::string>> k_texts{
      {dns, "dns"},
      {refused, "refused"},
      {timeout, "timeout"},
      {unreachable, "unreachable"},
      {auth, "auth"},
      {key_missing, "key-missing"},
      {key_permissions, "key-permissions"},
      {key_passphrase, "key-passphrase"},
      {host_key_unknown, "host-key-unknown"},
      {host_key_changed, "host-key-changed"},
      {forward_busy, "forward-busy"},
      {forward_denied, "forward-denied"},
      {second_factor, "second-factor"},
      {certificate, "certificate"},
      {agent, "agent"},
      {jump_host, "jump-host"},
      {account, "account"},
      {target_down, "target-down"},
      {dead_peer, "dead-peer"},
      {closed, "closed"},
      {crypto, "crypto"},
      {config, "config"},
      {ssh_missing, "ssh-missing"},
      {unknown, "unknown"},
  };
  BOOST_TEST(k_texts.size() == static_cast<std::size_t>(unknown) + 1);  // a new class needs a row here
  for (const auto& [failure, text] : k_texts) {
    BOOST_TEST(to_text(failure) == text);
    BOOST_TEST((failure_class_from(text) == failure), text);
  }
}

BOOST_AUTO_TEST_CASE(other_texts_are_no_failure_class) {
  for (const char* text : {"", "DNS", "dns ", "host_key_changed", "forward-busy\n", "ok"})
    BOOST_TEST(!failure_class_from(text), text);
}

BOOST_AUTO_TEST_CASE(survival_has_four_texts) {
  BOOST_TEST(Survival{}.text() == "no");
  BOOST_TEST(Survival{Survival::Kind::yes}.text() == "yes");
  BOOST_TEST(Survival{Survival::Kind::at_login}.text() == "at-login");
  BOOST_TEST((Survival{Survival::Kind::within, std::chrono::minutes(2)}.text()) == "within:120s");
  // The bound is used for `within` only.
  BOOST_TEST((Survival{Survival::Kind::yes, std::chrono::seconds(60)}.text()) == "yes");
}

BOOST_AUTO_TEST_CASE(survives_compares_every_part) {
  const Survival yes{Survival::Kind::yes, {}};
  const Survives all{yes, yes, yes};
  BOOST_TEST((all == Survives{yes, yes, yes}));
  BOOST_TEST((all != Survives{Survival{}, yes, yes}));
  BOOST_TEST((all != Survives{yes, Survival{}, yes}));
  BOOST_TEST((all != Survives{yes, yes, Survival{}}));
}

BOOST_AUTO_TEST_CASE(engine_and_scope_have_the_texts_of_the_tunnel_file) {
  BOOST_TEST(to_text(Engine::native) == "native");
  BOOST_TEST(to_text(Engine::autossh) == "autossh");
  BOOST_TEST(to_text(Scope::user) == "user");
  BOOST_TEST(to_text(Scope::system) == "system");
}

BOOST_AUTO_TEST_CASE(exit_statuses_have_the_documented_numbers) {
  BOOST_TEST(static_cast<int>(ExitStatus::done) == 0);
  BOOST_TEST(static_cast<int>(ExitStatus::failed) == 1);
  BOOST_TEST(static_cast<int>(ExitStatus::usage) == 2);
  BOOST_TEST(static_cast<int>(ExitStatus::not_up) == 3);
  BOOST_TEST(static_cast<int>(ExitStatus::no_such_tunnel) == 4);
  BOOST_TEST(static_cast<int>(ExitStatus::no_backend) == 5);
  BOOST_TEST(static_cast<int>(ExitStatus::interrupted) == 130);
}

BOOST_AUTO_TEST_SUITE_END()
