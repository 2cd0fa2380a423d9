#include "cli/scope.hpp"

namespace holdfast::cli {

Scope usual_scope(const os::Host& host) { return host.user().uid == 0 ? Scope::system : Scope::user; }

Result<Scope> choose_scope(const Arguments& arguments, const os::Host& host) {
  if (arguments.has("system") && arguments.has("user"))
    return usage_error("options --system and --user", "only one of them can be meant");
  if (arguments.has("system")) return Scope::system;
  if (arguments.has("user")) return Scope::user;
  return usual_scope(host);
}

Result<store::Places> choose_places(const Arguments& arguments, const os::Host& host) {
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, host));
  return store::places(scope, host);
}

std::string scope_words(Scope scope, const os::Host& host) {
  if (scope == usual_scope(host)) return {};
  return scope == Scope::system ? " --system" : " --user";
}

}  // namespace holdfast::cli
