#include "tunnels/selection.hpp"

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/survivors.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::tunnels {
namespace {

bool listens_on(const store::Entry& entry, std::uint16_t port) {
  if (!entry.tunnel) return entry.name.text() == std::to_string(port);
  return std::ranges::any_of((*entry.tunnel)->forwards, [&](const Forward& forward) {
    const auto* end = std::get_if<TcpEnd>(&forward.listen());
    return end != nullptr && end->port == port;
  });
}

/// The paths of the other scope.
Result<store::Paths> other_paths(const os::Host& host, const store::Paths& paths) {
  return store::paths(paths.scope == Scope::user ? Scope::system : Scope::user, host);
}

/// Where a tunnel of that name is, or a similar name.
std::string hint_for_unknown(const TunnelName& name, const os::Host& host, const store::Paths& paths) {
  const auto there = other_paths(host, paths);
  if (there && store::is_known(host, *there, name))
    return there->scope == Scope::user ? "one of your own tunnels has that name: add --user"
                                       : "a tunnel of the machine has that name: add --system, and sudo to change it";
  std::vector<std::string> known;
  for (const auto& tunnel : store::tunnel_names(host, paths)) known.push_back(tunnel.text());
  return suggestion(name.text(), known, "", "holdfast status" + scope_words(paths.scope, host) + " lists them");
}

std::string hint_for_unused(std::uint16_t port, const os::Host& host, const store::Paths& paths) {
  if (const auto there = other_paths(host, paths))
    for (const auto& entry : store::load_all(host, *there))
      if (listens_on(entry, port))
        return there->scope == Scope::user
                   ? fmt::format("your own tunnel {} listens on it: add --user", entry.name.text())
                   : fmt::format("tunnel {} of the machine listens on it: add --system, and sudo to change it",
                                 entry.name.text());
  return "holdfast status" + scope_words(paths.scope, host) + " lists them";
}

}  // namespace

Result<std::vector<TunnelName>> named_tunnels(const std::vector<std::string>& operands, const os::Host& host,
                                              const store::Paths& paths) {
  std::vector<TunnelName> names;
  for (const auto& operand : operands) {
    HOLDFAST_TRY(auto name, TunnelName::parse(operand));
    if (!is_present(name, paths, host))
      return Error{"finding", "tunnel " + name.text(), "there is no such tunnel", hint_for_unknown(name, host, paths),
                   ExitStatus::no_such_tunnel};
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

Result<std::vector<store::Entry>> on_port(const std::string& port, std::vector<store::Entry> entries,
                                          const os::Host& host, const store::Paths& paths) {
  const auto number = parse_number(port, 1, 65535);
  if (!number) return usage_error("option --port \"" + port + "\"", "it is not a port from 1 to 65535");
  const auto wanted = static_cast<std::uint16_t>(*number);
  std::erase_if(entries, [&](const store::Entry& entry) { return !listens_on(entry, wanted); });
  if (entries.empty())
    return Error{"finding", "a tunnel on port " + port, "there is none", hint_for_unused(wanted, host, paths),
                 ExitStatus::no_such_tunnel};
  return entries;
}

}  // namespace holdfast::tunnels
