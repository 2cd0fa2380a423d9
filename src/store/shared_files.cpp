#include "store/shared_files.hpp"

#include "core/text.hpp"
#include "store/private_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace holdfast::store {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view k_prefix = ".shared-";
constexpr std::size_t k_largest = 4096;

}  // namespace

boost::filesystem::path shared_file(const boost::filesystem::path& directory, const std::string& kind,
                                    const std::string& key) {
  return directory / fmt::format("{}{}-{:016x}", k_prefix, kind, fnv1a(key));
}

Result<> remove_last_shared_files(os::Host& host, const boost::filesystem::path& directory) {
  const auto names = host.list(directory);
  // The locks of commands begin with a dot, too.
  if (!std::ranges::all_of(names, [](const auto& name) { return name.starts_with('.'); })) return {};
  for (const auto& name : names)
    if (name.starts_with(k_prefix)) HOLDFAST_CHECK(host.remove_file(directory / name));
  return {};
}

// The file has the boot and the time when the next connection is due: a generic cell rate algorithm.
bool take_target_probe(os::Host& host, const boost::filesystem::path& directory, const std::string& target,
                       milliseconds now, bool at_once) {
  const auto file = shared_file(directory, "probe", target);
  milliseconds due = now;
  if (const auto text = read_private_file(host, file, k_largest)) {
    const auto fields = split(*text, ' ');
    const auto time =
        fields.size() == 2 ? parse_number(fields[1], 0, std::numeric_limits<std::uint32_t>::max()) : std::nullopt;
    if (time && fields[0] == host.boot_id()) due = std::max(now, milliseconds(std::chrono::seconds(*time)));
  }
  if (due > now + k_first_probes_ahead + k_after_first_probe + std::chrono::seconds(1)) due = now;  // nobody writes that
  const auto ahead = at_once ? k_first_probes_ahead : std::chrono::seconds(0);
  if (due > now + ahead) return false;
  const auto next =
      std::chrono::floor<std::chrono::seconds>(due + (at_once ? k_after_first_probe : k_between_target_probes));
  (void)host.write_volatile_file(file, fmt::format("{} {}", host.boot_id(), next.count()), k_private_mode);
  return true;
}

}  // namespace holdfast::store
