// Picks the first port of a range that the bastion grants. Pure.
#pragma once

#include "core/port_range.hpp"
#include "supervisor/machine/view.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace holdfast::tunnels {

class PortChoice {
 public:
  explicit PortChoice(PortRange range) : range_(range), port_(range.first()) {}

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// The next port to request.
  struct Next {
    std::uint16_t port;
    std::chrono::milliseconds wait;  ///< before the request
    bool new_login;                  ///< the bastion has forbidden the last port, which ends its connection
  };
  /// Call it after each event of the tunnel. The caller then requests `port`, and reports that with requested(). Once
  /// the bastion has granted a port, that one stays: the user knows it.
  [[nodiscard]] std::optional<Next> on_view(const supervisor::View& view);
  void requested() noexcept { step_ = Step::applying; }

 private:
  enum class Step {
    requesting,  ///< the bastion has not answered for this port
    waiting,     ///< on_view() has returned the next port
    applying,    ///< it is requested, and the view may still show the state of the last one
    settled,
  };
  PortRange range_;
  std::uint16_t port_;
  Step step_ = Step::requesting;
};

}  // namespace holdfast::tunnels
