// The completion scripts of completions/, embedded in the program.
#pragma once

#include <array>
#include <string_view>

namespace holdfast::cli {

struct CompletionScript {
  std::string_view shell;
  std::string_view file;            ///< its name in completions/
  std::string_view recommendation;  ///< how a person who has just been shown it puts it to use
};

inline constexpr std::array k_completion_scripts{
    CompletionScript{"bash", "holdfast.bash", "in ~/.bashrc: eval \"$(holdfast completion bash)\""},
    CompletionScript{"zsh", "_holdfast", "in ~/.zshrc, after compinit: eval \"$(holdfast completion zsh)\""},
    CompletionScript{"fish", "holdfast.fish",
                     "holdfast completion fish > ~/.config/fish/completions/holdfast.fish keeps it"}};

/// The text of completions/NAME; empty when there is none.
[[nodiscard]] std::string_view embedded_completion(std::string_view name) noexcept;

}  // namespace holdfast::cli
