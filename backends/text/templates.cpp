#include "backends/text/templates.hpp"

#include "core/text.hpp"

namespace holdfast::backends {
namespace {

constexpr std::size_t k_largest_template = 64 << 10;

}  // namespace

Result<Template> find_template(const std::string& name, const store::Paths& paths, const os::Host& host) {
  const auto copy = paths.templates / name;
  const auto status = host.status(copy);
  if (status.kind == os::FileKind::missing) return Template{std::string(embedded_template(name)), "templates/" + name};
  const bool ours = status.owner == 0 || status.owner == host.user().uid;
  if (status.kind != os::FileKind::regular || !ours || (status.mode & 022) != 0)
    return Error{"using the template", copy.string(), "it is not a regular file that only you can write",
                 "chmod go-w " + shell_quote(copy.string())};
  HOLDFAST_TRY(auto text, host.read_file(copy, k_largest_template));
  return Template{std::move(text), copy.string()};
}

}  // namespace holdfast::backends
