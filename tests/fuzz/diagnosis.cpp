// For any log and stderr of ssh, which contain hostile text, the message and the hint are one safe line each.
#include "ssh/diagnosis/diagnosis.hpp"

#include "target.hpp"

using namespace holdfast;

namespace {

Tunnel a_tunnel() {
  TunnelSpec spec{*TunnelName::parse("2222"), *Destination::parse("gate@bastion:2200"), {*Forward::parse("2222")}};
  spec.forwards.push_back(*Forward::parse("/run/x.sock:localhost:80"));
  spec.identity = "/home/ann/.ssh/id_ed25519";
  return *Tunnel::make(std::move(spec));
}

void check(const Diagnosis& diagnosis) {
  fuzz::promise(!diagnosis.message.empty(), "there is a message");
  fuzz::promise(fuzz::is_one_safe_line(diagnosis.message), "the message is one safe line");
  fuzz::promise(fuzz::is_one_safe_line(diagnosis.hint), "the hint is one safe line");
  fuzz::promise(diagnosis.message.size() + diagnosis.hint.size() < 16 * 1024, "a person can read it");
}

}  // namespace

// The input is the log, up to a byte 0xFF if there is one; the rest is stderr.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tunnel k_tunnel = a_tunnel();
  const auto text = fuzz::text_of(data, size);
  const auto at = text.find('\xFF');
  const ssh::SshOutput output{std::string(text.substr(0, at)),
                              at == std::string_view::npos ? std::string() : std::string(text.substr(at + 1))};
  if (const auto diagnosis = ssh::diagnose(output, k_tunnel)) check(*diagnosis);
  const auto failure = ssh::says_forward_denied(output.log) ? FailureClass::forward_denied : FailureClass::forward_busy;
  check(ssh::explain(failure, k_tunnel, k_tunnel->forwards.front()));
  return 0;
}
