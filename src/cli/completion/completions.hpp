// Completes an unfinished command line, for the completion scripts of all shells.
#pragma once

#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

struct Completion {
  std::string word;  ///< the whole word; no shell expands anything in it
  std::string note;  ///< a description, one line; may be empty
};

struct Completions {
  std::vector<Completion> words;
  bool files = false;  ///< a file name is expected, which the shell completes itself
};

/// `line`: the words after the program's name up to the cursor; the last one is unfinished and may be empty.
/// Completions are not filtered by its beginning, because shells match in their own ways, but its part up to `=` or `@`
/// is kept. Reads files only and starts no process; an unreadable file gives no completion.
[[nodiscard]] Completions completions(const std::vector<std::string>& line, const os::Host& host);

/// One line each, "WORD<tab>NOTE"; the line ":file" when a file name is expected.
[[nodiscard]] std::string completion_lines(const Completions& completions);

}  // namespace holdfast::cli
