// Sets up, changes and removes a tunnel through the library: life PORT BASTION KEY NAME PORT PORT. Prints a line for
// each result; installed.py compares them with the expected lines.
#include <holdfast/holdfast.hpp>

#include <atomic>
#include <csignal>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace {

using holdfast::Tunnels;

template <class Call>
void tell_failure(const char* what, const Call& call) {
  try {
    call();
    std::cout << what << ": no failure\n";
  } catch (const holdfast::Failure& failure) {
    std::cout << what << ": " << failure.kind() << '\n';
  } catch (const std::exception& other) {
    std::cout << what << ": " << other.what() << '\n';
  }
}

const char* words(const holdfast::Status& tunnel) {
  if (tunnel.state == holdfast::Status::State::stopped) return "stopped";
  if (!tunnel.is_up()) return "not up";
  return tunnel.verified.value_or(false) ? "verified" : "up";
}

}  // namespace

int main(int, char** argv) {
  std::signal(SIGCHLD, SIG_IGN);  // a process that wants to hear of no child
  holdfast::Options options;
  options.scope = holdfast::Options::Scope::user;
  Tunnels tunnels(options);
  holdfast::Request request;
  request.ports = {argv[1]};
  request.bastions = {argv[2]};
  request.identity = argv[3];
  request.name = argv[4];
  const std::string name = argv[4];

  tell_failure("unknown host key", [&] { tunnels.set_up(request); });
  request.accept_new_host_key = true;
  std::cout << "plan: " << (tunnels.plan(request).empty() ? "empty" : "lines") << ", then " << tunnels.status().size()
            << " tunnels\n";
  holdfast::Watch watch;
  watch.is_cancelled = [] { return true; };
  tell_failure("cancelled", [&] { tunnels.set_up(request, watch); });
  watch = {};
  watch.on_step = [](const holdfast::Step& step) {
    if (step.what == "started") throw std::runtime_error("the callback's own");
  };
  tell_failure("thrown", [&] { tunnels.set_up(request, watch); });
  std::cout << "then " << tunnels.status().size() << " tunnels\n";

  const auto made = tunnels.set_up(request);
  std::cout << "made: " << made.changed << ' ' << words(made.tunnel) << '\n';
  std::cout << "again: " << tunnels.set_up(request).changed << '\n';
  std::cout << "restarted: " << words(tunnels.restart(name)) << '\n';
  const auto ssh = tunnels.status(name).ssh_pid;
  const auto kept = tunnels.restart(name, Tunnels::Connection::kept);
  std::cout << "kept: " << words(kept) << ' ' << (ssh && kept.ssh_pid == ssh) << '\n';
  std::cout << "stopped: " << tunnels.stop(name) << ' ' << tunnels.stop(name) << ' ' << words(tunnels.status(name))
            << '\n';
  std::cout << "started: " << words(tunnels.start(name)) << '\n';

  auto more = request;
  more.ports.push_back(argv[5]);
  watch.on_step = [](const holdfast::Step& step) {
    if (step.what == "forwards changed") throw std::runtime_error("the callback's own");
  };
  tell_failure("thrown late", [&] { tunnels.set_up(more, watch); });
  std::cout << "then " << tunnels.status(name).forwards.size() << " forward\n";

  std::atomic<int> well{0};
  const auto another = [&](const char* port, const std::string& its_name) {
    auto one = request;
    one.ports = {port};
    one.name = its_name;
    well += words(tunnels.set_up(one).tunnel) == std::string("verified") ? 1 : 0;
    tunnels.remove(its_name);
  };
  std::thread beside([&] { another(argv[5], name + "b"); });
  another(argv[6], name + "c");
  beside.join();
  std::cout << "made in two threads: " << well << '\n';

  std::atomic<int> same{0};
  std::thread other([&] { same += words(tunnels.status(name)) == std::string("verified") ? 1 : 0; });
  same += words(tunnels.status(name)) == std::string("verified") ? 1 : 0;
  other.join();
  std::cout << "in two threads: " << same << '\n';

  std::cout << "removed: " << (tunnels.remove(name).empty() ? "nothing" : "told") << '\n';
  tell_failure("removed again", [&] { tunnels.remove(name); });
  tell_failure("no name", [&] { static_cast<void>(tunnels.status("../x")); });
  std::cout << "SIGCHLD: " << (std::signal(SIGCHLD, SIG_DFL) == SIG_IGN ? "as it was" : "changed") << '\n';
  std::cout << "version: " << holdfast::version() << '\n';
}
