#include "cli/scope.hpp"

#include "tunnels/scope.hpp"

namespace holdfast::cli {

Result<Scope> choose_scope(const Arguments& arguments, const os::Host& host) {
  if (arguments.has("system") && arguments.has("user"))
    return usage_error("options --system and --user", "give only one of them");
  if (arguments.has("system")) return Scope::system;
  if (arguments.has("user")) return Scope::user;
  return tunnels::usual_scope(host);
}

Result<store::Paths> choose_paths(const Arguments& arguments, const os::Host& host) {
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, host));
  return store::paths(scope, host);
}

}  // namespace holdfast::cli
