// Finds the identification line of an ssh server in the bytes of a peer. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh {

/// RFC 4253, 4.2: "SSH-2.0-softwareversion comments", possibly after lines of another kind.
class BannerReader {
 public:
  void add(std::string_view bytes) { received_.append(bytes); }

  [[nodiscard]] bool empty() const noexcept { return received_.empty(); }
  [[nodiscard]] const std::string& received() const noexcept { return received_; }
  /// More than 8 KiB came; a server sends its banner sooner.
  [[nodiscard]] bool is_full() const noexcept;
  /// The banner has begun.
  [[nodiscard]] bool has_banner() const noexcept { return begin() != std::string::npos; }
  /// "OpenSSH_9.2p1", once the whole line is there; escaped.
  [[nodiscard]] std::optional<std::string> software() const;

 private:
  [[nodiscard]] std::size_t begin() const noexcept;

  std::string received_;
};

}  // namespace holdfast::ssh
