#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/scope.hpp"
#include "core/json.hpp"
#include "core/loopback_endpoint.hpp"
#include "core/text.hpp"
#include "ssh/keys/authorized_keys.hpp"
#include "ssh/keys/authorized_keys_file.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/selection.hpp"

#include <boost/json.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::cli {

namespace json = boost::json;
namespace {

using ssh::KeysChange;

/// The key to authorize: its bastion and forwards as one tunnel.
struct Subject {
  Tunnel tunnel;
  os::User user;  ///< runs the tunnel
};

bool has_same_key(const Tunnel& left, const Tunnel& right) {
  return left->bastion == right->bastion && left->identity == right->identity && left->run_as == right->run_as;
}

/// One tunnel with all their forwards: sshd reads only the first line of a key.
Result<Tunnel> joined(const std::vector<Tunnel>& tunnels) {
  auto spec = tunnels.front().spec();
  for (const auto& tunnel : tunnels) {
    if (!has_same_key(tunnel, tunnels.front()))
      return usage_error("tunnels " + spec.name.text() + " and " + tunnel->name.text(),
                         "they have different bastions or keys", "authorize them one by one, by name");
    for (const auto& forward : tunnel->forwards)
      if (std::ranges::find(spec.forwards, forward.listen(), &Forward::listen) == spec.forwards.end())
        spec.forwards.push_back(forward);
  }
  return Tunnel::make(std::move(spec));
}

Result<Subject> of_tunnels(const std::vector<Tunnel>& tunnels, const store::Paths& paths, const os::Host& host) {
  HOLDFAST_TRY(auto tunnel, joined(tunnels));
  HOLDFAST_TRY(auto user, tunnels::find_job_user(tunnel, paths, host));
  return Subject{std::move(tunnel), std::move(user)};
}

Result<Subject> find_subject(Context& context, const Arguments& arguments) {
  auto& host = context.host;
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, host));
  std::vector<Tunnel> tunnels;
  if (!arguments.operands().empty()) {
    for (const char* option : {"bastion", "port", "identity", "run-as"})
      if (arguments.has(option))
        return usage_error("option --" + std::string(option), "it cannot be combined with the name of a tunnel");
    HOLDFAST_TRY(const auto names, tunnels::named_tunnels(arguments.operands(), host, paths));
    for (const auto& name : names) {
      HOLDFAST_TRY(auto tunnel, store::load(host, paths, name));
      tunnels.push_back(std::move(tunnel));
    }
    return of_tunnels(tunnels, paths, host);
  }
  HOLDFAST_TRY(const auto request, read_check_request(context, arguments));
  if (arguments.has("port")) {
    TunnelSpec spec{request.name, request.bastion, request.forwards, request.identity};
    HOLDFAST_TRY(auto tunnel, Tunnel::make(std::move(spec)));
    return Subject{std::move(tunnel), request.run_as};
  }
  for (const auto& entry : store::load_all(host, paths))
    if (entry.tunnel && (*entry.tunnel)->bastion == request.bastion &&
        (!request.identity || request.identity == (*entry.tunnel)->identity))
      tunnels.push_back(*entry.tunnel);
  if (tunnels.empty())
    return usage_error("option --port", "it is missing, and you have no tunnel to " + request.bastion.text(),
                       "give -p PORT: the port that the key may listen on");
  return of_tunnels(tunnels, paths, host);
}

/// Options for the login that edits the file.
Result<> add_ssh_options(Subject& subject, const Arguments& arguments) {
  auto spec = subject.tunnel.spec();
  std::vector<SshOption> options;
  for (const auto& text : arguments.all("ssh-option")) {
    HOLDFAST_TRY(auto option, SshOption::parse(text));
    options.push_back(std::move(option));
  }
  spec.ssh_options.insert(spec.ssh_options.begin(), options.begin(), options.end());
  HOLDFAST_TRY(subject.tunnel, Tunnel::make(std::move(spec)));
  return {};
}

