#include "store/target_note.hpp"

#include "core/text.hpp"
#include "store/private_file.hpp"
#include "store/shared_files.hpp"

#include <fmt/format.h>

#include <limits>

namespace holdfast::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t k_largest = 8192;
constexpr std::size_t k_longest_text = 1024;
constexpr std::string_view k_answers = "answers";
constexpr std::string_view k_fails = "fails";

boost::filesystem::path file_of(const boost::filesystem::path& directory, const std::string& target) {
  return shared_file(directory, "target", target);
}

}  // namespace

// "BOOT TIME answers" or "BOOT TIME fails", then the message and the hint.
void keep_target_note(os::Host& host, const boost::filesystem::path& directory, const std::string& target,
                      const TargetNote& note, milliseconds now) {
  const auto line = [](const std::string& text) { return printable(text.substr(0, k_longest_text)); };
  (void)host.write_volatile_file(
      file_of(directory, target),
      fmt::format("{} {} {}\n{}\n{}\n", host.boot_id(), std::chrono::floor<seconds>(now).count(),
                  note.answers ? k_answers : k_fails, line(note.why.message), line(note.why.hint)),
      k_private_mode);
}

std::optional<TargetNote> read_target_note(const os::Host& host, const boost::filesystem::path& directory,
                                           const std::string& target, milliseconds now) {
  const auto text = read_private_file(host, file_of(directory, target), k_largest);
  const auto lines = text ? split(*text, '\n') : std::vector<std::string>();
  if (lines.size() < 3) return std::nullopt;
  const auto fields = split(lines[0], ' ');
  if (fields.size() != 3 || fields[0] != host.boot_id()) return std::nullopt;
  const auto at = parse_number(fields[1], 0, std::numeric_limits<std::uint32_t>::max());
  if (!at || seconds(*at) > now || now - seconds(*at) > k_note_lifetime) return std::nullopt;
  if (fields[2] == k_answers) return TargetNote{true};
  if (fields[2] != k_fails) return std::nullopt;
  return TargetNote{false, {FailureClass::target_down, lines[1], lines[2]}};
}

}  // namespace holdfast::store
