#include "backends/text/block_file.hpp"

#include "backends/text/marked_block.hpp"
#include "core/text.hpp"
#include "os/replace_file.hpp"

#include <fmt/format.h>

namespace holdfast::backends {
namespace {

using Text = std::optional<std::string>;  // nullopt: the file does not exist

constexpr std::size_t k_largest_file = 4 << 20;
constexpr mode_t k_mode = 0644;
constexpr mode_t k_directory_mode = 0700;

Error refuse(const fs::path& file, std::string cause, std::string hint = {}) {
  return Error{"changing", file.string(), std::move(cause), std::move(hint)};
}

/// The file behind symbolic links; `file` itself when it does not exist.
Result<fs::path> find_target(const fs::path& file, const os::Host& host) {
  const auto link = host.status(file);
  if (link.kind == os::FileKind::missing) return file;
  if (link.kind != os::FileKind::symlink && link.kind != os::FileKind::regular)
    return refuse(file, link.kind == os::FileKind::directory ? "it is a directory" : "it is not a regular file");
  auto target = file;
  if (link.kind == os::FileKind::symlink) {
    const auto resolved = os::resolve_links(file);
    if (!resolved) return refuse(file, "it is a dangling symbolic link", "ls -l " + shell_quote(file.string()));
    target = *resolved;
    const auto directory = host.status(target.parent_path());
    if (directory.owner != host.user().uid || (directory.mode & 0002) != 0)
      return refuse(file,
                    fmt::format("it is a symbolic link to {}, in a directory that others can write", target.string()));
  }
  const auto status = host.status(target);
  if (status.kind != os::FileKind::regular)
    return refuse(file, fmt::format("it is a symbolic link to {}, which is not a regular file", target.string()));
  if (status.owner != host.user().uid) return refuse(file, "it belongs to another user");
  return target;
}

Result<Text> read(const fs::path& file, const os::Host& host) {
  if (host.status(file).kind == os::FileKind::missing) return Text();
  HOLDFAST_TRY(auto bytes, host.read_file(file, k_largest_file));
  return Text(std::move(bytes));
}

/// True when the last line ends in an unescaped backslash: a shell would join the block's first line to it.
bool continues_at_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto last = text.find_last_not_of('\\');
  return (text.size() - (last == std::string_view::npos ? 0 : last + 1)) % 2 == 1;
}

Result<> check(const EditBlock& step, const fs::path& target, const std::string& text, const os::Host& host) {
  if (step.lines && !block_of(text, step.label) && continues_at_end(text))
    return refuse(step.file, "its last line ends in a backslash, which would join it to the added lines",
                  "remove that backslash");
  if ((host.status(target).mode & 0200) == 0)
    return refuse(step.file, "it is read-only", "chmod u+w " + shell_quote(target.string()));
  return {};
}

/// Refuses a marker without its counterpart: the block's extent is unknown, and a part of it would stay active.
Result<> check_markers(const EditBlock& step, const std::string& text) {
  const auto line = find_stray_marker(text, step.label);
  if (!line) return {};
  return refuse(step.file, fmt::format("line {} is a holdfast marker without its counterpart", *line),
                "delete the rest of that block by hand");
}

/// One attempt at editing one file.
class Edit {
 public:
  Edit(const EditBlock& step, fs::path target, os::Host& host) : step_(step), target_(std::move(target)), host_(host) {}

  /// The content of the file after the edit; `now` is its present content.
  [[nodiscard]] Text wanted(const Text& now) const {
    if (step_.before && now == step_.before->written) return step_.before->previous;
    if (!step_.lines) {
      if (!now || made_for_block(*now, step_.label)) return std::nullopt;
      return without_block(*now, step_.label);
    }
    return now ? with_block(*now, step_.label, *step_.lines)
               : block_alone(step_.label, *step_.lines, missing_directories().size());
  }

  /// False when another program has changed the file meanwhile.
  Result<bool> execute(const Text& now, const Text& wanted) {
    if (!wanted) return remove_file(*now);
    if (now) return os::replace_file(target_, now, *wanted, k_mode);
    HOLDFAST_TRY(const auto made, host_.make_directories(target_.parent_path(), k_directory_mode));
    auto written = os::replace_file(target_, {}, *wanted, k_mode);
    if (written && *written) return true;
    for (auto directory = made.rbegin(); directory != made.rend(); ++directory)
      (void)host_.remove_empty_directory(*directory);
    return written;
  }

 private:
  [[nodiscard]] std::vector<fs::path> missing_directories() const {
    std::vector<fs::path> missing;
    for (auto at = target_.parent_path(); host_.status(at).kind == os::FileKind::missing; at = at.parent_path())
      missing.push_back(at);
    return missing;
  }

  Result<bool> remove_file(const std::string& now) {
    const auto again = read(target_, host_);
    if (!again || *again != now) return false;
    HOLDFAST_CHECK(host_.remove_file(target_));
    auto directory = target_.parent_path();
    for (auto left = made_for_block(now, step_.label).value_or(0); left > 0;
         --left, directory = directory.parent_path())
      if (!host_.remove_empty_directory(directory)) break;  // no longer empty
    return true;
  }

  const EditBlock& step_;
  fs::path target_;
  os::Host& host_;
};

}  // namespace

Result<std::optional<std::string>> read_block(const fs::path& file, std::string_view label, const os::Host& host) {
  if (host.status(file).kind == os::FileKind::missing) return std::optional<std::string>();
  HOLDFAST_TRY(const auto text, host.read_file(file, k_largest_file));
  return block_of(text, label);
}

Result<> check_block_edit(const EditBlock& step, const os::Host& host) {
  HOLDFAST_TRY(const auto target, find_target(step.file, host));
  HOLDFAST_TRY(const auto now, read(target, host));
  if (!now) return {};
  HOLDFAST_CHECK(check_markers(step, *now));
  return check(step, target, *now, host);
}

Result<std::optional<EditBlock>> edit_block(const EditBlock& step, os::Host& host) {
  constexpr int k_tries = 5;
  for (int attempt = 0; attempt < k_tries; ++attempt) {
    HOLDFAST_TRY(const auto target, find_target(step.file, host));
    HOLDFAST_TRY(const auto now, read(target, host));
    if (now) HOLDFAST_CHECK(check_markers(step, *now));
    Edit edit(step, target, host);
    const auto wanted = edit.wanted(now);
    if (now == wanted) return std::optional<EditBlock>();
    if (now) HOLDFAST_CHECK(check(step, target, *now, host));
    HOLDFAST_TRY(const bool done, edit.execute(now, wanted));
    if (!done) continue;
    EditBlock undo{step.file, step.label, now ? block_of(*now, step.label) : std::nullopt, {}};
    undo.before = EditBlock::Before{wanted, now};
    return std::optional(std::move(undo));
  }
  return refuse(step.file, "another program keeps changing it", "try again when that has finished");
}

}  // namespace holdfast::backends
