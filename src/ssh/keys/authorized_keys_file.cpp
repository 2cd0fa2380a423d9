#include "ssh/keys/authorized_keys_file.hpp"

#include "core/failure.hpp"
#include "core/ssh_option_rules.hpp"
#include "core/text.hpp"
#include "ssh/client/as_user.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "ssh/keys/pinned_host_key.hpp"

#include <fmt/format.h>

#include <string_view>

namespace holdfast::ssh {
namespace {

constexpr std::chrono::seconds k_deadline{60};
constexpr std::size_t k_largest = 512 * 1024;
constexpr std::string_view k_read_marker = "holdfast authorized_keys ";
constexpr std::string_view k_written_marker = "holdfast wrote authorized_keys";

// The account's login shell parses these commands. One line in single quotes, without backslash, quote or '!' inside,
// is the same in sh, csh and fish. The shell's start-up files may print something before the script's own output.
constexpr const char* k_read =
    "exec sh -c '"
    "cd || exit 61; f=.ssh/authorized_keys; "
    "if test -e \"$f\"; then "
    "test -f \"$f\" || exit 62; test -r \"$f\" || exit 63; "
    "set -- $(cksum <\"$f\"); echo \"holdfast authorized_keys $1 $2\"; cat <\"$f\"; "
    "elif test -L \"$f\"; then exit 64; "
    "else echo \"holdfast authorized_keys none\"; fi'";

constexpr const char* k_write =
    "exec sh -c '"
    "umask 077; cd || exit 61; read -r seen; read -r size; "
    "test -d .ssh || mkdir .ssh || exit 65; f=.ssh/authorized_keys; "
    "if test -L \"$f\"; then f=$(readlink -f \"$f\") || exit 64; fi; "
    "now=none; if test -e \"$f\"; then set -- $(cksum <\"$f\"); now=\"$1 $2\"; fi; "
    "test \"$now\" = \"$seen\" || exit 66; "
    "n=$f.holdfast.$$; clean() { rm -f -- \"$n\"; }; trap clean 0; trap \"exit 67\" 1 2 13 15; "
    "if test -e \"$f\"; then cp -p -- \"$f\" \"$n\" || exit 67; fi; "
    "cat >\"$n\" || exit 67; "
    "test \"$(wc -c <\"$n\")\" -eq \"$size\" || exit 67; "
    "mv -f -- \"$n\" \"$f\" || exit 67; "
    "echo \"holdfast wrote authorized_keys\"'";

/// "-p 2200 gate@bastion"
std::string login_arguments(const Destination& bastion) {
  return (bastion.port() ? fmt::format("-p {} ", *bastion.port()) : std::string()) + bastion.ssh_argument();
}

std::string failure_text(int exit_code) {
  switch (exit_code) {
    case 61:
      return "the account has no home directory";
    case 62:
      return "~/.ssh/authorized_keys is not a regular file";
    case 63:
      return "the account cannot read its ~/.ssh/authorized_keys";
    case 64:
      return "~/.ssh/authorized_keys is a dangling symbolic link";
    case 65:
      return "cannot create ~/.ssh";
    case 66:
      return "~/.ssh/authorized_keys changed in the meantime";
    case 67:
      return "cannot write the new ~/.ssh/authorized_keys; the old one is unchanged";
    default:
      return "the bastion did not run the command";
  }
}

bool is_about_key(FailureClass failure) {
  switch (failure) {
    case FailureClass::auth:
    case FailureClass::key_missing:
    case FailureClass::key_permissions:
    case FailureClass::key_passphrase:
    case FailureClass::agent:
      return true;
    default:
      return false;
  }
}

/// ssh could not log in to edit the file.
Error login_error(const std::optional<Diagnosis>& why, std::string_view err, const Tunnel& tunnel) {
  constexpr const char* k_doing = "editing authorized_keys at";
  constexpr const char* k_other_key =
      "give another key: --login-key FILE; or add the line yourself: holdfast authorize prints it";
  const auto& bastion = tunnel->bastion;
  if (!why) return {k_doing, bastion.text(), "ssh failed: " + printable(trim(err)), k_other_key};
  auto error = error_from(k_doing, bastion.text(), *why);
  if (is_about_key(why->failure)) error.hint = k_other_key;
  if (why->failure == FailureClass::host_key_unknown)  // setup's hint has an option that authorize lacks
    error.hint = "check the fingerprint with its owner; then run ssh " + login_arguments(bastion) + " once";
  return error;
}

}  // namespace

Result<os::Completed> AuthorizedKeysFile::run(const char* script, const std::string& input) {
  os::Command command{{client_.program.native(), "-T"}, {}, input};
  const auto set = [&](std::string option) {
    command.argv.emplace_back("-o");
    command.argv.push_back(std::move(option));
  };
  for (const char* option : {"BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15", "ClearAllForwardings=yes",
                             "PermitLocalCommand=no", "ForwardAgent=no", "ForwardX11=no", "ControlMaster=no",
                             "UpdateHostKeys=no", "LogLevel=INFO"})
    set(option);
  for (const auto& [key, value] : k_host_key_checks) set(std::string(key) + "=" + value);
  if (client_.version >= Version{7, 6}) set("RemoteCommand=none");
  if (client_.version >= Version{8, 7}) set("StdinNull=no");
  if (auto known = known_hosts_option(tunnel_)) set(std::move(*known));
  if (login_key_) {
    set("IdentitiesOnly=yes");
    set("IdentityFile=" + file_value(*login_key_));
  }
  for (const auto& own : tunnel_->ssh_options) set(own.key + "=" + own.value);
  if (tunnel_->bastion.port()) {
    command.argv.emplace_back("-p");
    command.argv.push_back(std::to_string(*tunnel_->bastion.port()));
  }
  for (const auto& word : {std::string("--"), tunnel_->bastion.ssh_argument(), std::string(script)})
    command.argv.push_back(word);
  if (user_.uid != host_.user().uid) command.environment = job_environment(host_, user_);
  HOLDFAST_TRY(const auto wrapped, command_as(host_, user_, std::move(command)));
  HOLDFAST_TRY(auto done, host_.run(wrapped, k_deadline));
  const auto refuse = [&](std::string cause, std::string hint) {
    return Error{"editing authorized_keys at", tunnel_->bastion.text(), std::move(cause), std::move(hint)};
  };
  if (done.timed_out) return refuse("no answer within a minute", "");
  if (done.exit_code == 255) return login_error(diagnose({done.err, {}}, tunnel_), done.err, tunnel_);
  if (done.exit_code == 66) return refuse(failure_text(66), "run it again");
  if (done.exit_code != 0)
    return refuse(
        failure_text(done.exit_code),
        "give a key that may run commands: --login-key FILE; or add the line yourself: holdfast authorize prints it");
  return done;
}

Result<std::string> AuthorizedKeysFile::read() {
  HOLDFAST_TRY(const auto done, run(k_read, {}));
  const auto invalid = [&] {
    return Error{"reading authorized_keys at", tunnel_->bastion.text(),
                 "the bastion's answer is not the content of the file",
                 "look for a forced command, or a start-up file that prints: ssh " + tunnel_->bastion.text() + " echo"};
  };
  const auto at = done.out.find(k_read_marker);
  const auto end = at == std::string::npos ? at : done.out.find('\n', at);
  if (end == std::string::npos || (at != 0 && done.out[at - 1] != '\n')) return invalid();
  seen_ = done.out.substr(at + k_read_marker.size(), end - at - k_read_marker.size());
  if (seen_ == "none") return std::string();
  const auto fields = split(seen_, ' ');
  const auto size = fields.size() == 2 ? parse_number(fields[1], 0, k_largest) : std::nullopt;
  auto text = done.out.substr(end + 1);
  if (!size || text.size() != *size) return invalid();
  return text;
}

Result<> AuthorizedKeysFile::replace(const std::string& text) {
  HOLDFAST_TRY(const auto done, run(k_write, fmt::format("{}\n{}\n{}", seen_, text.size(), text)));
  if (done.out.find(k_written_marker) != std::string::npos) return {};
  return Error{"writing authorized_keys at", tunnel_->bastion.text(), "the login did not confirm the change",
               "see what it prints: ssh " + tunnel_->bastion.text() + " echo"};
}

}  // namespace holdfast::ssh
