#include "backends/plan/apply.hpp"

#include "backends/host/crontab.hpp"
#include "backends/pidfile.hpp"
#include "backends/text/block_file.hpp"
#include "backends/text/crontab_text.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <limits>

namespace holdfast::backends {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_after_kill{2000};
constexpr milliseconds k_crontab_deadline{2000};
constexpr std::size_t k_largest_file = 1 << 20;

std::string command_text(const os::Command& command) { return fmt::format("{}", fmt::join(command.argv, " ")); }

/// `innermost` and its parents, as far as they are missing, outermost first.
std::vector<fs::path> missing_above(const fs::path& innermost, const os::Host& host) {
  std::vector<fs::path> missing;
  for (auto directory = innermost; !directory.empty(); directory = directory.parent_path()) {
    // A symbolic link (a moved ~/.config) counts as existing.
    if (host.status(directory).kind != os::FileKind::missing) break;
    missing.push_back(directory);
  }
  std::reverse(missing.begin(), missing.end());
  return missing;
}

// Executes single steps, and appends to `undo` the steps that undo them.
class PlanExecutor {
 public:
  PlanExecutor(os::Host& host, Plan& undo, std::vector<fs::path>& made) : host_(host), undo_(undo), made_(made) {}

  Result<> operator()(const WriteFile& step) {
    const auto before = host_.status(step.path);
    if (before.kind == os::FileKind::missing) {
      HOLDFAST_CHECK(make_parents(step.path, step.directory_mode.value_or((step.mode & 077) != 0 ? 0755 : 0700)));
      HOLDFAST_CHECK(host_.write_file(step.path, step.bytes, step.mode));
      undo_.emplace_back(RemoveFile{step.path});
      return {};
    }
    if (before.kind != os::FileKind::regular)
      return Error{"writing", step.path.string(), "it is not a regular file", ""};
    HOLDFAST_TRY(auto old, host_.read_file(step.path, k_largest_file));
    if (old == step.bytes && before.mode == step.mode) return {};
    HOLDFAST_CHECK(host_.write_file(step.path, step.bytes, step.mode));
    undo_.emplace_back(WriteFile{step.path, std::move(old), before.mode});
    return {};
  }

  Result<> operator()(const RemoveFile& step) {
    const auto before = host_.status(step.path);
    if (before.kind == os::FileKind::missing) return {};
    if (before.kind == os::FileKind::directory) return Error{"removing", step.path.string(), "it is a directory", ""};
    std::optional<WriteFile> restore;
    if (before.kind == os::FileKind::regular) {
      HOLDFAST_TRY(auto old, host_.read_file(step.path, k_largest_file));
      restore = WriteFile{step.path, std::move(old), before.mode};
    }
    HOLDFAST_CHECK(host_.remove_file(step.path));
    if (restore) undo_.emplace_back(std::move(*restore));
    return {};
  }

  Result<> operator()(const RemoveEmptyDirectory& step) {
    const auto before = host_.status(step.path);
    if (before.kind != os::FileKind::directory || !host_.list(step.path).empty()) return {};
    // Ignored: it may be unreadable, no longer empty, or not ours to remove.
    if (!host_.remove_empty_directory(step.path)) return {};
    const auto made = std::find(made_.begin(), made_.end(), step.path);
    if (made != made_.end()) made_.erase(made);
    undo_.emplace_back(MakeDirectory{step.path, before.mode});
    return {};
  }

  Result<> operator()(const MakeDirectory& step) { return make_directories(step.path, step.mode); }

  Result<> operator()(const RemoveTree& step) { return host_.remove_tree(step.path); }

  Result<> operator()(const Run& step) {
    if (step.pidfile) HOLDFAST_CHECK(require_private_parent(*step.pidfile));
    HOLDFAST_TRY(const auto done, host_.run(step.command, step.deadline));
    if (done.ok() && step.pidfile) return write_pidfile(step, done.out);
    if (done.ok()) {
      if (step.undo) undo_.emplace_back(Run{*step.undo, {}, false, step.deadline, {}});
      return {};
    }
    if (step.may_fail) return {};
    const auto& fine = step.also_fine;
    if (!done.timed_out && std::find(fine.begin(), fine.end(), done.exit_code) != fine.end()) return {};
    return failure(step, done);
  }

  Result<> operator()(const OnUnwind& step) {
    undo_.emplace_back(Run{step.command});
    return {};
  }

  Result<> operator()(const StartDetached& step) {
    HOLDFAST_CHECK(require_private_parent(step.pidfile));
    if (const auto running = running_process(host_, step.pidfile))
      return Error{"starting", command_text(step.detached.command),
                   fmt::format("it is already running as process {}", running->pid), ""};
    HOLDFAST_TRY(const auto process, host_.start_detached(step.detached));
    auto written = host_.write_file(step.pidfile, format_process_id(process), 0600);
    if (!written) {
      host_.signal(process, SIGTERM);
      return written;
    }
    undo_.emplace_back(Terminate{step.pidfile});
    return {};
  }

  Result<> operator()(const Terminate& step) {
    if (const auto process = running_process(host_, step.pidfile)) {
      host_.signal(*process, SIGTERM);
      if (!os::wait_for_exit(host_, *process, step.grace)) {
        host_.signal(*process, SIGKILL);
        if (!os::wait_for_exit(host_, *process, k_after_kill))
          return Error{"ending", fmt::format("process {}", process->pid), "it is still running after SIGKILL", ""};
      }
    }
    // Another user's file in /tmp stays.
    if (host_.status(step.pidfile).owner != host_.user().uid) return {};
    return host_.remove_file(step.pidfile);
  }

