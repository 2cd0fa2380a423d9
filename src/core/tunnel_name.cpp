#include "core/tunnel_name.hpp"

#include "core/text.hpp"

namespace holdfast {
namespace {

constexpr std::size_t k_longest = 64;

}  // namespace

Result<TunnelName> TunnelName::parse(std::string_view text) {
  const auto refuse = [&](std::string cause) {
    return usage_error("tunnel name \"" + std::string(text.substr(0, 80)) + "\"", std::move(cause),
                       "a name has 1 to 64 characters of A-Z a-z 0-9 . _ - and begins with a letter or digit");
  };
  if (text.empty()) return refuse("it is empty");
  if (text.size() > k_longest) return refuse("it is longer than 64 characters");
  if (!consists_of(text.substr(0, 1), "")) return refuse("it does not begin with a letter or digit");
  if (!consists_of(text, "._-")) return refuse("it contains a character that is not allowed");
  return TunnelName(std::string(text));
}

}  // namespace holdfast
