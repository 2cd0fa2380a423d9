#include "backends/backend.hpp"

namespace holdfast::backends {

Survives limited_by(Survives survives, const Registration& registration) {
  using Kind = Survival::Kind;
  if (!registration.restarts) survives.crash = {};
  if (!registration.starts) {
    survives.reboot = {};
    // The same mechanism would bring it back later.
    if (survives.logout.kind != Kind::yes) survives.logout = {};
  }
  return survives;
}

void check_program(Registration& registration, const os::Host& host) {
  if (!registration.program || host.find_program(registration.program->string())) return;
  const auto program = registration.program->string();
  const bool is_gone = host.status(program).kind == os::FileKind::missing;
  registration.problems.push_back("the program " + program +
                                  (is_gone ? " is gone" : " cannot be started: you may not execute it"));
  registration.restarts = registration.starts = false;
}

}  // namespace holdfast::backends
