#include "cli/interruption.hpp"

#include "tunnels/observer.hpp"

namespace holdfast::cli {
namespace {

volatile std::sig_atomic_t requested = 0;

extern "C" void remember_signal(int) { requested = 1; }

}  // namespace

Interruption::Interruption() {
  requested = 0;
  struct sigaction action {};
  action.sa_handler = remember_signal;
  sigemptyset(&action.sa_mask);  // no SA_RESTART: the signal must end a wait
  for (std::size_t i = 0; i < k_signals.size(); ++i) {
    ::sigaction(k_signals[i], nullptr, &previous_[i]);
    if (previous_[i].sa_handler != SIG_IGN) ::sigaction(k_signals[i], &action, nullptr);
  }
}

Interruption::~Interruption() {
  for (std::size_t i = 0; i < k_signals.size(); ++i) ::sigaction(k_signals[i], &previous_[i], nullptr);
}

bool Interruption::is_requested() noexcept { return requested != 0; }

Result<> Interruption::check() {
  if (is_requested()) return tunnels::cancelled();
  return {};
}

}  // namespace holdfast::cli
