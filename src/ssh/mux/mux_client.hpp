// A client of ssh's control socket. One request, one connection, one deadline: a master that hangs cannot hang us.
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

/// How a request ended, when it was answered by the master.
struct Granted {
  std::uint32_t value = 0;
};  ///< ok; the master's pid (alive) or the allocated port
struct Refused {
  std::string reason;
};  ///< the master or the server said no
struct NoReply {
  std::string why;
};  ///< no socket, not the protocol, closed, or the deadline passed
using Answer = std::variant<Granted, Refused, NoReply>;

/// How an end-to-end probe through `ssh` ended.
struct ProbeAnswer {
  enum class Kind {
    banner,    ///< the far end spoke "SSH-"
    open,      ///< the channel stayed open for the time asked
    silent,    ///< opened, an SSH banner was expected, none came in time
    closed,    ///< opened and closed at once without a byte
    refused,   ///< the server would not open it: nothing listens there, or it is not permitted
    no_reply,  ///< the master or the server did not answer in time
  } kind = Kind::no_reply;
  std::chrono::microseconds round_trip{0};  ///< from the request to the first byte (banner) or to the opening
  std::string reason;
  bool spoke = false;  ///< at least one byte came, an SSH banner or not
};

struct ProbeRequest {
  End listen;  ///< what to dial on the bastion
  bool expect_ssh_banner = true;
  Deadline reply{3000};     ///< for the master's answer (the channel's opening)
  Deadline timeout{3000};   ///< for the banner after the opening
  Deadline stay_open{250};  ///< for `open`
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
  /// The master listens on `here`, a path of this machine's, and what connects to it comes out at `to`, dialled from
  /// the server. Closing does not remove the socket's file, and spares the connections made through it.
  void open_local(const SocketEnd& here, const End& to, Deadline deadline, OnAnswer handler);
  void close_local(const SocketEnd& here, const End& to, Deadline deadline, OnAnswer handler);
  void terminate(Deadline deadline, OnAnswer handler);
  void probe(const ProbeRequest& request, OnProbe handler);

  /// For a caller whose context no longer runs and whose ssh goes on: drops all requests and blocks, for up to 1 s,
  /// until the master has closed the connections of the probes.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The same, waited for: for commands that have no event loop.
[[nodiscard]] Answer alive(const boost::filesystem::path& control, Deadline deadline);
[[nodiscard]] Answer open_forward(const boost::filesystem::path& control, const Forward& forward, Deadline deadline);
[[nodiscard]] Answer close_forward(const boost::filesystem::path& control, const Forward& forward, Deadline deadline);
[[nodiscard]] Answer terminate(const boost::filesystem::path& control, Deadline deadline);
[[nodiscard]] ProbeAnswer probe(const boost::filesystem::path& control, const ProbeRequest& request);

}  // namespace holdfast::ssh::mux