std::string_view to_text(KeysChange change) {
  switch (change) {
    case KeysChange::none:
      return "none";
    case KeysChange::added:
      return "added";
    case KeysChange::extended:
      return "extended";
    case KeysChange::replaced:
      return "replaced";
    case KeysChange::narrowed:
      return "narrowed";
    case KeysChange::removed:
      return "removed";
  }
  return "none";
}

std::string change_text(KeysChange change, const std::string& where, bool remove) {
  switch (change) {
    case KeysChange::none:
      return remove ? fmt::format("authorized_keys at {} doesn't allow this: nothing to do", where)
                    : fmt::format("authorized_keys at {} has this line already: nothing to do", where);
    case KeysChange::added:
      return "added to authorized_keys at " + where;
    case KeysChange::extended:
      return "added to this key's line in authorized_keys at " + where;
    case KeysChange::replaced:
      return "replaced the lines of this key in authorized_keys at " + where;
    case KeysChange::narrowed:
      return "removed from this key's line in authorized_keys at " + where;
    case KeysChange::removed:
      return "removed this key's line from authorized_keys at " + where;
  }
  return {};
}

Result<ssh::KeysEdit> edit_file(const Subject& subject, const ssh::Client& client, const ssh::PublicKey& key,
                                const Arguments& arguments, os::Host& host) {
  const auto permits = ssh::permits_for(subject.tunnel->forwards);
  std::optional<fs::path> login_key;
  if (const auto given = arguments.one("login-key")) {
    HOLDFAST_TRY(login_key, resolve_identity(*given, subject.user.home, host.working_directory()));
  }
  ssh::AuthorizedKeysFile file(host, client, subject.tunnel, subject.user, std::move(login_key));
  HOLDFAST_TRY(const auto text, file.read());
  auto edit = arguments.has("remove") ? Result<ssh::KeysEdit>(ssh::without_permits(text, key, permits))
                                      : ssh::with_permits(text, key, permits, arguments.has("replace"));
  if (edit && edit->change != KeysChange::none) HOLDFAST_CHECK(file.replace(edit->text));
  return edit;
}

/// Notes about sshd settings that the line does not replace.
std::vector<std::string> remarks(const Tunnel& tunnel) {
  std::vector<std::string> remarks;
  const auto& forwards = tunnel->forwards;
  const auto listens_on_socket = [](const Forward& forward) {
    return std::holds_alternative<SocketEnd>(forward.listen());
  };
  if (std::ranges::any_of(forwards, listens_on_socket))
    remarks.emplace_back(
        "no line can permit a single unix socket. With this line the tunnel works but is not verified, because the key "
        "may not connect to sockets");
  else
    remarks.emplace_back(
        "this line doesn't forbid unix sockets. To forbid them, set AllowStreamLocalForwarding no for this user in the "
        "bastion's sshd_config");
  const auto listens_beyond_loopback = [](const Forward& forward) {
    return loopback_endpoint(forward.listen()) != forward.listen();
  };
  if (std::ranges::any_of(forwards, listens_beyond_loopback))
    remarks.emplace_back(
        "to listen on addresses other than loopback, set GatewayPorts clientspecified in the bastion's sshd_config");
  return remarks;
}

std::string authorize_json(const Subject& subject, const ssh::FoundKey& found, const std::string& line,
                           const std::optional<KeysChange>& change) {
  return json::serialize(
      json::object{{"bastion", json_text(subject.tunnel->bastion.text())},
                   {"identity", json_text(found.where)},
                   {"line", text_or_null(line)},
                   {"change", change ? json::value(json_text(to_text(*change))) : json::value(nullptr)},
                   {"changed", change ? json::value(*change != KeysChange::none) : json::value(false)},
                   {"remarks", json_array(remarks(subject.tunnel))}});
}

