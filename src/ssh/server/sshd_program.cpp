#include "ssh/server/sshd_program.hpp"

#include <chrono>

namespace holdfast::ssh {

Result<Version> parse_sshd_version(const std::string& output) {
  const auto at = output.find("OpenSSH_");
  if (at == std::string::npos) return Error{"reading the version of", "sshd", "it is not OpenSSH", ""};
  return parse_version(output.substr(at, output.find('\n', at) - at));
}

Result<SshdProgram> find_sshd(const os::Host& host) {
  constexpr std::chrono::seconds k_deadline(5);
  const auto path = host.find_program("sshd");
  if (!path)
    return Error{"looking for", "the sshd program", "it is not installed on " + host.hostname(),
                 "forward to a service of the command instead: -t HOST:PORT"};
  HOLDFAST_TRY(const auto done, host.run(os::Command{{path->native(), "-V"}}, k_deadline));
  HOLDFAST_TRY(const auto version, parse_sshd_version(done.err + done.out));
  return SshdProgram{*path, version};
}

}  // namespace holdfast::ssh
