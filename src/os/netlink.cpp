#include "os/netlink.hpp"

#include "os/posix_files.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstring>

namespace holdfast::os {
namespace {

constexpr timeval k_answer_limit{0, 200'000};

}  // namespace

std::optional<NetlinkAnswer> ask_kernel(int protocol, const nlmsghdr& request) {
  const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket) return std::nullopt;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &k_answer_limit, sizeof k_answer_limit);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket.get(), &request, request.nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0)
    return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> answer;
  sockaddr_nl from{};
  socklen_t from_size = sizeof from;
  const ssize_t size =
      ::recvfrom(socket.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr)) || from.nl_pid != 0) return std::nullopt;
  nlmsghdr header{};
  std::memcpy(&header, answer.data(), sizeof header);
  if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > static_cast<std::size_t>(size)) return std::nullopt;
  return NetlinkAnswer{header.nlmsg_type,
                       std::string(answer.data() + NLMSG_HDRLEN, header.nlmsg_len - std::size_t{NLMSG_HDRLEN})};
}

void for_each_attribute(std::string_view bytes,
                        const std::function<void(unsigned type, std::string_view value)>& visit) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, bytes.data(), sizeof attribute);
    if (attribute.rta_len < RTA_LENGTH(0) || attribute.rta_len > bytes.size()) return;
    visit(attribute.rta_type, bytes.substr(RTA_LENGTH(0), attribute.rta_len - std::size_t{RTA_LENGTH(0)}));
    const std::size_t step = RTA_ALIGN(attribute.rta_len);
    if (step >= bytes.size()) return;
    bytes.remove_prefix(step);
  }
}

}  // namespace holdfast::os
