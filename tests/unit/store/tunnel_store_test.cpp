#include "store/tunnel_store.hpp"

#include "store/installation_record.hpp"
#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace holdfast;
using namespace holdfast::store;
using test::HostAtHome;
using test::ScratchDirectory;
using test::write;

namespace {

const std::string k_ok = "port = 2222\nbastion = gate@b\n";

struct Fixture {
  ScratchDirectory scratch_directory;
  HostAtHome host{scratch_directory.path()};
  Paths here = *paths(Scope::user, *host);

  Fixture() {
    fs::create_directories(here.tunnels);
    fs::permissions(here.tunnels, fs::owner_all);
  }
  [[nodiscard]] fs::path file(const std::string& name) const { return here.tunnels / (name + ".conf"); }
  [[nodiscard]] Result<Tunnel> load(const std::string& name) const {
    return store::load(*host, here, *TunnelName::parse(name));
  }
};

bool says(const Result<Tunnel>& tunnel, std::string_view cause) {
  return !tunnel && tunnel.error().cause.find(cause) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tunnel_store, Fixture)

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_read_removes_no_tunnel) {
  const auto name = TunnelName::parse("lab").value();
  BOOST_REQUIRE(add_to_record(*host, here, name, {}, LingerUse::none));
  BOOST_TEST(orphaned_installations(*host, here).front().tunnel.error().hint == "holdfast remove lab");
  fs::remove_all(here.tunnels);
  write(here.tunnels, "");
  const auto error = orphaned_installations(*host, here).front().tunnel.error();
  BOOST_TEST(error.cause == "not a directory");
  BOOST_TEST(error.hint.find("remove") == std::string::npos, error.hint);
}

BOOST_AUTO_TEST_CASE(an_invalid_file_does_not_affect_other_tunnels) {
  write(file("2222"), k_ok);
  write(file("80"), k_ok);
  write(file("lab"), "");
  write(file("9000"), "rubbish\n");
  write(here.tunnels / "notes.txt", "not a tunnel");
  write(here.tunnels / "-x.conf", k_ok);
  write(here.tunnels / "2222.conf.new.17", "half");
  write(here.tunnels / ".conf", k_ok);
  const auto entries = load_all(*host, here);
  BOOST_REQUIRE(entries.size() == 4U);
  BOOST_TEST(entries[0].name.text() == "80");
  BOOST_TEST(entries[1].name.text() == "2222");
  BOOST_TEST(entries[2].name.text() == "9000");
  BOOST_TEST(entries[3].name.text() == "lab");
  BOOST_TEST(!!entries[0].tunnel);
  BOOST_TEST(!!entries[1].tunnel);
  BOOST_TEST(!entries[2].tunnel);
  BOOST_TEST(says(entries[3].tunnel, "empty"));
}

BOOST_AUTO_TEST_CASE(a_missing_tunnel_has_its_own_exit_status) {
  const auto tunnel = load("nope");
  BOOST_REQUIRE(!tunnel);
  BOOST_TEST((tunnel.error().status == ExitStatus::no_such_tunnel));
  fs::remove_all(here.config);
  BOOST_TEST((load("nope").error().status == ExitStatus::no_such_tunnel));
  BOOST_TEST(load_all(*host, here).empty());
}

BOOST_AUTO_TEST_CASE(a_file_writable_by_others_is_refused) {
  write(file("a"), k_ok, fs::owner_read | fs::owner_write | fs::group_write);
  BOOST_TEST(says(load("a"), "other users can write"));
  write(file("a"), k_ok, fs::owner_read | fs::owner_write | fs::others_write);
  BOOST_TEST(says(load("a"), "other users can write"));
  write(file("a"), k_ok, fs::owner_read | fs::owner_write | fs::group_read | fs::others_read);
  BOOST_TEST(!!load("a"));
}

BOOST_AUTO_TEST_CASE(a_directory_writable_by_others_is_refused) {
  write(file("a"), k_ok);
  fs::permissions(here.tunnels, fs::all_all);
  const auto tunnel = load("a");
  BOOST_TEST(says(tunnel, "other users can write"));
  BOOST_TEST(tunnel.error().hint == "chmod go-w " + here.tunnels.native());
}

BOOST_AUTO_TEST_CASE(a_fifo_or_directory_is_refused_without_blocking) {
  fs::create_directory(file("dir"));
  BOOST_TEST(says(load("dir"), "regular file"));
  BOOST_REQUIRE(::mkfifo(file("fifo").c_str(), 0600) == 0);
  BOOST_TEST(says(load("fifo"), "regular file"));
}

BOOST_AUTO_TEST_CASE(a_huge_file_is_refused_without_being_read) {
  write(file("big"), k_ok);
  BOOST_REQUIRE(::truncate(file("big").c_str(), off_t{1} << 40) == 0);
  BOOST_TEST(says(load("big"), "1099511627776 bytes"));
}

BOOST_AUTO_TEST_CASE(a_link_of_the_user_is_followed) {
  const fs::path repository = scratch_directory / "dotfiles";
  fs::create_directory(repository);
  write(repository / "t", k_ok);
  fs::create_symlink(repository / "t", file("a"));
  BOOST_TEST(!!load("a"));
  fs::permissions(repository / "t", fs::all_all);
  BOOST_TEST(says(load("a"), "other users can write"));
  fs::remove(repository / "t");
  BOOST_TEST(says(load("a"), "target of this link"));
}

BOOST_AUTO_TEST_CASE(a_file_of_another_user_is_refused) {
  if (::geteuid() != 0) return;  // only root can create one
  write(file("a"), k_ok);
  BOOST_REQUIRE(::chown(file("a").c_str(), 12345, 12345) == 0);
  BOOST_TEST(says(load("a"), "12345"));
  fs::create_symlink(file("a"), file("b"));
  BOOST_TEST(says(load("b"), "12345"));
  BOOST_REQUIRE(::chown(here.tunnels.c_str(), 12345, 12345) == 0);
  write(file("c"), k_ok);
  BOOST_TEST(says(load("c"), "12345"));
}

BOOST_AUTO_TEST_CASE(a_tilde_is_refused_in_the_system_scope) {
  if (::geteuid() != 0) return;  // root must own the file
  here.scope = Scope::system;
  write(file("a"), k_ok + "identity = ~/k\n");
  BOOST_TEST(says(load("a"), "HOME is not set"));
  write(file("b"), k_ok);
  BOOST_TEST(!!load("b"));
}

BOOST_AUTO_TEST_CASE(a_tilde_is_the_home_of_the_user) {
  write(file("a"), k_ok + "identity = ~/k\n");
  BOOST_TEST((*load("a"))->identity->native() == (scratch_directory / "k").native());
}

BOOST_AUTO_TEST_SUITE_END()
