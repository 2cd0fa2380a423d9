#include "ssh/diagnosis/diagnosis_text.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/messages.hpp"

#include <fmt/format.h>

namespace holdfast::ssh {
namespace {

// The words for one class are one function, so that message and hint are written side by side.
class DiagnosisText {
 public:
  DiagnosisText(const Tunnel& tunnel, const Evidence& evidence) : tunnel_(tunnel), evidence_(evidence) {}

  Diagnosis dns() const {
    const auto said = between(evidence_.line, "hostname ", ": ");
    const std::string name = said.empty() ? tunnel_->bastion.host() : printable(said);
    if (evidence_.line.find("Temporary failure") != std::string_view::npos)
      return {FailureClass::dns, fmt::format("no name server answered when asked for \"{}\"", name),
              "check that this machine is online, and its /etc/resolv.conf"};
    return {FailureClass::dns, fmt::format("no machine is known by the name \"{}\"", name),
            fmt::format("check the spelling; getent hosts {} shows what this machine knows", shell_quote(name))};
  }

  Diagnosis refused() const {
    return {FailureClass::refused, fmt::format("nothing accepts ssh at {}: the connection was refused", where()),
            "check that sshd runs there, and the port: -b HOST:PORT"};
  }

  Diagnosis timeout() const {
    if (evidence_.line.find("banner exchange") != std::string_view::npos)
      return {FailureClass::timeout, fmt::format("{} took the connection and then said nothing", bastion()),
              "check that an ssh server listens on that port, and that it is not overloaded"};
    if (!evidence_.circumstance.empty())
      return {
          FailureClass::timeout, fmt::format("{} answered, and then stalled {}", bastion(), evidence_.circumstance),
          "it may be overloaded, or wait for a name server or a file system of its own; try ssh -v " + destination()};
    return {FailureClass::timeout, fmt::format("{} did not answer in time", bastion()),
            "it may be switched off, or a firewall drops the packets; try ssh -v " + destination()};
  }

  Diagnosis unreachable() const {
    const auto last = evidence_.line.rfind(": ");
    const std::string why =
        last == std::string_view::npos ? "" : printable(lower_first(evidence_.line.substr(last + 2)));
    return {FailureClass::unreachable,
            fmt::format("there is no way to {} from here{}", bastion(), why.empty() ? "" : ": " + why),
            "check this machine's network, cable or VPN"};
  }

  Diagnosis auth() const {
    const auto methods = between(evidence_.line, "Permission denied (", ")");
    if (!methods.empty() && methods.find("publickey") == std::string_view::npos)
      return {FailureClass::auth,
              fmt::format("{} does not let anyone in with a key; it wants: {}", bastion(), printable(methods)),
              "ask its owner for PubkeyAuthentication yes"};
    if (!tunnel_->identity)
      return {FailureClass::auth, fmt::format("{} refused every key that ssh has for it", bastion()),
              "give the key with -s FILE, and put its public line into ~/.ssh/authorized_keys of " + account()};
    return {FailureClass::auth, fmt::format("{} refused the key {}", bastion(), identity()),
            fmt::format("put the line in {}.pub into ~/.ssh/authorized_keys of {}: ssh-copy-id -i {}.pub {}",
                        identity(), account(), shell_quote(tunnel_->identity->native()), destination())};
  }

  Diagnosis key_missing() const {
    const auto& why = evidence_.circumstance;
    const bool is_there = why.substr(0, 10) == "Load key \"" && why.find("No such file") == std::string_view::npos;
    if (is_there && why.find("it is a public key") != std::string_view::npos)
      return {FailureClass::key_missing, fmt::format("{} is a public key; ssh needs the private one", key()),
              "give the private key, which is the file without .pub, with -s FILE"};
    if (is_there && why.find("Is a directory") != std::string_view::npos)
      return {FailureClass::key_missing, fmt::format("{} is a directory, not a private key", key()),
              "give the private key's file with -s FILE"};
    if (is_there)
      return {FailureClass::key_missing, fmt::format("the file {} holds no private key that ssh can read", key()),
              "give the private key, which is the file without .pub, with -s FILE"};
    return {FailureClass::key_missing, fmt::format("the private key {} is not there", key()),
            "give an existing one with -s FILE, or make it: ssh-keygen -t ed25519 -N '' -f " + shell_quote(key())};
  }

