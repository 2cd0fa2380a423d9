// Bytes from the control socket: whole packets are removed, incomplete ones stay, and parsing always makes progress.
#include "ssh/mux/mux_wire.hpp"

#include "target.hpp"

using namespace holdfast;
using namespace holdfast::ssh::mux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string buffer(fuzz::text_of(data, size));
  while (true) {
    const std::string before = buffer;
    const auto reply = take_reply(buffer);
    if (!reply) {
      fuzz::promise(fuzz::is_one_safe_line(reply.error().line()), "the error is one safe line");
      return 0;
    }
    if (!*reply) {
      fuzz::promise(buffer == before, "bytes of a half packet stay");
      fuzz::promise(buffer.size() < 4 + k_largest_packet, "a whole packet is never waited for");
      return 0;
    }
    fuzz::promise(buffer.size() + 8 <= before.size(), "a packet takes at least its head off");
    fuzz::promise(before.ends_with(buffer), "bytes after a packet are unchanged");
    fuzz::promise((*reply)->reason.size() <= before.size() - buffer.size(), "a reason comes from its packet");

    // The same packet without its last byte is incomplete: the speed of the socket must not matter.
    std::string cut = before.substr(0, before.size() - buffer.size() - 1);
    const auto half = take_reply(cut);
    fuzz::promise(half && !*half, "a packet that lacks its last byte is waited for");
  }
}
