// A tunnel file is a tunnel or an error. The output of format_tunnel() parses to an equal tunnel, and a truncated one
// does not parse.
#include "store/tunnel_file.hpp"

#include "target.hpp"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto k_name = TunnelName::parse("2222");
  const auto tunnel = store::parse_tunnel(*k_name, fuzz::text_of(data, size), "/t/2222.conf", "/home/ann");
  if (!tunnel) {
    fuzz::promise(tunnel.error().status == ExitStatus::failed, "a bad file is a failure");
    fuzz::promise(tunnel.error().subject.starts_with("/t/2222.conf"), "the error names the file");
    fuzz::promise(!tunnel.error().cause.empty(), "the error has a cause");
    fuzz::promise(fuzz::is_one_safe_line(tunnel.error().line()), "the error is one safe line");
    return 0;
  }
  const std::string written = store::format_tunnel(*tunnel);
  const auto again = store::parse_tunnel(*k_name, written, "/t/2222.conf", "/home/ann");
  fuzz::promise(again && *again == *tunnel, "a written tunnel reads back");
  // A truncated file must not parse as another tunnel. One position, chosen by the input: all would take quadratic
  // time.
  const std::size_t cut = size == 0 ? 0 : (size * 31 + data[0]) % written.size();
  fuzz::promise(!store::parse_tunnel(*k_name, written.substr(0, cut), "/t/2222.conf", "/home/ann"),
                "a file that was cut short is an error");
  return 0;
}
