#include "tunnels/unresponsive_paths.hpp"

#include "backends/backend.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace holdfast::tunnels {

namespace fs = boost::filesystem;

std::vector<fs::path> directories_in_use(const os::Host& host) {
  std::vector<fs::path> directories;
  const auto add = [&](const fs::path& directory) {
    if (directory.is_absolute() && std::ranges::find(directories, directory) == directories.end())
      directories.push_back(directory);
  };
  add(host.user().home);
  for (const auto& entry : split(host.env("PATH").value_or(""), ':')) add(entry);
  return directories;
}

os::ForkedQuery query_about(const fs::path& directory, const os::Host& host) {
  return [directory, &host] {
    (void)host.status(directory / ".");
    return std::string();
  };
}

Result<> check_for_unresponsive_paths(const os::Host& host) {
  const auto directories = directories_in_use(host);
  std::vector<os::ForkedQuery> queries;
  queries.reserve(directories.size());
  for (const auto& directory : directories) queries.push_back(query_about(directory, host));
  const auto answers = os::run_forked_queries(queries, backends::k_timeout);
  const auto unresponsive = std::ranges::find_if(answers, [](const auto& answer) { return !answer; });
  if (unresponsive == answers.end()) return {};
  return unresponsive_paths_error(directories[static_cast<std::size_t>(unresponsive - answers.begin())]);
}

Error unresponsive_paths_error(const fs::path& directory) {
  return Error{"reading", directory.string(), "it did not answer within 2 s",
               "its file server may be down: mount shows which one it is"};
}

}  // namespace holdfast::tunnels
