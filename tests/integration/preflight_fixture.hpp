// A preflight of a tunnel to a private bastion.
#pragma once

#include "rogue_server.hpp"
#include "ssh/preflight/preflight.hpp"
#include "ssh_master.hpp"

#include <boost/filesystem/operations.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

/// A bastion, a target, and a preflight of a tunnel between them.
struct PreflightFixture {
  explicit PreflightFixture(const SshdSettings& settings = {}) : sshd(settings) {
    boost::filesystem::create_directory(scratch_directory);
    boost::filesystem::permissions(scratch_directory, boost::filesystem::owner_all);
  }

  SshdFixture sshd;
  RogueServer target{Rogue::ssh_banner};
  holdfast::os::Host& host = sshd.host();
  boost::filesystem::path scratch_directory = sshd.directory() / "scratch";
  std::vector<std::string> reported;

  std::string forward() { return std::to_string(free_port()) + ":127.0.0.1:" + std::to_string(target.port()); }

  holdfast::ssh::PreflightRequest request() {
    const auto user = host.user();
    return {.client = holdfast::ssh::find_client(host).value(),
            .run_as = user,
            .environment = holdfast::ssh::job_environment(host, user),
            .scratch_directory = scratch_directory};
  }

  holdfast::ssh::PreflightReport check(const holdfast::Tunnel& tunnel, const holdfast::ssh::PreflightRequest& request) {
    reported.clear();
    auto report = holdfast::ssh::preflight(host, tunnel, request, [&](const holdfast::ssh::Check& check) {
      reported.push_back(check.what + ": " + check.figure);
    });
    BOOST_REQUIRE_MESSAGE(report, report.error().line());
    for (const auto& line : reported) BOOST_TEST_MESSAGE(line);
    if (report->failure) BOOST_TEST_MESSAGE(report->failure->message + " / " + report->failure->hint);
    BOOST_TEST(reported.size() == report->checks.size());
    BOOST_TEST(!boost::filesystem::exists(scratch_directory / "ctl"));
    return *report;
  }
  holdfast::ssh::PreflightReport check(holdfast::TunnelSpec spec) {
    return check(holdfast::Tunnel::make(std::move(spec)).value(), request());
  }

  void expect(const holdfast::ssh::PreflightReport& report, holdfast::FailureClass failure, const std::string& step,
              const std::string& text) {
    BOOST_REQUIRE(report.failure);
    BOOST_TEST(holdfast::to_text(report.failure->failure) == holdfast::to_text(failure));
    BOOST_TEST(report.checks.back().what == step);
    BOOST_TEST((report.checks.back().failure == report.failure));
    BOOST_TEST_CONTEXT(report.failure->message) BOOST_TEST((report.failure->message.find(text) != std::string::npos));
    BOOST_TEST(!report.failure->hint.empty());
  }
};
