#include "backends/plan/apply.hpp"
#include "backends/text/marked_block.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

namespace holdfast::backends {
namespace {

// For a user to read and copy; holdfast never runs it through a shell.
std::string command_line(const std::vector<std::string>& argv) {
  std::string line;
  for (const auto& argument : argv) line += (line.empty() ? "" : " ") + shell_quote(argument);
  return printable(line);
}

std::string indented(std::string_view bytes) {
  std::string out;
  if (!bytes.empty() && bytes.back() == '\n') bytes.remove_suffix(1);
  for (const auto& line : split(bytes, '\n')) out += "\n    " + printable(line);
  return out;
}

struct Describer {
  std::string operator()(const WriteFile& step) const {
    return fmt::format("write {} ({:04o}){}", printable(step.path.string()), step.mode, indented(step.bytes));
  }
  std::string operator()(const RemoveFile& step) const { return "remove file " + printable(step.path.string()); }
  std::string operator()(const MakeDirectory& step) const {
    return fmt::format("make directory {} ({:04o})", printable(step.path.string()), step.mode);
  }
  std::string operator()(const RemoveEmptyDirectory& step) const {
    return "remove directory " + printable(step.path.string()) + " if it is empty";
  }
  std::string operator()(const RemoveTree& step) const {
    return "remove directory " + printable(step.path.string()) + " and everything in it";
  }
  std::string operator()(const Run& step) const {
    return "run " + command_line(step.command.argv) +
           (step.pidfile ? " and write the pid that it prints to " + printable(step.pidfile->string()) : "") +
           (step.command.input.empty() ? "" : " with this input:" + indented(step.command.input));
  }
  std::string operator()(const OnUnwind& step) const {
    return "if a later step fails, run after the undo: " + command_line(step.command.argv);
  }
  std::string operator()(const StartDetached& step) const {
    return fmt::format("start in the background {} and write its pid to {}", command_line(step.detached.command.argv),
                       printable(step.pidfile.string()));
  }
  std::string operator()(const Terminate& step) const {
    return "end the process with the pid in " + printable(step.pidfile.string());
  }
  std::string operator()(const EditCrontab& step) const {
    if (!step.lines) return "remove the lines of tunnel " + step.name.text() + " from your crontab";
    return fmt::format("write the lines of tunnel {} to your crontab{}", step.name.text(), indented(*step.lines));
  }
  std::string operator()(const EditBlock& step) const {
    const auto file = printable(step.file.string());
    if (!step.lines) return fmt::format("remove the {} from {}", step.label, file);
    return fmt::format("write the {} to {}{}", step.label, file, indented(marked(step.label, *step.lines)));
  }
  std::string operator()(const TryCrontab& step) const {
    return fmt::format("test that your crontab accepts the lines of tunnel {}, then restore it", step.edit.name.text());
  }
};

}  // namespace

std::string describe(const Step& step) { return std::visit(Describer{}, step); }

}  // namespace holdfast::backends