  Diagnosis key_permissions() const {
    if (evidence_.circumstance.find("ermission denied") != std::string_view::npos)
      return {FailureClass::key_permissions,
              fmt::format("the private key {} cannot be read by the user of this tunnel", key()),
              "check its owner and mode: ls -l " + shell_quote(key())};
    return {FailureClass::key_permissions,
            fmt::format("the private key {} is open to other users, so ssh will not use it", key()),
            "chmod 600 " + shell_quote(key())};
  }

  Diagnosis key_passphrase() const {
    return {FailureClass::key_passphrase,
            fmt::format("the private key {} has a passphrase, and nobody will be there to type it", key()),
            "make a key for this tunnel alone: ssh-keygen -t ed25519 -N '' -f ~/.ssh/holdfast"};
  }

  Diagnosis host_key_unknown() const {
    const std::string offered =
        evidence_.offered.empty() ? "" : fmt::format("; it shows {}", printable(evidence_.offered));
    return {
        FailureClass::host_key_unknown, fmt::format("the host key of {} is not known here yet{}", bastion(), offered),
        fmt::format("compare its fingerprint with what its owner says; then run ssh {} once by hand, or set up with "
                    "--accept-new-host-key",
                    destination())};
  }

  Diagnosis host_key_changed() const {
    if (evidence_.circumstance.find("REVOKED") != std::string_view::npos)
      return {FailureClass::host_key_changed, fmt::format("the host key of {} is marked as revoked", bastion()),
              "ask its owner; do not connect before it is replaced"};
    const auto named = between(evidence_.line, "Host key for ", " has changed");
    const std::string host = named.empty() ? known_name() : printable(named);
    std::string command = "ssh-keygen";
    if (const auto file = offending_file(); !file.empty()) command += " -f " + shell_quote(file);
    command += " -R " + shell_quote(host);
    return {FailureClass::host_key_changed,
            fmt::format("the host key of {} is not the one that was known: it was installed anew, or somebody stands "
                        "in between",
                        bastion()),
            "ask its owner for the new fingerprint; only when it is confirmed: " + command};
  }

  Diagnosis forward_busy() const {
    if (forward() && std::holds_alternative<SocketEnd>(forward()->listen()))
      return {
          FailureClass::forward_busy,
          fmt::format("{} on {} is in the way: a file of that name is there already", ports(), bastion()),
          "remove it there; with StreamLocalBindUnlink yes in the bastion's sshd_config a stale one goes by itself"};
    if (tunnel_->host == k_any_host)
      return {FailureClass::forward_busy, fmt::format("another host holds {} on {}", ports(), bastion()),
              "look who it is; a session that is dead ends sooner with ClientAliveInterval 15 in the bastion's "
              "sshd_config"};
    return {FailureClass::forward_busy,
            fmt::format("{} on {} is taken by somebody else, or by a stale session of ours", ports(), bastion()),
            "take another port; a stale session ends sooner with ClientAliveInterval 30 in the bastion's sshd_config"};
  }

  Diagnosis forward_denied() const {
    return {FailureClass::forward_denied, fmt::format("{} does not let this key listen on {}", bastion(), ports()),
            fmt::format("its sshd_config needs AllowTcpForwarding yes, and the key's line in authorized_keys {}",
                        permit())};
  }

  Diagnosis target_down() const {
    return {FailureClass::target_down,
            fmt::format("nothing answers at {} on this machine, where the tunnel leads",
                        forward() ? end_text(forward()->target()) : "the target"),
            "start the service there; for an sshd: systemctl start ssh"};
  }

  Diagnosis dead_peer() const {
    return {FailureClass::dead_peer, fmt::format("{} stopped answering", bastion()),
            "the path to it was cut, or it is frozen; holdfast connects again as soon as it answers"};
  }

