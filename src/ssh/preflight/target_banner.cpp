#include "ssh/preflight/target_banner.hpp"

#include "ssh/preflight/target_check.hpp"

#include <deque>

namespace holdfast::ssh {

std::vector<bool> have_ssh_banner(const std::vector<Forward>& forwards) {
  boost::asio::io_context context{1};
  std::deque<TargetCheck> checks;
  for (const auto& forward : forwards) checks.emplace_back(context, forward.target());
  context.run();
  std::vector<bool> has_banner;
  has_banner.reserve(checks.size());
  for (const auto& check : checks) has_banner.push_back(check.result().kind == TargetResult::Kind::banner);
  return has_banner;
}

}  // namespace holdfast::ssh
