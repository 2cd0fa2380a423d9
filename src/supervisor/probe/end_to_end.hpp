// Does a byte come back? Through ssh's own connection to the bastion's end of each forward, and back to the target
// here.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/mux/mux_client.hpp"
#include "supervisor/machine/machine.hpp"

#include <boost/filesystem/path.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// What the bastion meant when it would not open a channel, from the lines that ssh logged meanwhile.
enum class RefusedOpen { prohibited, nobody_listens, other };
[[nodiscard]] RefusedOpen why_refused(std::string_view log_lines) noexcept;

class EndToEnd {
 public:
  /// `probe_socket`: where a socket may be made for moments; `log` gives the lines that ssh has logged since it was
  /// last called.
  EndToEnd(boost::asio::io_context& context, ssh::mux::MuxClient& mux, const boost::filesystem::path& probe_socket,
           const Tunnel& tunnel, std::function<std::string()> log);
  ~EndToEnd();
  EndToEnd(const EndToEnd&) = delete;
  EndToEnd& operator=(const EndToEnd&) = delete;

  /// Asks these forwards, one after the other, and stops at the first silence. `on_answer` is called once, later: a
  /// forward has `timeout` for the bastion's answer and 3 s for the target's; a check under way is dropped.
  void check(std::vector<std::size_t> forwards, Milliseconds timeout, std::function<void(ProbeAnswered)> on_answer);

  /// Who listens on the bastion's end of a forward that was refused to us. `closely`: whether who it listens for has
  /// anything to say. `on_answer` is called once, later, within 6 s.
  void find_port_holder(std::size_t forward, bool closely, std::function<void(PortHolderAnswered)> on_answer);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
