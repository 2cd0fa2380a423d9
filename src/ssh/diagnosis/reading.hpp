// What the lines of one output of ssh add up to. Pure.
#pragma once

#include "ssh/diagnosis/messages.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

struct Reading {
  std::optional<Message> verdict;  ///< a decisive line, or else the first consequence
  std::vector<Message> circumstances;
  std::string_view offending;
  std::string_view last;                         ///< the last unknown line
  bool through_proxy = false;                    ///< "… UNKNOWN port 65535": a ProxyCommand or ProxyJump
  std::vector<std::string_view> connect_errors;  ///< "debug1: connect to address A port P: REASON"
};

/// Which of several decisive lines counts. Of one ssh it is the last. In the stderr of a chain of jump hosts it is the
/// first: the others complain later that it closed the connection.
enum class Decisive { last, first };

[[nodiscard]] Reading read_messages(std::string_view text, Decisive decisive = Decisive::last);

/// The circumstance that explains an end of class `failure`; null when there is none.
[[nodiscard]] const Message* find_reason(const Reading& reading, FailureClass failure) noexcept;

/// ssh reports only the last address of a name. "Network is unreachable" for an IPv6 address says nothing about a
/// machine that refused at its IPv4 address: returns the message as ssh would print it for that address. Empty when
/// ssh's own message is right, or the log is not verbose.
[[nodiscard]] std::string better_connect_error(const Reading& reading);

}  // namespace holdfast::ssh
