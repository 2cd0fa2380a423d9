#include "cli/scope.hpp"

#include "backends/backend.hpp"
#include "os/forked_query.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/selection.hpp"
#include "tunnels/unresponsive_paths.hpp"

#include <algorithm>
#include <string>
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

/// How many of the tunnels that the arguments name are there.
std::size_t count_known(const Arguments& arguments, const store::Paths& paths, const os::Host& host) {
  if (const auto port = arguments.one("port")) {
    const auto found = tunnels::on_port(*port, store::load_all(host, paths), host, paths);
    return found ? 1 : 0;
  }
  return static_cast<std::size_t>(std::ranges::count_if(arguments.operands(), [&](const std::string& operand) {
    const auto name = TunnelName::parse(operand);
    return name && store::is_known(host, paths, *name);
  }));
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

Result<store::Paths> choose_paths_to_read(const Arguments& arguments, const os::Host& host) {
  HOLDFAST_TRY(auto own, choose_paths(arguments, host));
  const std::size_t asked = arguments.has("port") ? 1 : arguments.operands().size();
  if (own.scope == Scope::system || arguments.has("user") || asked == 0) return own;
  if (count_known(arguments, own, host) > 0) return own;
  auto machine = store::paths(Scope::system, host);
  if (machine && count_known(arguments, *machine, host) == asked) return machine;
  return own;
}

}  // namespace holdfast::cli
