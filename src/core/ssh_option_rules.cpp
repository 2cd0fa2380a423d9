#include "core/ssh_option_rules.hpp"

#include "core/text.hpp"
#include "core/tunnel.hpp"

#include <boost/filesystem/path.hpp>

#include <algorithm>
#include <array>

namespace holdfast {
namespace {

struct Rule {
  std::string_view key;  ///< in lower case
  std::string_view reason;
  std::string_view hint = "leave it out";
};

constexpr std::string_view k_give_port = "give -p PORT";
constexpr std::string_view k_in_host_block = "set it in a Host block of ~/.ssh/config";

// They would defeat supervision: another kind of session, further forwards, a program, another control socket.
constexpr std::array k_own{
    Rule{"batchmode", "nobody can answer a question of this ssh"},
    Rule{"clearallforwardings", "the ports of the tunnel are its only forwards", k_give_port},
    Rule{"connecttimeout", "holdfast limits each attempt itself"},
    Rule{"controlmaster", "holdfast controls ssh over a socket of its own"},
    Rule{"controlpath", "holdfast controls ssh over a socket of its own"},
    Rule{"controlpersist", "ssh would leave the supervisor"},
    Rule{"dynamicforward", "the ports of the tunnel are its only forwards", k_give_port},
    Rule{"enableescapecommandline", "this ssh has no terminal"},
    Rule{"escapechar", "this ssh has no terminal"},
    Rule{"exitonforwardfailure", "holdfast reports each forward that fails"},
    Rule{"forkafterauthentication", "ssh would leave the supervisor"},
    Rule{"host", "a condition belongs in a file of ssh", k_in_host_block},
    Rule{"identitiesonly", "the key is an option of holdfast", "give -s FILE"},
    Rule{"identityfile", "the key is an option of holdfast", "give -s FILE"},
    Rule{"identityfile2", "the key is an option of holdfast", "give -s FILE"},
    Rule{"ignoreunknown", "an option that ssh does not know must be an error"},
    Rule{"include", "a file would bring options that holdfast cannot check", "include it in ~/.ssh/config"},
    Rule{"localcommand", "this ssh runs no command"},
    Rule{"localforward", "the ports of the tunnel are its only forwards", k_give_port},
    Rule{"loglevel", "holdfast reads the log of ssh"},
    Rule{"logverbose", "holdfast reads the log of ssh"},
    Rule{"match", "a condition belongs in a file of ssh", "set it in a Match block of ~/.ssh/config"},
    Rule{"permitlocalcommand", "this ssh runs no command"},
    Rule{"proxyusefdpass", "holdfast needs the proxy as a process that it can see"},
    Rule{"remotecommand", "this ssh runs no command"},
    Rule{"remoteforward", "the ports of the tunnel are its only forwards", k_give_port},
    Rule{"requesttty", "this ssh has no terminal"},
    Rule{"serveralivecountmax", "holdfast relies on it to detect a dead connection"},
    Rule{"serveraliveinterval", "holdfast relies on it to detect a dead connection"},
    Rule{"sessiontype", "this ssh has no session"},
    Rule{"stdinnull", "this ssh has no session"},
    Rule{"tunnel", "it forwards a network device"},
};

// They would let ssh trust a host key that it would otherwise refuse.
constexpr std::array k_trust{
    Rule{"canonicalizepermittedcnames", "the resolver would decide which host ssh trusts", k_in_host_block},
    Rule{"casignaturealgorithms", "it decides which signatures of host certificates ssh trusts", k_in_host_block},
    Rule{"checkhostip", "holdfast keeps every check of the host key"},
    Rule{"globalknownhostsfile", "holdfast adds the host key that setup pinned with it",
         "name your file with UserKnownHostsFile"},
    Rule{"gssapikeyexchange", "it replaces the check of the host key", k_in_host_block},
    Rule{"gssapitrustdns", "the resolver would decide which host ssh trusts", k_in_host_block},
    Rule{"hostkeyalias", "it checks the bastion against the key of another name", k_in_host_block},
    Rule{"knownhostscommand", "a program would decide which host key ssh trusts", k_in_host_block},
    Rule{"nohostauthenticationforlocalhost", "it turns off the check of the host key"},
    Rule{"requiredrsasize", "it decides which host keys are too short", k_in_host_block},
    Rule{"revokedhostkeys", "it replaces the list of revoked host keys", k_in_host_block},
    Rule{"stricthostkeychecking", "holdfast checks every host key", "--accept-new-host-key pins an unknown host key"},
    Rule{"updatehostkeys", "the bastion would change the list of keys that ssh trusts", k_in_host_block},
    Rule{"verifyhostkeydns", "the resolver would decide which host key ssh trusts"},
};

template <typename Rules>
const Rule* find(const Rules& rules, std::string_view key) noexcept {
  const auto at = std::ranges::find_if(rules, [&](const Rule& rule) { return equals_ignoring_case(key, rule.key); });
  return at == rules.end() ? nullptr : &*at;
}

/// An absolute or "~/" path of a file of host keys. Refuses "none", relative paths, and devices such as /dev/null.
bool is_key_file(std::string_view path) {
  if (path.starts_with("~/")) return true;
  if (!path.starts_with('/')) return false;
  const auto normal = boost::filesystem::path(std::string(path)).lexically_normal().native();
  return std::ranges::none_of(std::array{"/dev/", "/proc/", "//"},
                              [&](const char* root) { return normal.starts_with(root); });
}

std::optional<SshOptionRefusal> key_files_refusal(std::string_view value) {
  const auto files = ssh_file_words(value);
  if (files && !files->empty() && std::ranges::all_of(*files, is_key_file)) return std::nullopt;
  return SshOptionRefusal{"its value is not a list of files with host keys",
                          "give absolute paths without % and $, those with blanks in double quotes"};
}

}  // namespace

bool is_enforced_ssh_option(std::string_view key) noexcept { return find(k_own, key) != nullptr; }

std::optional<SshOptionRefusal> ssh_option_refusal(std::string_view key, std::string_view value) {
  const Rule* rule = find(k_own, key);
  if (rule == nullptr) rule = find(k_trust, key);
  if (rule != nullptr)
    return SshOptionRefusal{"it cannot be overridden: " + std::string(rule->reason), std::string(rule->hint)};
  return equals_ignoring_case(key, "userknownhostsfile") ? key_files_refusal(value) : std::nullopt;
}

std::optional<std::vector<std::string>> ssh_file_words(std::string_view value) {
  if (value.find_first_of("\\'%$") != std::string_view::npos) return std::nullopt;
  std::vector<std::string> words;
  while (!(value = trim(value)).empty()) {
    const bool is_quoted = value.front() == '"';
    if (is_quoted) value.remove_prefix(1);
    const auto end = value.find_first_of(is_quoted ? "\"" : " \t\"");
    if (is_quoted && end == std::string_view::npos) return std::nullopt;
    words.emplace_back(value.substr(0, end));
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + (is_quoted ? 1 : 0));
    if (!value.empty() && value.front() != ' ' && value.front() != '\t') return std::nullopt;  // a"b" and "a"b
  }
  return words;
}

}  // namespace holdfast
