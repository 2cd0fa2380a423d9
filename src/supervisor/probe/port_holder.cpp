#include "supervisor/probe/port_holder.hpp"

#include "supervisor/probe/probe_result.hpp"

namespace holdfast::supervisor {
namespace {

using ssh::mux::ProbeAnswer;
using Holder = PortHolderAnswered::Kind;

PortHolderAnswered held_by(const End& listen, const char* who, const char* hint) {
  return {.kind = Holder::held,
          .why = Diagnosis{FailureClass::forward_busy,
                           end_text(listen) + " on the bastion is already in use: " + who + " answers there", hint},
          .responds = true};
}

PortHolderAnswered refused(const End& listen, std::string_view log_lines) {
  const OpenFailure why = classify_open_failure(log_lines);
  // A socket's file stays when its listener exits, and blocks the next listener: unix(7).
  if (std::holds_alternative<SocketEnd>(listen) && why != OpenFailure::prohibited)
    return {.kind = Holder::held, .why = {}};
  return {.kind = why == OpenFailure::nobody_listens ? Holder::free : Holder::prohibited, .why = {}};
}

}  // namespace

PortHolderAnswered port_holder_of(const ProbeAnswer& reply, const End& listen, std::string_view log_lines) {
  switch (reply.kind) {
    case ProbeAnswer::Kind::no_reply:
      return {.kind = Holder::no_reply, .why = {}};
    case ProbeAnswer::Kind::refused:
      return refused(listen, log_lines);
    case ProbeAnswer::Kind::silent:
      if (reply.spoke) return held_by(listen, "a service that is not ssh", "use another port");
      return {.kind = Holder::silent,
              .why = Diagnosis{FailureClass::forward_busy,
                               "the bastion still holds " + end_text(listen) + " for a host that does not answer",
                               "set ClientAliveInterval 15 in its sshd_config: it then releases the port sooner"}};
    case ProbeAnswer::Kind::banner:
      return held_by(listen, "an ssh server", "use another port, or end the tunnel that has this one");
    case ProbeAnswer::Kind::open:
      return {.kind = Holder::held, .responds = reply.spoke};
    case ProbeAnswer::Kind::closed:
      if (reply.spoke) return held_by(listen, "a service that is not ssh", "use another port");
      return {.kind = Holder::held, .responds = true};
  }
  return {};
}

}  // namespace holdfast::supervisor
