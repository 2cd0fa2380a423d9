#include "store/history.hpp"

#include "core/json.hpp"
#include "core/text.hpp"
#include "os/append_file.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::store {
namespace {

namespace json = boost::json;

constexpr std::size_t k_longest_line = 4096;
constexpr std::size_t k_largest_read = 4 * 1024 * 1024;

std::optional<Transition> parse_transition(std::string_view line) {
  const auto object = parse_json_object(line, {.max_depth = 2});
  if (!object) return std::nullopt;
  const auto text = [&](const char* name) { return text_member(*object, name).value_or(""); };
  const auto at = from_rfc3339(text("at"));
  const auto from = tunnel_state_from(text("from"));
  const auto to = tunnel_state_from(text("to"));
  if (!at || !from || !to) return std::nullopt;
  return Transition{*at, *from, *to, text("reason")};
}

template <class T>
void keep_newest(std::vector<T>& items, std::size_t newest) {
  if (items.size() > newest) items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(newest));
}

}  // namespace

std::vector<std::string> newest_lines(const boost::filesystem::path& file, std::size_t newest) {
  std::vector<std::string> lines;
  for (const auto& path : {os::rotated(file), file}) {
    const std::string text = os::read_tail(path, k_largest_read);
    for (std::string& line : split(text, '\n'))
      if (!line.empty()) lines.push_back(std::move(line));
  }
  keep_newest(lines, newest);
  return lines;
}

History::History(boost::filesystem::path file, std::size_t limit) : file_(std::move(file)), limit_(limit) {}

Result<> History::append(const Transition& transition) {
  const json::object object{{"at", json_text(to_rfc3339(transition.at))},
                            {"from", json_text(to_text(transition.from))},
                            {"to", json_text(to_text(transition.to))},
                            {"reason", json_text(std::string_view(transition.reason).substr(0, k_longest_line))}};
  return os::append_line(file_, json::serialize(object), limit_);
}

std::vector<Transition> History::read(const boost::filesystem::path& file, std::size_t newest) {
  std::vector<Transition> transitions;
  for (const std::string& line : newest_lines(file))
    if (auto transition = parse_transition(line)) transitions.push_back(std::move(*transition));
  keep_newest(transitions, newest);
  return transitions;
}

Log::Log(boost::filesystem::path file, std::size_t limit) : file_(std::move(file)), limit_(limit) {}

void Log::write(WallTime at, std::string_view line) {
  const std::string text = fmt::format("{} {}", to_rfc3339(at), printable(line.substr(0, k_longest_line)));
  // A full disk must not end a tunnel.
  (void)os::append_line(file_, text, limit_);
}

std::vector<std::string> Log::read(const boost::filesystem::path& file, std::size_t newest) {
  return newest_lines(file, newest);
}

std::vector<boost::filesystem::path> files_of(const boost::filesystem::path& file) {
  return {file, os::rotated(file)};
}

}  // namespace holdfast::store
