#include "cli/scope.hpp"

#include "backends/backend.hpp"
#include "os/forked_query.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/unresponsive_paths.hpp"

#include <vector>

namespace holdfast::cli {
namespace {

/// An Error when the home or a directory of these paths does not answer within 2 s: a command would wait for ever.
Result<> check_answers(const store::Paths& paths, const os::Host& host) {
  const auto list = [&](const boost::filesystem::path& directory) -> os::ForkedQuery {
    return [&host, directory] {
      (void)host.list(directory);  // the kernel may still know the status of the directory
      return std::string();
    };
  };
  // The home may be too large to be listed.
  const std::vector<os::ForkedQuery> queries{list(paths.tunnels), list(paths.state),
                                             tunnels::query_about(host.user().home, host)};
  const auto answers = os::run_forked_queries(queries, backends::k_timeout);
  if (!answers[2]) return tunnels::unresponsive_paths_error(host.user().home);
  if (!answers[0]) return tunnels::unresponsive_paths_error(paths.tunnels);
  if (!answers[1]) return tunnels::unresponsive_paths_error(paths.state);
  return {};
}

}  // namespace

Result<Scope> choose_scope(const Arguments& arguments, const os::Host& host) {
  if (arguments.has("system") && arguments.has("user"))
    return usage_error("options --system and --user", "give only one of them");
  if (arguments.has("system")) return Scope::system;
  if (arguments.has("user")) return Scope::user;
  return tunnels::usual_scope(host);
}

Result<store::Paths> choose_paths(const Arguments& arguments, const os::Host& host) {
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, host));
  HOLDFAST_TRY(auto paths, store::paths(scope, host));
  HOLDFAST_CHECK(check_answers(paths, host));
  return paths;
}

}  // namespace holdfast::cli
