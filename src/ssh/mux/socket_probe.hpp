// Connects to a unix socket on the bastion with any release of OpenSSH. Before 9.4 a stdio forward treats a path as a
// host name (channel_connect_stdio_fwd in its channels.c). So the master forwards a private local socket to the remote
// one, the probe connects to it once, and the forward is closed again.
#pragma once

#include "ssh/mux/mux_client.hpp"

namespace holdfast::ssh::mux {

class SocketProbe {
 public:
  /// `here`: the path of the local socket, in a private directory. A file at that path is removed.
  SocketProbe(boost::asio::io_context& context, MuxClient& mux, boost::filesystem::path here);
  /// Drops a probe under way without calling its handler. Removes the local socket.
  ~SocketProbe();
  SocketProbe(const SocketProbe&) = delete;
  SocketProbe& operator=(const SocketProbe&) = delete;

  /// As MuxClient::probe() for a `request.listen` that is a SocketEnd; drops a probe under way. Two differences: when
  /// the bastion refuses the channel, the answer is `closed` (ssh logs the reason), and `open` proves only the
  /// connection to the master.
  void probe(const ProbeRequest& request, MuxClient::OnProbe handler);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::ssh::mux
