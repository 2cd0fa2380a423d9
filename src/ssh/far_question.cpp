#include "ssh/far_question.hpp"

#include "os/append_file.hpp"
#include "os/child.hpp"
#include "ssh/as_user.hpp"

#include <chrono>
#include <csignal>
#include <utility>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_patience{10};
constexpr std::chrono::seconds k_to_be_gone{1};
constexpr std::chrono::milliseconds k_look{50};
constexpr std::size_t k_longest_answer = 64 * 1024;

}  // namespace

Result<std::optional<FarSession>> ask_far_session(boost::asio::io_context& context, os::Host& host,
                                                  const Tunnel& tunnel, const PreflightRequest& request,
                                                  const fs::path& control) {
  using std::chrono::steady_clock;
  const auto answer = request.scratch / "far";
  HOLDFAST_CHECK(host.remove_file(answer));
  HOLDFAST_TRY(os::Command command,
               command_as(host, request.run_as,
                          {far_command(request.client, control, tunnel->bastion, std::nullopt), request.environment}));
  bool over = false;
  HOLDFAST_TRY(const auto child,
               os::Child::start(context, {std::move(command), answer, {}, true}, [&over](int) { over = true; }));
  const auto run_until = [&](steady_clock::time_point end, const auto& enough) {
    while (!over && !enough() && steady_clock::now() < end) {
      context.restart();
      context.run_one_for(k_look);
    }
  };
  run_until(steady_clock::now() + k_patience, [&] {
    return host.status(answer).size > k_longest_answer || (request.interrupted && request.interrupted());
  });
  const bool ended = over;
  if (!ended) {
    child->signal(SIGKILL);
    run_until(steady_clock::now() + k_to_be_gone, [] { return false; });
  }
  const std::string said = os::read_tail(answer, k_longest_answer);
  HOLDFAST_CHECK(host.remove_file(answer));
  return ended ? parse_far_session(said) : std::nullopt;
}

}  // namespace holdfast::ssh
