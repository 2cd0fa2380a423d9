// A client of ssh's control socket. Each request has its own connection and deadline, so a hanging master cannot block
// the caller.
#pragma once

#include "core/forward.hpp"
#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace boost::asio {
class io_context;
}

namespace holdfast::ssh::mux {

using Deadline = std::chrono::milliseconds;

/// How a request ended.
struct Granted {
  std::uint32_t value = 0;
};  ///< success: the master's pid for alive(), else the allocated port
struct Refused {
  std::string reason;
};  ///< the master or the server refused
struct NoReply {
  std::string why;
};  ///< no socket, an invalid reply, a closed connection, or a timeout
using Answer = std::variant<Granted, Refused, NoReply>;

/// How an end-to-end probe through `ssh` ended.
struct ProbeAnswer {
  enum class Kind {
    banner,    ///< an ssh banner came
    open,      ///< the channel stayed open for ProbeRequest::stay_open
    silent,    ///< opened, but no ssh banner came in time
    closed,    ///< opened, then closed without a banner; `reason`: what came before, if `spoke`
    refused,   ///< the server did not open it: nothing listens there, or it is not permitted
    no_reply,  ///< the master or the server did not answer in time
  } kind = Kind::no_reply;
  std::chrono::microseconds round_trip{0};  ///< from the request to the first byte (banner) or to the opening
  std::string reason;
  bool spoke = false;  ///< at least one byte came
};

struct ProbeRequest {
  End listen;  ///< the address to connect to on the bastion
  bool expect_ssh_banner = true;
  Deadline reply{3000};     ///< for the opening of the channel
  Deadline timeout{3000};   ///< for the banner after the opening
  Deadline stay_open{250};  ///< for `open`
  /// Called while the probe is open, before it ends as `banner`, `open` or `silent`. False: a probe that would end as
  /// `open` waits longer, until `timeout`.
  std::function<bool()> may_end = {};
};

/// Asynchronous requests on an io_context. The handler is called exactly once, never from within the call.
/// Destroying the client drops all requests under way without calling handlers. The control connection of a probe stays
/// open for up to 1 s after its answer or its drop: only the master may close it (mux_exchange.hpp).
class MuxClient {
 public:
  using OnAnswer = std::function<void(Answer)>;
  using OnProbe = std::function<void(ProbeAnswer)>;

  MuxClient(boost::asio::io_context& context, boost::filesystem::path control);
  ~MuxClient();
  MuxClient(const MuxClient&) = delete;
  MuxClient& operator=(const MuxClient&) = delete;

  void alive(Deadline deadline, OnAnswer handler);
  void open_forward(const Forward& forward, Deadline deadline, OnAnswer handler);
  void close_forward(const Forward& forward, Deadline deadline, OnAnswer handler);
  /// The master listens on the local path `here` and forwards connections to `to`, as seen from the server. Closing the
  /// forward keeps the socket file and open connections.
  void open_local(const SocketEnd& here, const End& to, Deadline deadline, OnAnswer handler);
  void close_local(const SocketEnd& here, const End& to, Deadline deadline, OnAnswer handler);
  void terminate(Deadline deadline, OnAnswer handler);
  void probe(const ProbeRequest& request, OnProbe handler);

  /// For a caller whose context no longer runs while ssh continues: drops all requests and blocks for up to 1 s, until
  /// the master has closed the connections of the probes.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Blocking versions, for commands without an event loop.
[[nodiscard]] Answer alive(const boost::filesystem::path& control, Deadline deadline);
[[nodiscard]] Answer open_forward(const boost::filesystem::path& control, const Forward& forward, Deadline deadline);
[[nodiscard]] Answer close_forward(const boost::filesystem::path& control, const Forward& forward, Deadline deadline);
[[nodiscard]] Answer terminate(const boost::filesystem::path& control, Deadline deadline);
[[nodiscard]] ProbeAnswer probe(const boost::filesystem::path& control, const ProbeRequest& request);

}  // namespace holdfast::ssh::mux
