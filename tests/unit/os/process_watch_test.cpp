#include "os/process_watch.hpp"

#include "os/posix_host.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

namespace holdfast::os {
namespace {

using std::chrono::seconds;

struct Fixture {
  std::unique_ptr<Host> host = make_posix_host();
  boost::asio::io_context context;
  ProcessId process = host->start_detached({{{"sleep", "600"}, {}, {}}, {}}).value();
  bool gone = false;

  Fixture() = default;
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    host->signal(process, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
  }

  [[nodiscard]] std::function<void()> note() {
    return [this] { gone = true; };
  }
};

/// Lets no descriptor be opened, so that pidfd_open(2) fails as on an old kernel or in a sandbox.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(process_watch, Fixture)

BOOST_AUTO_TEST_CASE(the_exit_of_a_process_is_reported) {
  const ProcessWatch watch(context, *host, process, note());
  context.poll();
  BOOST_TEST(!gone);
  host->signal(process, SIGKILL);
  context.run_for(seconds(10));
  BOOST_TEST(gone);
}

BOOST_AUTO_TEST_CASE(the_exit_is_found_by_polling_without_a_pidfd) {
  const boost::asio::steady_timer first(context);  // opens the descriptors that Asio needs
  std::optional<ProcessWatch> watch;
  {
    const NoDescriptors none;
    watch.emplace(context, *host, process, note());
  }
  context.run_for(std::chrono::milliseconds(1));
  BOOST_TEST(!gone);
  host->signal(process, SIGKILL);
  context.run_for(seconds(10));
  BOOST_TEST(gone);
}

BOOST_AUTO_TEST_CASE(a_reused_pid_counts_as_exited) {
  auto previous = process;
  previous.start_time -= 1;
  const ProcessWatch watch(context, *host, previous, note());
  context.run_for(seconds(10));
  BOOST_TEST(gone);
  BOOST_TEST(is_alive(*host, process));
}

BOOST_AUTO_TEST_CASE(a_destroyed_watch_reports_nothing) {
  std::optional<ProcessWatch> watch(std::in_place, context, *host, process, note());
  watch.reset();
  host->signal(process, SIGKILL);
  context.run_for(seconds(1));
  BOOST_TEST(!gone);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::os
