#include "tunnels/scope.hpp"

namespace holdfast::tunnels {

Scope usual_scope(const os::Host& host) { return host.user().uid == 0 ? Scope::system : Scope::user; }

std::string scope_words(Scope scope, const os::Host& host) {
  if (scope == usual_scope(host)) return {};
  return scope == Scope::system ? " --system" : " --user";
}

}  // namespace holdfast::tunnels
