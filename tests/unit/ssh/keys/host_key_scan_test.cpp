// What ssh-keyscan prints.
#include "ssh/keys/host_key_scan.hpp"

#include <boost/test/unit_test.hpp>

using holdfast::ssh::scanned_key;

BOOST_AUTO_TEST_SUITE(host_key_scan)

BOOST_AUTO_TEST_CASE(the_first_valid_key_counts) {
  BOOST_TEST(scanned_key("# 127.0.0.1:22 SSH-2.0-OpenSSH_9.2p1\n[127.0.0.1]:2222 ssh-ed25519 AAAAC3Nz/+a=\n"
                         "[127.0.0.1]:2222 ssh-rsa AAAAB3\n") == "ssh-ed25519 AAAAC3Nz/+a=");
  BOOST_TEST(scanned_key("localhost ecdsa-sha2-nistp256 AAAAE2\n") == "ecdsa-sha2-nistp256 AAAAE2");
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_key) {
  for (const char* text :
       {"", "# only a remark\n", "localhost ssh-ed25519\n", "localhost ssh-ed25519 AAAA\x1b[2J\n",
        "localhost ssh-ed25519 BBBB\n", "localhost ssh-ed25519 AAAA more\n", "localhost $(id) AAAA\n"})
    BOOST_TEST(scanned_key(text).empty(), text);
}

BOOST_AUTO_TEST_SUITE_END()
