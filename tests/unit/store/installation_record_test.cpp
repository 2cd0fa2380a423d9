#include "store/installation_record.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <thread>

using namespace holdfast;
using namespace holdfast::store;
using test::HostAtHome;
using test::ScratchDirectory;

namespace {

struct Fixture {
  ScratchDirectory scratch_directory;
  HostAtHome host{scratch_directory.path()};
  Paths here = *paths(Scope::user, *host);
  TunnelName a = *TunnelName::parse("a");
  TunnelName b = *TunnelName::parse("b");

  // As remove does.
  void execute(const Undo& undo) const {
    for (const auto& directory : undo.directories) (void)host->remove_empty_directory(directory);
  }
  [[nodiscard]] std::vector<fs::path> make(const std::string& directory) const {
    return *host->make_directories(scratch_directory / directory, 0700);
  }
};

std::vector<std::string> everything_under(const fs::path& root) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) found.push_back(entry.path().native());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(installation_record, Fixture)

BOOST_AUTO_TEST_CASE(the_last_remove_restores_the_home) {
  fs::create_directory(scratch_directory / ".local");  // existed before
  const auto before = everything_under(scratch_directory.path());
  BOOST_REQUIRE(!!add_to_record(*host, here, a, {}, LingerUse::none));
  BOOST_REQUIRE(!!add_to_record(*host, here, a, make(".config/holdfast/tunnels"), LingerUse::turned_on));
  BOOST_REQUIRE(
      !!add_to_record(*host, here, a, make(".config/systemd/user/default.target.wants"), LingerUse::turned_on));
  BOOST_REQUIRE(!!add_to_record(*host, here, b, {}, LingerUse::none));
  test::write(here.tunnel_file(b), "b");

  auto undo = *drop_from_record(*host, here, a);
  BOOST_TEST(undo.linger_off);
  execute(undo);
  BOOST_TEST(fs::exists(here.tunnel_file(b)));
  BOOST_TEST(!fs::exists(scratch_directory / ".config/systemd"));

  fs::remove(here.tunnel_file(b));
  undo = *drop_from_record(*host, here, b);
  BOOST_TEST(!undo.linger_off);
  execute(undo);
  const auto after = everything_under(scratch_directory.path());
  BOOST_TEST(after == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_last_tunnel_that_needs_linger_turns_it_off) {
  BOOST_REQUIRE(!!add_to_record(*host, here, a, {}, LingerUse::turned_on));
  BOOST_REQUIRE(!!add_to_record(*host, here, b, {}, LingerUse::needed));
  BOOST_TEST(!drop_from_record(*host, here, a)->linger_off);
  BOOST_TEST(InstallationRecord::load(*host, here)->linger_turned_on());
  BOOST_TEST(drop_from_record(*host, here, b)->linger_off);
  BOOST_TEST(!fs::exists(installation_record_file(here)));
}

BOOST_AUTO_TEST_CASE(linger_that_setup_did_not_turn_on_stays) {
  BOOST_REQUIRE(!!add_to_record(*host, here, a, {}, LingerUse::needed));
  BOOST_TEST(!drop_from_record(*host, here, a)->linger_off);
}

BOOST_AUTO_TEST_CASE(a_tunnel_moved_to_another_backend_releases_linger) {
  BOOST_REQUIRE(!!add_to_record(*host, here, a, {}, LingerUse::turned_on));
  BOOST_REQUIRE(!!add_to_record(*host, here, a, {}, LingerUse::none));  // moved to another backend
  BOOST_TEST(drop_from_record(*host, here, a)->linger_off);
}

BOOST_AUTO_TEST_CASE(a_damaged_record_removes_only_holdfast_directories) {
  BOOST_REQUIRE(!!add_to_record(*host, here, a, make(".config/systemd/user"), LingerUse::turned_on));
  const std::string whole = test::read(installation_record_file(here));
  for (const std::string& damaged : {std::string(), std::string(100, '\0'), whole.substr(0, whole.size() / 2)}) {
    test::write(installation_record_file(here), damaged);
    BOOST_TEST(InstallationRecord::load(*host, here)->damaged());
    const auto undo = drop_from_record(*host, here, a);
    BOOST_REQUIRE(!!undo);
    BOOST_TEST(undo->record_was_damaged);
    BOOST_TEST(!undo->linger_off);
    for (const auto& directory : undo->directories)
      BOOST_TEST(directory.native().find("holdfast") != std::string::npos);
  }
  BOOST_REQUIRE(!!add_to_record(*host, here, b, {}, LingerUse::none));
  BOOST_TEST(!InstallationRecord::load(*host, here)->damaged());
}

BOOST_AUTO_TEST_CASE(removing_an_unknown_tunnel_is_no_error) { BOOST_TEST(!!drop_from_record(*host, here, a)); }

BOOST_AUTO_TEST_CASE(concurrent_setups_lose_no_entry) {
  constexpr int k_setups = 8;
  std::vector<std::thread> setups;
  for (int i = 0; i < k_setups; ++i)
    setups.emplace_back([&, i] {
      const auto name = TunnelName::parse("t" + std::to_string(i));
      (void)add_to_record(*host, here, *name, {}, LingerUse::none);
    });
  for (auto& setup : setups) setup.join();
  BOOST_TEST(InstallationRecord::load(*host, here)->tunnels().size() == std::size_t{k_setups});
}

BOOST_AUTO_TEST_CASE(a_failed_record_write_leaves_no_directory) {
  fs::create_directory(scratch_directory / ".local");  // existed before
  const auto before = everything_under(scratch_directory.path());
  rlimit usual{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &usual) == 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, usual.rlim_max};  // every write fails with EFBIG
  BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  const bool recorded = add_to_record(*host, here, a, {}, LingerUse::none).has_value();
  ::setrlimit(RLIMIT_FSIZE, &usual);
  std::signal(SIGXFSZ, previous);
  BOOST_TEST(!recorded);
  BOOST_TEST(everything_under(scratch_directory.path()) == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(unused_linger_is_claimed_once) {
  BOOST_REQUIRE(!!add_to_record(*host, here, a, {}, LingerUse::turned_on));
  BOOST_REQUIRE(!!add_to_record(*host, here, b, {}, LingerUse::needed));
  BOOST_REQUIRE(!!add_to_record(*host, here, a, {}, LingerUse::none));
  BOOST_TEST(!claim_unused_linger(*host, here).value());
  BOOST_REQUIRE(!!add_to_record(*host, here, b, {}, LingerUse::none));
  BOOST_TEST(claim_unused_linger(*host, here).value());
  BOOST_TEST(!claim_unused_linger(*host, here).value(), "it was claimed before");
  BOOST_TEST(!drop_from_record(*host, here, a)->linger_off);
}

BOOST_AUTO_TEST_SUITE_END()