  Diagnosis closed() const {
    const std::string_view line = evidence_.line;
    if (!evidence_.foreign.empty())
      return {
          FailureClass::closed,
          fmt::format("{} does not greet as an ssh server does; it says: {}", bastion(),
                      printable(evidence_.foreign.substr(0, 120))),
          "check the port: -b HOST:PORT; an sshd says such things when it has too many logins or bans this address"};
    if (line.substr(0, 15) == "banner exchange")
      return {FailureClass::closed, fmt::format("what listens at {} is not an ssh server", where()),
              "check the port: -b HOST:PORT"};
    if (line.find("exchange_identification: ") != std::string_view::npos &&
        (line.find("banner line") != std::string_view::npos || line.find("No SSH version") != std::string_view::npos))
      return {FailureClass::closed, fmt::format("what listens at {} is not an ssh server", where()),
              "check the port: -b HOST:PORT"};
    if (line.find("exchange_identification: ") != std::string_view::npos)
      return {FailureClass::closed, fmt::format("{} closed the connection before ssh could begin", where()),
              "it is not an ssh server, it has too many logins at once (MaxStartups), or it bans this address"};
    return {FailureClass::closed, fmt::format("{} closed the connection", bastion()),
            "it was restarted, or it ends idle connections (UnusedConnectionTimeout in its sshd_config)"};
  }

  Diagnosis crypto() const {
    const auto kind = between(evidence_.line, "no matching ", " found");
    const auto offer = between(evidence_.line, "Their offer: ", "");
    if (kind.empty())
      return {FailureClass::crypto, fmt::format("this ssh and {} do not agree on how to encrypt", bastion()),
              "bring the older of the two up to date"};
    return {FailureClass::crypto,
            fmt::format("this ssh and {} have no {} in common; it offers {}", bastion(), printable(kind),
                        printable(offer.substr(0, 200))),
            fmt::format("bring the older of the two up to date, or allow one: --ssh-option {}=+NAME", option_of(kind))};
  }

  Diagnosis config() const {
    // "terminating, 1 bad configuration options" names only the file; the line before it names the option too.
    const auto line = evidence_.circumstance.empty() ? evidence_.line : evidence_.circumstance;
    if (line.empty())
      return {FailureClass::config, "ssh does not accept its settings", "ssh -G " + destination() + " shows them"};
    const bool own = line.starts_with("command-line") || line.starts_with("command line");
    return {
        FailureClass::config, "ssh does not accept its settings: " + printable(lower_first(line.substr(0, 300))),
        own ? "correct or leave out that --ssh-option" : "correct that file; ssh -G " + destination() + " checks it"};
  }

  Diagnosis ssh_missing() const {
    return {FailureClass::ssh_missing, "the ssh program is not installed, or not in PATH",
            "install it: apt install openssh-client, dnf install openssh-clients, or ask your administrator"};
  }

  Diagnosis unknown() const {
    if (evidence_.line.empty())
      return {FailureClass::unknown, "ssh ended without saying why", "holdfast logs " + tunnel_->name.text()};
    return {FailureClass::unknown,
            fmt::format("ssh ended; the last it said was: {}", printable(evidence_.line.substr(0, 300))),
            "holdfast logs " + tunnel_->name.text()};
  }

 private:
  static std::string lower_first(std::string_view text) {
    std::string out(text);
    if (out.size() > 1 && out[0] >= 'A' && out[0] <= 'Z' && !(out[1] >= 'A' && out[1] <= 'Z'))
      out[0] = static_cast<char>(out[0] - 'A' + 'a');
    return out;
  }

  std::string bastion() const { return tunnel_->bastion.text(); }

  /// The address ssh really tried, which an alias hides: "127.0.0.1 port 2222".
  std::string where() const {
    const auto port = between(evidence_.line, " port ", "");
    for (const std::string_view before : {"connect to host ", "Connection to ", "Connection from "}) {
      const auto host = between(evidence_.line, before, " port ");
      if (host.empty() || host.find(' ') != std::string_view::npos) continue;
      const auto number = port.substr(0, port.find_first_not_of("0123456789"));
      return fmt::format("{} port {}", printable(host), number);
    }
    return bastion();
  }

  std::string account() const {
    const auto& user = tunnel_->bastion.user();
    return user ? fmt::format("{} on {}", *user, tunnel_->bastion.host()) : "your user on " + tunnel_->bastion.host();
  }

  std::string destination() const {
    const auto port = tunnel_->bastion.port();
    return (port ? fmt::format("-p {} ", *port) : std::string()) + tunnel_->bastion.ssh_argument();
  }

