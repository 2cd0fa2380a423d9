// A valid forward has a bind address, fits the wire format, and its text parses to an equal value.
#include "core/forward.hpp"

#include "target.hpp"

using namespace holdfast;

namespace {

void check_end(const End& end) {
  if (const auto* tcp = std::get_if<TcpEnd>(&end)) {
    fuzz::promise(!tcp->host.empty() && tcp->host.front() != '-', "a TCP end has an address");
    fuzz::promise(tcp->port != 0, "a TCP end has a port");
    return;
  }
  const auto& path = std::get<SocketEnd>(end).path;
  fuzz::promise(path.size() > 1 && path.front() == '/', "a socket's path is absolute");
  fuzz::promise(path.size() <= 107, "a socket's path fits sun_path");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto forward = Forward::parse(fuzz::text_of(data, size));
  if (!forward) {
    fuzz::promise(forward.error().status == ExitStatus::usage, "a bad forward is a usage error");
    fuzz::promise(fuzz::is_one_safe_line(forward.error().line()), "the error is one safe line");
    return 0;
  }
  check_end(forward->listen());
  check_end(forward->target());
  fuzz::promise(fuzz::is_one_safe_line(forward->text()), "it holds no control byte");
  fuzz::promise(!forward->short_text().empty(), "there is a word for it");
  const auto again = Forward::parse(forward->text());
  fuzz::promise(again && *again == *forward, "the normal form reads back");
  return 0;
}
