// One question to the kernel over netlink(7), and its answer.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::os {

struct NetlinkAnswer {
  std::uint16_t type = 0;  ///< NLMSG_ERROR, or the type of the protocol.
  std::string payload;     ///< Without nlmsghdr.
};

/// Sends `request`, whose nlmsg_len covers its payload, and returns the first message of the answer. Empty when the
/// kernel cannot be asked. Blocks for 200 ms at most; the kernel answers at once.
[[nodiscard]] std::optional<NetlinkAnswer> ask_kernel(int protocol, const nlmsghdr& request);

/// Calls `visit` with each attribute of `bytes`: struct rtattr of rtnetlink(7), which other protocols use, too.
void for_each_attribute(std::string_view bytes,
                        const std::function<void(unsigned type, std::string_view value)>& visit);

}  // namespace holdfast::os
