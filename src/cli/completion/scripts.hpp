// The completion scripts of completions/, embedded in the program.
#pragma once

#include <array>
#include <string_view>

namespace holdfast::cli {

struct CompletionScript {
  std::string_view shell;
  std::string_view file;            ///< in completions/
  std::string_view recommendation;  ///< how to install it
};

inline constexpr std::array k_completion_scripts{
    CompletionScript{"bash", "holdfast.bash", "in ~/.bashrc: eval \"$(holdfast completion bash)\""},
    CompletionScript{"zsh", "_holdfast", "in ~/.zshrc, after compinit: eval \"$(holdfast completion zsh)\""},
    CompletionScript{"fish", "holdfast.fish",
                     "to install: holdfast completion fish > ~/.config/fish/completions/holdfast.fish"}};

/// The text of completions/NAME; empty when there is none.
[[nodiscard]] std::string_view embedded_completion(std::string_view name) noexcept;

}  // namespace holdfast::cli
