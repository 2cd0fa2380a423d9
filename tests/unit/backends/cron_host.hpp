// A host with cron, and what the cron backend claims about it.
#pragma once

#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "backends/sample_job.hpp"
#include "backends/text/marked_block.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/ranges.h>

#include <string>

namespace holdfast::test {

inline const char* const k_logind = "busctl get-property org.freedesktop.login1 /org/freedesktop/login1";

inline RecordedHost host_with_cron() {
  RecordedHost host;
  host.put_program("crontab");
  host.put_program("busctl");
  host.put_locked("/run/crond.pid");
  host.answer("crontab -l", os::Completed{1, false, "", "no crontab for ann\n"});
  host.put("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
  host.answer(k_logind, "b false\nas 0\nas 0\n");
  return host;
}

inline std::string survival(const Survives& s) {
  return fmt::format("{}/{}/{}", s.crash.text(), s.logout.text(), s.reboot.text());
}

inline std::string fitness(const os::Host& host) {
  const auto found = backends::cron_backend().assess(host);
  return found.grade == backends::Fitness::Grade::unavailable ? found.reason : survival(found.survives);
}

inline std::string lines_of(const backends::Plan& plan) {
  return std::get<backends::EditCrontab>(plan.back()).lines.value_or("(none)");
}

/// Its lines in the crontab, with other lines above and below.
inline backends::Job put_tunnel(RecordedHost& host, const std::string& above = {}, const std::string& below = {}) {
  auto job = user_job(host);
  host.put(job.argv.front(), "", 0755);
  const auto lines = lines_of(backends::cron_backend().install(job, host).value());
  host.answer("crontab -l", backends::with_block(above, "web", lines) + below);
  return job;
}

/// What status claims, and what is wrong with the installation.
inline std::string claim(const os::Host& host, const backends::Job& job) {
  auto answer = backends::cron_backend().query({&job, 1}, host).value().front();
  auto& texts = answer.problems;
  texts.insert(texts.end(), answer.obstacles.begin(), answer.obstacles.end());
  return survival(backends::limited_by(backends::cron_backend().survives(job, host), answer)) +
         (texts.empty() ? "" : " ") + fmt::format("{}", fmt::join(texts, "; "));
}

}  // namespace holdfast::test
