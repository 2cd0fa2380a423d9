#include "store/hand_over.hpp"

#include "core/text.hpp"
#include "os/process_id.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::store {
namespace {

constexpr std::size_t k_longest = 8 * 1024;

bool is_backend_name(std::string_view word) {
  return !word.empty() && word.size() <= 32 &&
         std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

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
  const auto words = split(lines[1], ' ');
  if (!by || words.size() != 3 || !is_backend_name(words[0]) || !is_backend_name(words[1])) return std::nullopt;
  if (words[2] != "lingering" && words[2] != "not-lingering") return std::nullopt;
  const fs::path runtime_dir = lines[2];
  if (!runtime_dir.is_absolute() || has_control_bytes(lines[2])) return std::nullopt;
  return HandOver{*by, words[0], words[1], runtime_dir, words[2] == "lingering"};
}

std::optional<HandOver> read_hand_over(const os::Host& host, const Paths& paths, const TunnelName& name) {
  const auto file = hand_over_file(paths, name);
  const auto status = host.status(file);
  if (status.kind != os::FileKind::regular || status.owner != host.user().uid || (status.mode & 022) != 0)
    return std::nullopt;
  const auto text = host.read_file(file, k_longest);
  if (!text) return std::nullopt;
  return parse_hand_over(*text);
}

Result<> keep_hand_over(os::Host& host, const Paths& paths, const TunnelName& name, const HandOver& hand_over) {
  constexpr mode_t k_private = 0600;
  return host.write_file(hand_over_file(paths, name), format_hand_over(hand_over), k_private);
}

bool is_under_way(const std::optional<HandOver>& hand_over, const os::Host& host) {
  return hand_over && os::is_alive(host, hand_over->by);
}

}  // namespace holdfast::store
