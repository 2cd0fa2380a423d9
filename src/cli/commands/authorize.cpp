#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/scope.hpp"
#include "core/loopback_endpoint.hpp"
#include "core/text.hpp"
#include "ssh/keys/authorized_keys.hpp"
#include "ssh/keys/authorized_keys_file.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/selection.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace holdfast::cli {
namespace {

using ssh::KeysChange;

/// Whose key is to be allowed what, and where: a tunnel with the forwards of all that are meant.
struct Subject {
  Tunnel tunnel;
  os::User user;  ///< whom it runs as
};

bool is_way_alike(const Tunnel& one, const Tunnel& other) {
  return one->bastion == other->bastion && one->identity == other->identity && one->run_as == other->run_as;
}

/// One line of authorized_keys for all of them, since sshd goes by the first line of a key alone.
Result<Tunnel> joined(const std::vector<Tunnel>& tunnels) {
  auto spec = tunnels.front().spec();
  for (const auto& tunnel : tunnels) {
    if (!is_way_alike(tunnel, tunnels.front()))
      return usage_error("tunnels " + spec.name.text() + " and " + tunnel->name.text(),
                         "they have another bastion or key", "authorize them one by one, by name");
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
        return usage_error("option --" + std::string(option), "a tunnel was named, and has its own");
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
    return usage_error("option --port", "it is missing, and no tunnel of yours leads to " + request.bastion.text(),
                       "give -p PORT: what the key may listen on there");
  return of_tunnels(tunnels, paths, host);
}

/// More -o for ssh: with a tunnel's own coming first, these are for the login that installs.
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

std::string_view word(KeysChange change) {
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

std::string sentence(KeysChange change, const std::string& where, bool remove) {
  switch (change) {
    case KeysChange::none:
      return remove ? fmt::format("authorized_keys at {} allows this key nothing of it: nothing to do", where)
                    : fmt::format("authorized_keys at {} has this line already: nothing to do", where);
    case KeysChange::added:
      return "added to authorized_keys at " + where;
    case KeysChange::extended:
      return "added to this key's line in authorized_keys at " + where;
    case KeysChange::replaced:
      return "put in place of what this key had in authorized_keys at " + where;
    case KeysChange::narrowed:
      return "taken from this key's line in authorized_keys at " + where;
    case KeysChange::removed:
      return "this key's line is gone from authorized_keys at " + where;
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

/// What the line cannot say, or does not do alone.
std::vector<std::string> remarks(const Tunnel& tunnel) {
  std::vector<std::string> remarks;
  const auto& forwards = tunnel->forwards;
  const auto listens_on_socket = [](const Forward& forward) {
    return std::holds_alternative<SocketEnd>(forward.listen());
  };
  if (std::ranges::any_of(forwards, listens_on_socket))
    remarks.emplace_back(
        "no line can permit one socket alone: under this one the tunnel's carries bytes, but is not verified, since "
        "the "
        "key may connect to none");
  else
    remarks.emplace_back(
        "no line can keep a key from making unix sockets where its account may: AllowStreamLocalForwarding no in the "
        "bastion's sshd_config, under Match User, does");
  const auto listens_for_others = [](const Forward& forward) {
    return loopback_endpoint(forward.listen()) != forward.listen();
  };
  if (std::ranges::any_of(forwards, listens_for_others))
    remarks.emplace_back(
        "to listen for others it also needs GatewayPorts clientspecified in the bastion's sshd_config");
  return remarks;
}

std::string authorize_json(const Subject& subject, const ssh::FoundKey& found, const std::string& line,
                           const std::optional<KeysChange>& change) {
  namespace json = boost::json;
  const auto text = [](std::string_view bytes) { return json::string(printable(bytes)); };
  json::array warnings;
  for (const auto& remark : remarks(subject.tunnel)) warnings.push_back(text(remark));
  return json::serialize(
      json::object{{"bastion", text(subject.tunnel->bastion.text())},
                   {"identity", text(found.where)},
                   {"line", line.empty() ? json::value(nullptr) : json::value(text(line))},
                   {"change", change ? json::value(text(word(*change))) : json::value(nullptr)},
                   {"changed", change ? json::value(*change != KeysChange::none) : json::value(false)},
                   {"remarks", std::move(warnings)}});
}

Result<> check_options(const Arguments& arguments) {
  if (arguments.has("install") && arguments.has("remove"))
    return usage_error("options --install and --remove", "only one of them can be meant");
  if (arguments.has("login-key") && !arguments.has("install") && !arguments.has("remove"))
    return usage_error("option --login-key", "there is nothing to log in for", "add --install");
  if (arguments.has("replace") && !arguments.has("install"))
    return usage_error("option --replace", "nothing is to be installed", "add --install");
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
    terminal.note(sentence(*change, where, remove));
  else
    terminal.note(
        fmt::format("for the key of {}: a line of ~/.ssh/authorized_keys at {}", printable(found.where), where));
  if (!remove)
    for (const auto& remark : remarks(subject.tunnel)) terminal.note("  note: " + remark);
  return ExitStatus::done;
}

std::vector<Option> authorize_options() {
  std::vector<Option> options{
      {"bastion,b", "[USER@]HOST[:PORT]",
       "the bastion, as for setup; without --port all that your tunnels have there; HOLDFAST_BASTION stands in for it",
       false, Values::bastion},
      {"port,p", "[BIND:]PORT[:HOST:HOSTPORT]", "what the key may listen on, as for setup; may be given several times",
       true}};
  for (const auto& option : way_options())
    if (names_of(option).front() != "port") options.push_back(option);
  const std::vector<Option> own{
      {"install", "", "put the line there, over a login that may write"},
      {"remove", "", "take what is named out of the key's line there, and the line when nothing is left of it"},
      {"login-key", "FILE", "with --install or --remove: the private key to log in with; what ssh would use without it",
       false, Values::file},
      {"replace", "", "with --install: in place of whatever lines the key has, so that nothing else is left to it"},
      {"json", "", "print JSON; unknown values are null"}};
  options.insert(options.end(), own.begin(), own.end());
  return options;
}

}  // namespace

const Command& authorize_command() {
  static const Command command{
      .name = "authorize",
      .synopsis = "NAME… | -b BASTION [-p PORT] [--install | --remove]",
      .summary = "print or install the line that lets a key hold a tunnel",
      .description =
          "The line of authorized_keys with which the tunnel's key can listen on its ports at the bastion, and see "
          "that they lead here, and can do nothing else: no shell, no command, no other port, no agent, no X11.\n"
          "With --install it is put there, over a login that may write: one that ssh can make without asking "
          "anything, as that account, by another key or over a connection that is open. A key has one line: it is "
          "added, or what it lacks is added to it. Where the key has a line with other rights, which somebody may "
          "rely on, nothing is changed, unless --replace is given. Every other byte of the file stays, its mode too.\n"
          "permitlisten needs OpenSSH 7.8 on the bastion: an older one takes no line that has it. The exit status is 4 "
          "when there is no such tunnel, 1 for any other failure.",
      .options = authorize_options(),
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = authorize};
  return command;
}

}  // namespace holdfast::cli
