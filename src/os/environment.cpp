#include "os/environment.hpp"

#include <unistd.h>

#include <string_view>

namespace holdfast::os {

Environment current_environment() {
  Environment environment;
  for (char** at = ::environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view entry(*at);
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos) environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

}  // namespace holdfast::os
