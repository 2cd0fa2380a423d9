#include "store/history.hpp"

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

std::string_view member(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::optional<Transition> parse_transition(std::string_view line) {
  json::parse_options options;
  options.max_depth = 2;
  boost::system::error_code failed;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), failed, {}, options);
  const json::object* object = failed ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto at = from_rfc3339(member(*object, "at"));
  const auto from = tunnel_state_from(member(*object, "from"));
  const auto to = tunnel_state_from(member(*object, "to"));
  if (!at || !from || !to) return std::nullopt;
  return Transition{*at, *from, *to, std::string(member(*object, "reason"))};
}

}  // namespace

std::vector<std::string> newest_lines(const boost::filesystem::path& file, std::size_t newest) {
  std::vector<std::string> lines;
  for (const auto& path : {os::rotated(file), file}) {
    const std::string text = os::read_tail(path, k_largest_read);
    for (std::string& line : split(text, '\n'))
      if (!line.empty()) lines.push_back(std::move(line));
  }
  if (lines.size() > newest)
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(lines.size() - newest));
  return lines;
}

History::History(boost::filesystem::path file, std::size_t limit) : file_(std::move(file)), limit_(limit) {}

Result<> History::append(const Transition& transition) {
  const json::object object{
      {"at", json::string(to_rfc3339(transition.at))},
      {"from", json::string(to_text(transition.from))},
      {"to", json::string(to_text(transition.to))},
      {"reason", json::string(printable(std::string_view(transition.reason).substr(0, k_longest_line)))}};
  return os::append_line(file_, json::serialize(object), limit_);
}

std::vector<Transition> History::read(const boost::filesystem::path& file, std::size_t newest) {
  std::vector<Transition> transitions;
  for (const std::string& line : newest_lines(file))
    if (auto transition = parse_transition(line)) transitions.push_back(std::move(*transition));
  if (transitions.size() > newest)
    transitions.erase(transitions.begin(),
                      transitions.begin() + static_cast<std::ptrdiff_t>(transitions.size() - newest));
  return transitions;
}

Log::Log(boost::filesystem::path file, std::size_t limit) : file_(std::move(file)), limit_(limit) {}

void Log::write(WallTime at, std::string_view line) {
  const std::string text = fmt::format("{} {}", to_rfc3339(at), printable(line.substr(0, k_longest_line)));
  // A tunnel must not fall because its log cannot be written.
  (void)os::append_line(file_, text, limit_);
}

std::vector<std::string> Log::read(const boost::filesystem::path& file, std::size_t newest) {
  return newest_lines(file, newest);
}

std::vector<boost::filesystem::path> files_of(const boost::filesystem::path& file) {
  return {file, os::rotated(file)};
}

}  // namespace holdfast::store
