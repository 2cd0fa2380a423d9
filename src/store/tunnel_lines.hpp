// The lines of a tunnel file: `key = value`, comments, quotes, and the table of keys. Private to store.
#pragma once

#include "core/result.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::store {

inline constexpr std::size_t k_largest_tunnel_file = 64 * 1024;

/// The values of a tunnel file by key, and the line of each one for error messages.
class TunnelLines {
 public:
  /// Fails as parse_tunnel() does for everything that one line alone, or its key, can get wrong.
  [[nodiscard]] static Result<TunnelLines> read(std::string_view text, const std::string& file);

  /// The values of `key` in the order of their lines.
  [[nodiscard]] std::vector<std::string> all(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> first(std::string_view key) const;

  /// `error` about the nth value of `key`, with the subject "FILE line N, KEY".
  [[nodiscard]] Error at(std::string_view key, const Error& error, std::size_t nth = 0) const;
  /// An Error about the whole file.
  [[nodiscard]] Error in_file(std::string cause, std::string hint) const;

 private:
  struct Line {
    std::size_t number = 0;
    std::string key;  ///< normal_key()
    std::string value;
  };

  explicit TunnelLines(std::string file) : file_(std::move(file)) {}
  [[nodiscard]] Result<Line> read_line(std::string_view text, std::size_t number) const;
  [[nodiscard]] Error at_line(std::size_t number, std::string_view key, std::string cause, std::string hint) const;
  [[nodiscard]] Result<> check_bytes(std::string_view text) const;

  std::string file_;
  std::map<std::string, std::vector<Line>, std::less<>> lines_;
};

/// The one spelling of a key that files may write as `runtime_dir` or `secret-key`.
[[nodiscard]] std::string normal_key(std::string_view written);

/// `value` as a line holds it: in double quotes where reading it back needs them.
[[nodiscard]] std::string format_value(const std::string& value);

}  // namespace holdfast::store
