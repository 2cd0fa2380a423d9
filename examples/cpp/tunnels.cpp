// Shows, sets up and removes tunnels from a C++ program.
//
//   tunnels [--user]                               shows all tunnels
//   tunnels [--user] make PORT BASTION KEY [NAME]  sets one up; Ctrl-C cancels, and everything is undone
//   tunnels [--user] remove NAME                   removes one
//
// Build it with the CMakeLists.txt beside it, or:  c++ -std=c++17 tunnels.cpp $(pkg-config --cflags --libs holdfast)
#include <holdfast/holdfast.hpp>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

namespace {

volatile std::sig_atomic_t interrupted = 0;

void show(const holdfast::Status& tunnel) {
  std::cout << tunnel.name << (tunnel.is_up() ? ": up" : ": not up")
            << (tunnel.verified.value_or(false) ? ", verified end to end" : "");
  for (const auto& forward : tunnel.forwards) std::cout << ", " << forward.listen << " leads to " << forward.target;
  if (tunnel.round_trip) std::cout << ", " << tunnel.round_trip->count() << " ms";
  if (tunnel.last_error && !tunnel.is_up()) std::cout << ", " << tunnel.last_error->kind;
  std::cout << '\n';
}

int make(holdfast::Tunnels& tunnels, const std::vector<std::string>& words) {
  holdfast::Request request;
  request.ports = {words[1]};
  request.bastions = {words[2]};
  request.identity = words[3];
  if (words.size() > 4) request.name = words[4];
  request.accept_new_host_key = true;  // leave this out if the key is already known

  std::signal(SIGINT, [](int) { interrupted = 1; });
  holdfast::Watch watch;
  watch.is_cancelled = [] { return interrupted != 0; };
  watch.on_step = [](const holdfast::Step& step) {
    if (step.kind != holdfast::Step::Kind::detail) std::cerr << "  " << step.what << "  " << step.more << '\n';
  };
  const auto made = tunnels.set_up(request, watch);
  std::cout << (made.changed ? "made " : "was there: ");
  show(made.tunnel);
  return 0;
}

int run(std::vector<std::string> words) {
  holdfast::Options options;
  if (!words.empty() && words[0] == "--user") {
    options.scope = holdfast::Options::Scope::user;  // the user's own tunnels; root's default is the machine's
    words.erase(words.begin());
  }
  holdfast::Tunnels tunnels(options);
  if (words.empty()) {
    for (const auto& tunnel : tunnels.status()) show(tunnel);
    return 0;
  }
  if (words[0] == "make" && words.size() >= 4) return make(tunnels, words);
  if (words[0] == "remove" && words.size() == 2) {
    for (const auto& line : tunnels.remove(words[1])) std::cout << line << '\n';
    return 0;
  }
  std::cerr << "tunnels [--user] [make PORT BASTION KEY [NAME] | remove NAME]\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const holdfast::Failure& failure) {
    std::cerr << "tunnels: " << failure.what() << '\n';
    if (!failure.hint().empty()) std::cerr << "  hint: " << failure.hint() << '\n';
    return 1;
  }
}
