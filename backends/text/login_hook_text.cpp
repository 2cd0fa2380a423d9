#include "backends/text/login_hook_text.hpp"

#include "backends/text/block_file.hpp"
#include "backends/text/installed_text.hpp"
#include "backends/text/marked_block.hpp"
#include "backends/text/templates.hpp"
#include "backends/text/unit_text.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_name_service_deadline{2000};
constexpr std::array<std::string_view, 4> k_names{"sh", "bash", "zsh", "fish"};

// The first line of a block of the login-hook backend. Part of a file format: it identifies the blocks to remove.
constexpr std::string_view k_managed =
    "# Put here for the tunnels that login-hook holds; the last of them takes it along.\n";

// In .bashrc only: a login shell has run the hook from its own file already, and often reads .bashrc too.
constexpr std::string_view k_not_at_login = "  *login_shell*,0) ;;\n  *login_shell*) (\\exit \"$?\") && : ;;";

/// One word for a POSIX shell, or for fish, which knows two escapes inside single quotes.
Result<std::string> quote(const std::string& word, Shell shell) {
  if (has_control_bytes(word))
    return Error{"writing the login hook for", word, "the program's path contains a control byte",
                 "move the program to another path"};
  if (shell != Shell::fish) return single_quoted(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

Result<std::string> hook_lines(Shell shell, std::string_view login_arm, const std::string& program_path,
                               const store::Paths& paths, const os::Host& host) {
  HOLDFAST_TRY(const auto text, find_template(fmt::format("hook.{}", to_text(shell)), paths, host));
  HOLDFAST_TRY(auto program, quote(program_path, shell));
  return fill_template(text.text, {{"PROGRAM", std::move(program)}, {"LOGIN", std::string(login_arm)}}, text.source);
}

std::optional<fs::path> absolute(const os::Host& host, const char* variable) {
  const auto value = host.env(variable);
  if (!value || !value->starts_with('/') || has_control_bytes(*value)) return std::nullopt;
  return fs::path(*value);
}

/// The file that a login bash reads. If none exists, .profile: creating another one would hide a later .profile.
fs::path bash_login_file(const os::Host& host) {
  const auto home = host.user().home;
  for (const char* name : {".bash_profile", ".bash_login"})
    if (host.status(home / name).kind != os::FileKind::missing) return home / name;
  return home / ".profile";
}

/// A start-up file, and the language of the hook in it.
struct StartUpFile {
  fs::path path;
  Shell language;
  std::string_view login_arm = {};
};

/// An interactive login reads the first one.
std::vector<StartUpFile> start_up_files(Shell shell, const store::Paths& paths, const os::Host& host) {
  const auto home = host.user().home;
  std::vector<StartUpFile> files;
  switch (shell) {
    case Shell::sh:
      files.push_back({home / ".profile", Shell::sh});
      if (const auto env = absolute(host, "ENV")) files.push_back({*env, Shell::sh});
      break;
    case Shell::bash:
      files.push_back({bash_login_file(host), Shell::sh});
      files.push_back({home / ".bashrc", Shell::bash, k_not_at_login});
      break;
    case Shell::zsh:
      files.push_back({absolute(host, "ZDOTDIR").value_or(home) / ".zshrc", Shell::zsh});
      break;
    case Shell::fish:
      files.push_back({paths.config.parent_path() / "fish/conf.d/holdfast.fish", Shell::fish});
      break;
  }
  return files;
}

/// The shells that a start-up file of `shell` replaces it with: `exec fish`, `exec /usr/bin/zsh -l`.
std::vector<Shell> successors_of(Shell shell, const store::Paths& paths, const os::Host& host) {
  constexpr std::size_t k_largest_file = 1 << 20;
  std::vector<Shell> found;
  for (const auto& file : start_up_files(shell, paths, host)) {
    const auto text = host.read_file(file.path, k_largest_file);
    if (!text) continue;
    for (auto line : split(*text, '\n')) {
      line = line.substr(0, line.find('#'));
      for (char& c : line)
        if (!consists_of(std::string_view(&c, 1), "-_.")) c = ' ';  // quotes, slashes, $( )
      const auto words = split_words(line);
      for (auto word = std::ranges::find(words, "exec"); word != words.end(); ++word)
        for (const auto other : {Shell::bash, Shell::zsh, Shell::fish})
          if (*word == to_text(other) && other != shell && std::ranges::find(found, other) == found.end())
            found.push_back(other);
    }
  }
  return found;
}

/// Every file that can contain the hook of that shell, whatever the environment was at the time.
std::vector<fs::path> possible_files(Shell shell, const store::Paths& paths, const os::Host& host) {
  const auto home = host.user().home;
  std::vector<fs::path> files;
  const auto add = [&](fs::path file) {
    if (std::ranges::find(files, file) == files.end()) files.push_back(std::move(file));
  };
  for (auto& file : start_up_files(shell, paths, host)) add(std::move(file.path));
  if (shell == Shell::bash)
    for (const char* name : {".bash_profile", ".bash_login", ".profile"}) add(home / name);
  if (shell == Shell::zsh) add(home / ".zshrc");
  return files;
}

/// The existing hooks, in the files of every shell.
std::vector<EditBlock> existing_hooks(const store::Paths& paths, const os::Host& host) {
  std::vector<EditBlock> found;
  for (const auto shell : {Shell::sh, Shell::bash, Shell::zsh, Shell::fish})
    for (auto& file : possible_files(shell, paths, host)) {
      if (std::ranges::find(found, file, &EditBlock::file) != found.end()) continue;
      auto block = read_block(file, k_hook_label, host);
      if (block && *block) found.push_back({std::move(file), std::string(k_hook_label), std::move(*block)});
    }
  return found;
}

/// The program that an installed hook starts; empty when it is not what setup writes.
std::optional<fs::path> program_of(std::string_view lines, const StartUpFile& file, const store::Paths& paths,
                                   const os::Host& host) {
  const std::string any_program(k_any_program);
  const auto expected = hook_lines(file.language, file.login_arm, any_program, paths, host);
  const auto mark = quote(any_program, file.language);
  if (lines.starts_with(k_managed)) lines.remove_prefix(k_managed.size());
  const auto word = expected && mark ? text_at_mark(lines, *expected, *mark) : std::nullopt;
  if (!word) return std::nullopt;
  // In fish, backslashes escape inside the quotes too.
  return file.language == Shell::fish ? unquoted(word->substr(1, word->size() - 2)) : unquoted(*word);
}

std::optional<Shell> shell_of(const fs::path& program) {
  const auto name = program.filename().string();
  for (const char* posix_shell : {"dash", "ash", "busybox", "ksh", "ksh93", "mksh"})
    if (name == posix_shell) return Shell::sh;
  const auto shell = parse_shell(name);
  return shell ? std::optional(*shell) : std::nullopt;
}

std::string shell_from_name_service(const os::Host& host) {
  const auto answer =
      host.run({{"getent", "passwd", std::to_string(host.user().uid)}, {}, {}}, k_name_service_deadline);
  if (!answer || !answer->ok()) return {};
  const auto fields = split(trim(answer->out), ':');
  constexpr std::size_t k_shell = 6;  // passwd(5)
  return fields.size() > k_shell ? fields[k_shell] : std::string();
}

}  // namespace

Result<Shell> parse_shell(std::string_view name) {
  const auto found = std::ranges::find(k_names, name);
  if (found != k_names.end()) return static_cast<Shell>(found - k_names.begin());
  return usage_error(fmt::format("shell \"{}\"", name), "this shell is not supported",
                     "supported: sh, bash, zsh, fish");
}

std::string_view to_text(Shell shell) noexcept { return k_names[static_cast<std::size_t>(shell)]; }

Result<Shell> login_shell(const os::Host& host) {
  auto program = host.env("SHELL").value_or("");
  if (program.empty()) program = shell_from_name_service(host);
  if (program.empty())
    return Error{"finding", "your login shell", "SHELL is not set, and getent does not name one",
                 "name it: holdfast hook --install bash"};
  if (const auto shell = shell_of(program)) return *shell;
  return Error{"finding", "the login hook for your login shell " + program, "this shell is not supported",
               "for another shell: holdfast hook --install bash"};
}

Result<std::string> hook_text(Shell shell, const store::Paths& paths, const os::Host& host) {
  HOLDFAST_TRY(const auto lines, hook_lines(shell, {}, host.self().string(), paths, host));
  return marked(k_hook_label, lines);
}

Result<Plan> install_hook(Shell shell, const store::Paths& paths, const os::Host& host) {
  auto shells = successors_of(shell, paths, host);
  shells.insert(shells.begin(), shell);
  Plan plan;
  for (const auto each : shells)
    for (const auto& file : start_up_files(each, paths, host)) {
      HOLDFAST_TRY(auto lines, hook_lines(file.language, file.login_arm, host.self().string(), paths, host));
      plan.emplace_back(EditBlock{file.path, std::string(k_hook_label), std::move(lines)});
    }
  return plan;
}

Plan remove_hook(Shell shell, const store::Paths& paths, const os::Host& host) {
  auto shells = successors_of(shell, paths, host);
  shells.insert(shells.begin(), shell);
  Plan plan;
  for (const auto each : shells)
    for (auto& path : possible_files(each, paths, host))
      plan.emplace_back(EditBlock{std::move(path), std::string(k_hook_label), {}});
  return plan;
}

Result<Plan> install_managed_hook(const store::Paths& paths, const os::Host& host) {
  HOLDFAST_TRY(const auto shell, login_shell(host));
  HOLDFAST_TRY(auto plan, install_hook(shell, paths, host));
  for (auto& step : plan) {
    auto& edit = std::get<EditBlock>(step);
    HOLDFAST_TRY(const auto block, read_block(edit.file, edit.label, host));
    if (!block || block->starts_with(k_managed)) edit.lines = std::string(k_managed) + *edit.lines;
  }
  return plan;
}

Plan remove_managed_hook(const store::Paths& paths, const os::Host& host) {
  Plan plan;
  for (auto& hook : existing_hooks(paths, host))
    if (hook.lines->starts_with(k_managed))
      plan.emplace_back(EditBlock{std::move(hook.file), std::move(hook.label), {}});
  return plan;
}

std::vector<fs::path> files_with_hook(const store::Paths& paths, const os::Host& host) {
  std::vector<fs::path> files;
  for (auto& hook : existing_hooks(paths, host)) files.push_back(std::move(hook.file));
  return files;
}

Registration check_hook(const store::Paths& paths, const os::Host& host) {
  Registration answer;
  answer.restarts = answer.starts = false;
  const auto shell = login_shell(host);
  if (!shell) return answer;
  const auto files = start_up_files(*shell, paths, host);
  for (const auto& file : files) {
    const auto block = read_block(file.path, k_hook_label, host);
    const bool present = block && *block;
    const auto program = present ? program_of(**block, file, paths, host) : std::nullopt;
    if (&file == &files.front()) {
      answer.installed = present;
      answer.restarts = answer.starts = program.has_value();
    }
    if (program) answer.program = program;
    if (!present)
      answer.problems.push_back(fmt::format("the login hook is missing from {}", file.path.string()));
    else if (!program)
      answer.problems.push_back(fmt::format("the login hook in {} differs from what setup writes", file.path.string()));
  }
  check_program(answer, host);
  return answer;
}

bool has_login_hook(const store::Paths& paths, const os::Host& host) { return check_hook(paths, host).starts; }

Survives back_at_login(Survives survives) {
  for (auto* survival : {&survives.crash, &survives.logout, &survives.reboot})
    if (survival->kind == Survival::Kind::no) survival->kind = Survival::Kind::at_login;
  return survives;
}

Survives with_login_hook(Survives survives, const store::Paths& paths, const os::Host& host) {
  return has_login_hook(paths, host) ? back_at_login(survives) : survives;
}

}  // namespace holdfast::backends
