// One output of ssh and the diagnosis that it must get.
#pragma once

#include "ssh/diagnosis/diagnosis.hpp"

#include "ssh/tunnels.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>

namespace holdfast {
inline std::ostream& operator<<(std::ostream& out, FailureClass failure) { return out << to_text(failure); }
}  // namespace holdfast

namespace holdfast::test {

struct Case {
  FailureClass failure;
  std::string log;   ///< output of OpenSSH, with its line breaks
  std::string text;  ///< part of the message or the hint
};

inline const Tunnel& tunnel() {
  static const Tunnel tunnel = tunnel_with_key("gate@bastion.example:2200", "/home/ada/.ssh/id lab");
  return tunnel;
}

/// Checks the diagnosis of `expected.log`: one printable line with a hint.
inline void check(const Case& expected, const Tunnel& about = tunnel()) {
  BOOST_TEST_CONTEXT(expected.log) {
    const auto diagnosis = ssh::diagnose({.log = expected.log, .err = {}}, about);
    BOOST_REQUIRE(diagnosis);
    BOOST_TEST(diagnosis->failure == expected.failure);
    const std::string all = diagnosis->message + " | " + diagnosis->hint;
    BOOST_TEST_CONTEXT(all) BOOST_TEST((all.find(expected.text) != std::string::npos));
    BOOST_TEST(!diagnosis->hint.empty());
    BOOST_TEST((diagnosis->message.find('\n') == std::string::npos));
  }
}

}  // namespace holdfast::test
