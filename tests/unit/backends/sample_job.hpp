// Sample jobs, and the outline of a plan.
#pragma once

#include "backends/backend.hpp"
#include "backends/plan/apply.hpp"
#include "core/text.hpp"
#include "store/paths.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace holdfast::test {

inline backends::Job user_job(const os::Host& host, const std::string& name = "web") {
  auto tunnel = TunnelName::parse(name).value();
  auto paths = store::paths(Scope::user, host).value();
  return backends::Job{tunnel,
                       {"/home/ann/.local/bin/holdfast", "run", name},
                       {{"HOME", "/home/ann"}, {"LANG", "C.UTF-8"}},
                       host.user(),
                       "ws",
                       "/tmp/holdfast-1000",
                       paths};
}

inline backends::Job system_job(const os::Host& host, const std::string& name = "web") {
  auto tunnel = TunnelName::parse(name).value();
  return backends::Job{tunnel,
                       {"/usr/local/bin/holdfast", "run", "--system", name},
                       {{"HOME", "/home/ann"}, {"LANG", "C.UTF-8"}},
                       os::User{1000, 1000, "ann", "/home/ann"},
                       "ws",
                       store::system_runtime_directory(tunnel),
                       store::paths(Scope::system, host).value()};
}

/// The first line of each step; for a command also its accepted failures and its undo.
inline std::vector<std::string> outline(const backends::Plan& plan) {
  std::vector<std::string> lines;
  for (const auto& step : plan) {
    std::string line = split(backends::describe(step), '\n').front();
    if (const auto* run = std::get_if<backends::Run>(&step)) {
      if (run->may_fail) line += " | may fail";
      for (const int code : run->also_fine) line += " | " + std::to_string(code) + " is fine";
      if (run->undo) line += " | undo: " + backends::describe(backends::Run{*run->undo}).substr(4);
    }
    lines.push_back(line);
  }
  return lines;
}

inline void require_outline(const Result<backends::Plan>& plan, const std::vector<std::string>& expected) {
  BOOST_REQUIRE_MESSAGE(plan.has_value(), (plan.has_error() ? plan.error().line() : ""));
  const auto lines = outline(*plan);
  BOOST_TEST(lines == expected, boost::test_tools::per_element());
}

}  // namespace holdfast::test