Result<> check_options(const Arguments& arguments) {
  if (arguments.has("install") && arguments.has("remove"))
    return usage_error("options --install and --remove", "give only one of them");
  if (arguments.has("login-key") && !arguments.has("install") && !arguments.has("remove"))
    return usage_error("option --login-key", "it is only for --install and --remove", "add --install");
  if (arguments.has("replace") && !arguments.has("install"))
    return usage_error("option --replace", "it is only for --install", "add --install");
  return {};
}

Result<ExitStatus> authorize(Context& context, const Arguments& arguments) {
  HOLDFAST_CHECK(check_options(arguments));
  auto& terminal = context.terminal;
  HOLDFAST_TRY(auto subject, find_subject(context, arguments));
  HOLDFAST_CHECK(add_ssh_options(subject, arguments));
  HOLDFAST_TRY(const auto client, ssh::find_client(context.host));
  HOLDFAST_TRY(const auto found, ssh::find_public_key(context.host, client, subject.tunnel, subject.user));
  auto line = ssh::authorized_line(found.key, ssh::permits_for(subject.tunnel->forwards));
  std::optional<KeysChange> change;
  const bool remove = arguments.has("remove");
  if (arguments.has("install") || remove) {
    HOLDFAST_TRY(auto edit, edit_file(subject, client, found.key, arguments, context.host));
    change = edit.change;
    if (remove || edit.change != KeysChange::none) line = std::move(edit.line);
  }
  if (arguments.has("json")) {
    terminal.answer(authorize_json(subject, found, line, change));
    return ExitStatus::done;
  }
  const auto& where = subject.tunnel->bastion.text();
  if (!line.empty()) terminal.answer(line);
  if (change)
    terminal.note(change_text(*change, where, remove));
  else
    terminal.note(
        fmt::format("add it to ~/.ssh/authorized_keys at {1}, for the key of {0}", printable(found.where), where));
  if (!remove)
    for (const auto& remark : remarks(subject.tunnel)) terminal.note("  note: " + remark);
  return ExitStatus::done;
}

std::vector<Option> authorize_options() {
  std::vector<Option> options{
      {"bastion,b", "[USER@]HOST[:PORT]",
       "the bastion; without --port, for all your tunnels there; default: HOLDFAST_BASTION", false, Values::bastion},
      {"port,p", "[BIND:]PORT[:HOST:HOSTPORT]", "what the key may listen on, as for setup; repeatable", true}};
  for (const auto& option : connection_options())
    if (names_of(option).front() != "port") options.push_back(option);
  const std::vector<Option> own{
      {"install", "", "add the line on the bastion, over ssh"},
      {"remove", "", "remove these ports from the key's line on the bastion, and the line with the last port"},
      {"login-key", "FILE", "with --install or --remove: the private key to log in with; default: ssh's own choice",
       false, Values::file},
      {"replace", "", "with --install: replace all lines of this key, so that it keeps no other rights"},
      {"json", "", "print JSON; unknown values are null"}};
  options.insert(options.end(), own.begin(), own.end());
  return options;
}

}  // namespace

const Command& authorize_command() {
  static const Command command{
      .name = "authorize",
      .synopsis = "NAME… | -b BASTION [-p PORT] [--install | --remove]",
      .summary = "print or install the authorized_keys line for a tunnel's key",
      .description =
          "The line lets the tunnel's key listen on its ports and connect back to them, to verify the tunnel. It "
          "allows nothing else: no shell, command, other port, agent or X11 forwarding.\n"
          "With --install, holdfast logs in to the bastion without a password and adds the line. It uses another key, "
          "or a connection that is open already. If the key has a line already, holdfast adds the missing ports to it. "
          "If that line gives other rights, holdfast changes nothing unless you add --replace. All other bytes of the "
          "file and its mode stay unchanged.\n"
          "permitlisten needs OpenSSH 7.8 or newer on the bastion. The exit status is 4 when there is no such tunnel, "
          "and 1 for any other failure.",
      .options = authorize_options(),
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = authorize};
  return command;
}

}  // namespace holdfast::cli
