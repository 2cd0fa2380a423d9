// What may stand at the end of an unfinished command line: the one answer that all shells' completions ask for.
#pragma once

#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

struct Completion {
  std::string word;  ///< the whole word, and nothing in it that any shell would expand
  std::string note;  ///< what it is, one line; may be empty
};

struct Completions {
  std::vector<Completion> words;
  bool files = false;  ///< a file is wanted: the shell completes those best itself
};

/// `line`: the words after the program's name up to the cursor, the last of them unfinished and maybe empty. Candidates
/// are not narrowed to what that word begins with, for shells match in ways of their own; what it holds up to a `=` or
/// `@` is kept. Looks at files alone and starts no process; what cannot be read gives nothing.
[[nodiscard]] Completions completions(const std::vector<std::string>& line, const os::Host& host);

/// A line for each: "WORD<tab>NOTE"; ":file" where a file is wanted.
[[nodiscard]] std::string completion_lines(const Completions& completions);

}  // namespace holdfast::cli