  Result<> operator()(const EditCrontab& step) {
    HOLDFAST_TRY(auto undo, edit_crontab(step, host_));
    if (undo) undo_.emplace_back(std::move(*undo));
    return {};
  }

  Result<> operator()(const EditBlock& step) {
    HOLDFAST_TRY(auto undo, edit_block(step, host_));
    if (undo) undo_.emplace_back(std::move(*undo));
    return {};
  }

  Result<> operator()(const TryCrontab& step) {
    HOLDFAST_TRY(const auto undo, edit_crontab(step.edit, host_));
    if (undo) HOLDFAST_CHECK(edit_crontab(*undo, host_));
    return {};
  }

 private:
  Result<> make_parents(const fs::path& file, mode_t mode) { return make_directories(file.parent_path(), mode); }

  Result<> make_directories(const fs::path& innermost, mode_t mode) {
    for (const auto& directory : missing_above(innermost, host_)) {
      HOLDFAST_CHECK(host_.make_directories(directory, mode));
      made_.push_back(directory);
      undo_.emplace_back(RemoveEmptyDirectory{directory});
    }
    return {};
  }

  Result<> require_private_parent(const fs::path& file) {
    const auto directory = file.parent_path();
    HOLDFAST_CHECK(make_parents(file, 0700));
    const auto status = host_.status(directory);
    if (status.kind == os::FileKind::directory && status.owner == host_.user().uid && (status.mode & 077) == 0)
      return {};
    return Error{"using", directory.string(), "it is not a directory that only you can enter",
                 "ls -ld " + shell_quote(directory.string())};
  }

  Result<> write_pidfile(const Run& step, std::string_view output) {
    const auto pid = parse_number(trim(output), 2, std::numeric_limits<std::int32_t>::max());
    const auto process = pid ? host_.process(static_cast<pid_t>(*pid)) : std::nullopt;
    if (!process) return Error{"running", command_text(step.command), "the process that it started ended at once", ""};
    HOLDFAST_CHECK(host_.write_file(*step.pidfile, format_process_id(*process), 0600));
    undo_.emplace_back(Terminate{*step.pidfile});
    return {};
  }

  static Error failure(const Run& step, const os::Completed& done) {
    std::string cause = first_line(done.err);
    if (cause.empty()) cause = first_line(done.out);
    constexpr std::size_t k_longest = 400;
    cause.resize(std::min(cause.size(), k_longest));
    if (done.timed_out)
      cause =
          fmt::format("no answer within {} s", std::chrono::duration_cast<std::chrono::seconds>(step.deadline).count());
    else if (cause.empty())
      cause = fmt::format("it exited with status {}", done.exit_code);
    return Error{"running", command_text(step.command), cause, ""};
  }

  os::Host& host_;
  Plan& undo_;
  std::vector<fs::path>& made_;
};

}  // namespace

bool is_in_place(const Step& step, const os::Host& host) {
  if (const auto* file = std::get_if<WriteFile>(&step)) {
    const auto bytes = host.read_file(file->path, k_largest_file);
    return bytes && *bytes == file->bytes;
  }
  if (const auto* edit = std::get_if<EditCrontab>(&step)) {
    const auto crontab = read_crontab(host, k_crontab_deadline);
    // Without crontab(1) there is no block. One that may not be read may have it.
    if (!crontab || crontab->denied) return !edit->lines && !host.find_program("crontab");
    return crontab_lines_of(crontab->text.value_or(std::string()), edit->name.text()) == edit->lines;
  }
  if (const auto* edit = std::get_if<EditBlock>(&step)) {
    const auto block = read_block(edit->file, edit->label, host);
    return block && *block == edit->lines;
  }
  return true;
}

std::vector<EditBlock> due_edits(const Plan& plan, const os::Host& host) {
  std::vector<EditBlock> due;
  for (const auto& step : plan)
    if (const auto* edit = std::get_if<EditBlock>(&step); edit != nullptr && !is_in_place(step, host))
      due.push_back(*edit);
  return due;
}

std::vector<std::string> Applied::unwind(os::Host& host) {
  std::vector<std::string> errors;
  Plan ignored;
  PlanExecutor executor(host, ignored, made_directories_);
  for (auto step = undo_.rbegin(); step != undo_.rend(); ++step)
    if (auto done = std::visit(executor, *step); !done) errors.push_back(done.error().line());
  undo_.clear();
  made_directories_.clear();
  return errors;
}

void Applied::append(Applied later) {
  undo_.insert(undo_.end(), std::make_move_iterator(later.undo_.begin()), std::make_move_iterator(later.undo_.end()));
  made_directories_.insert(made_directories_.end(), later.made_directories_.begin(), later.made_directories_.end());
}

std::vector<fs::path> directories_to_make(const Plan& plan, const os::Host& host) {
  std::vector<fs::path> directories;
  for (const auto& step : plan) {
    fs::path innermost;
    if (const auto* file = std::get_if<WriteFile>(&step)) innermost = file->path.parent_path();
    if (const auto* directory = std::get_if<MakeDirectory>(&step)) innermost = directory->path;
    for (auto& missing : missing_above(innermost, host))
      if (std::ranges::find(directories, missing) == directories.end()) directories.push_back(std::move(missing));
  }
  return directories;
}

Result<Applied> apply(const Plan& plan, os::Host& host) {
  Applied applied;
  PlanExecutor executor(host, applied.undo_, applied.made_directories_);
  for (const auto& step : plan) {
    auto done = std::visit(executor, step);
    if (done) continue;
    auto error = std::move(done).error();
    for (const auto& line : applied.unwind(host)) error.cause += "; and it could not be undone: " + line;
    return error;
  }
  return applied;
}

}  // namespace holdfast::backends
