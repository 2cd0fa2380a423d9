// Tunnels for the tests of ssh.
#pragma once

#include "core/tunnel.hpp"

#include <string>
#include <utility>
#include <vector>

inline holdfast::TunnelSpec spec_to(const std::string& bastion, const std::vector<std::string>& ports = {"2222"}) {
  std::vector<holdfast::Forward> forwards;
  for (const auto& port : ports) forwards.push_back(holdfast::Forward::parse(port).value());
  return {holdfast::TunnelName::parse("lab").value(), holdfast::Destination::parse(bastion).value(),
          std::move(forwards)};
}

inline holdfast::Tunnel tunnel_to(const std::string& bastion, const std::vector<std::string>& ports = {"2222"}) {
  return holdfast::Tunnel::make(spec_to(bastion, ports)).value();
}

inline holdfast::Tunnel tunnel_with_key(const std::string& bastion, const std::string& key) {
  auto spec = spec_to(bastion);
  spec.identity = key;
  return holdfast::Tunnel::make(std::move(spec)).value();
}
