#include "store/hand_over.hpp"

#include "core/text.hpp"
#include "os/process_id.hpp"
#include "store/private_file.hpp"
#include "store/tunnel_file.hpp"

#include <fmt/format.h>

namespace holdfast::store {
namespace {

constexpr std::size_t k_largest = 8 * 1024;

}  // namespace

fs::path hand_over_file(const Paths& paths, const TunnelName& name) { return paths.state_file(name, "handover"); }

std::string format_hand_over(const HandOver& hand_over) {
  return fmt::format("{}{} {} {}\n{}\n", os::format_process_id(hand_over.by), hand_over.from, hand_over.to,
                     hand_over.was_lingering ? "lingering" : "not-lingering", hand_over.runtime_dir.native());
}

std::optional<HandOver> parse_hand_over(std::string_view text) {
  const auto lines = split(text, '\n');
  if (lines.size() != 4 || !lines[3].empty()) return std::nullopt;
  const auto by = os::parse_process_id(lines[0] + "\n");
  const auto fields = split(lines[1], ' ');
  if (!by || fields.size() != 3 || !is_backend_name(fields[0]) || !is_backend_name(fields[1])) return std::nullopt;
  if (fields[2] != "lingering" && fields[2] != "not-lingering") return std::nullopt;
  const fs::path runtime_dir = lines[2];
  if (!runtime_dir.is_absolute() || has_control_bytes(lines[2])) return std::nullopt;
  return HandOver{*by, fields[0], fields[1], runtime_dir, fields[2] == "lingering"};
}

std::optional<HandOver> read_hand_over(const os::Host& host, const Paths& paths, const TunnelName& name) {
  const auto text = read_private_file(host, hand_over_file(paths, name), k_largest);
  return text ? parse_hand_over(*text) : std::nullopt;
}

Result<> keep_hand_over(os::Host& host, const Paths& paths, const TunnelName& name, const HandOver& hand_over) {
  return host.write_file(hand_over_file(paths, name), format_hand_over(hand_over), k_private_mode);
}

bool is_under_way(const std::optional<HandOver>& hand_over, const os::Host& host) {
  return hand_over && os::is_alive(host, hand_over->by);
}

}  // namespace holdfast::store