  /// As known_hosts names it, sshd(8): "[host]:port" unless the port is 22.
  std::string known_name() const {
    const auto port = tunnel_->bastion.port().value_or(22);
    return port == 22 ? tunnel_->bastion.host() : fmt::format("[{}]:{}", tunnel_->bastion.host(), port);
  }

  std::string identity() const { return printable(tunnel_->identity->native()); }

  /// The key that ssh spoke of, else the one the tunnel names.
  std::string key() const {
    const auto& said = evidence_.circumstance;
    auto named = between(said, "Load key \"", "\": ");
    if (named.empty()) named = between(said, "no such identity: ", ": ");
    if (named.empty()) named = between(said, "Identity file ", " not accessible");
    if (!named.empty()) return printable(named);
    return tunnel_->identity ? identity() : "that ssh would use";
  }

  std::string offending_file() const {
    auto file = between(evidence_.offending, " in ", "");
    file = file.substr(0, file.rfind(':'));
    return printable(file);
  }

  /// The forward it is about: the one given, else the one whose port ssh named, else the only one.
  std::optional<Forward> forward() const {
    if (evidence_.forward) return evidence_.forward;
    for (const Forward& one : tunnel_->forwards) {
      const std::string named = one.short_text();
      if (between(evidence_.line, " for listen port ", "") == named ||
          between(evidence_.line, " for listen path ", "") == named)
        return one;
    }
    if (tunnel_->forwards.size() == 1) return tunnel_->forwards.front();
    return std::nullopt;
  }

  std::string ports() const {
    const auto named = [](const Forward& one) {
      return (std::holds_alternative<TcpEnd>(one.listen()) ? "port " : "socket ") + one.short_text();
    };
    if (const auto one = forward()) return named(*one);
    std::string all;
    for (const Forward& each : tunnel_->forwards) all += (all.empty() ? "" : ", ") + named(each);
    return all;
  }

  /// What the line in authorized_keys must hold; a remote socket is beyond permitlisten, sshd(8).
  std::string permit() const {
    std::string all = "port-forwarding";
    bool socket = false;
    for (const Forward& each : tunnel_->forwards) {
      if (evidence_.forward && !(each == *evidence_.forward)) continue;
      if (std::holds_alternative<TcpEnd>(each.listen()))
        all += fmt::format(",permitlisten=\"{}\"", end_text(each.listen()));
      else
        socket = true;
    }
    return socket ? all + "; for a socket AllowStreamLocalForwarding yes too" : all;
  }

  static std::string_view option_of(std::string_view kind) {
    if (kind == "cipher") return "Ciphers";
    if (kind == "MAC") return "MACs";
    if (kind == "host key type") return "HostKeyAlgorithms";
    return "KexAlgorithms";
  }

  const Tunnel& tunnel_;
  const Evidence& evidence_;
};

}  // namespace

Diagnosis make_diagnosis(FailureClass failure, const Tunnel& tunnel, const Evidence& evidence) {
  const DiagnosisText words(tunnel, evidence);
  switch (failure) {
    case FailureClass::dns:
      return words.dns();
    case FailureClass::refused:
      return words.refused();
    case FailureClass::timeout:
      return words.timeout();
    case FailureClass::unreachable:
      return words.unreachable();
    case FailureClass::auth:
      return words.auth();
    case FailureClass::key_missing:
      return words.key_missing();
    case FailureClass::key_permissions:
      return words.key_permissions();
    case FailureClass::key_passphrase:
      return words.key_passphrase();
    case FailureClass::host_key_unknown:
      return words.host_key_unknown();
    case FailureClass::host_key_changed:
      return words.host_key_changed();
    case FailureClass::forward_busy:
      return words.forward_busy();
    case FailureClass::forward_denied:
      return words.forward_denied();
    case FailureClass::target_down:
      return words.target_down();
    case FailureClass::dead_peer:
      return words.dead_peer();
    case FailureClass::closed:
      return words.closed();
    case FailureClass::crypto:
      return words.crypto();
    case FailureClass::config:
      return words.config();
    case FailureClass::ssh_missing:
      return words.ssh_missing();
    case FailureClass::unknown:
      break;
  }
  return words.unknown();
}

}  // namespace holdfast::ssh
