// Dials a unix socket of the bastion's, on any release of OpenSSH: before 9.4 a stdio forward takes a path for the name
// of a host (`ssh -W`, channel_connect_stdio_fwd in its channels.c). So the master is asked for a private socket of
// this machine's that leads there; it is dialled once and closed again.
#pragma once

#include "ssh/mux/mux_client.hpp"

namespace holdfast::ssh::mux {

class SocketProbe {
 public:
  /// `here`: where the private socket is made, in a directory that is ours alone; nothing else may be there.
  SocketProbe(boost::asio::io_context& context, MuxClient& mux, boost::filesystem::path here);
  /// Drops a probe under way without calling its handler; no file stays.
  ~SocketProbe();
  SocketProbe(const SocketProbe&) = delete;
  SocketProbe& operator=(const SocketProbe&) = delete;

  /// As MuxClient::probe(), of a `request.listen` that is a SocketEnd; one under way is dropped. What differs: a
  /// bastion that will not open the channel shows as `closed` (why, ssh logs before), and of a channel that stays open
  /// without a word only the connection to the master is known.
  void probe(const ProbeRequest& request, MuxClient::OnProbe handler);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::ssh::mux
