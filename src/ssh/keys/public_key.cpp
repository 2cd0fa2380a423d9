#include "ssh/keys/public_key.hpp"

#include "core/text.hpp"
#include "ssh/client/as_user.hpp"
#include "ssh/client/resolution.hpp"
#include "ssh/diagnosis/messages.hpp"
#include "ssh/keys/identity.hpp"

#include <algorithm>
#include <array>

namespace holdfast::ssh {
namespace {

bool is_key_type(std::string_view word) noexcept {
  constexpr std::array<std::string_view, 4> k_beginnings{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"};
  return std::ranges::any_of(k_beginnings, [&](std::string_view start) { return word.starts_with(start); }) &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.@") == std::string_view::npos;
}

bool is_base64(std::string_view word) noexcept {
  constexpr std::string_view k_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  return word.size() >= 16 && word.find_first_not_of(k_alphabet) == std::string_view::npos;
}

std::string_view take_word(std::string_view& rest) noexcept {
  rest = trim(rest);
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const auto word = rest.substr(0, end);
  rest = trim(rest.substr(end));
  return word;
}

class Finder {
 public:
  Finder(os::Host& host, const Client& client, const Tunnel& tunnel, const os::User& user)
      : host_(host),
        tunnel_(tunnel),
        request_{
            .client = client, .run_as = user, .environment = job_environment(host, user), .scratch_directory = {}} {}

  Result<FoundKey> of_identity(const fs::path& file) {
    if (auto key = of_file(file)) return FoundKey{std::move(*key), file.string()};
    const auto why = check_key(host_, tunnel_, file, request_);
    return Error{"finding the public key of", file.string(), why ? why->message : "ssh-keygen cannot derive it",
                 why && why->failure != FailureClass::key_passphrase
                     ? why->hint
                     : "ssh-keygen -y -f " + file.string() + " > " + file.string() + ".pub"};
  }

  Result<FoundKey> of_defaults() {
    HOLDFAST_TRY(const auto resolved,
                 resolve(host_, request_.client, tunnel_->bastion, tunnel_->ssh_options, request_.run_as));
    for (const auto& text : resolved.identities) {
      if (text.find('%') != std::string::npos) continue;  // a token that only ssh expands
      const auto file = resolve_identity(text, request_.run_as.home, request_.run_as.home);
      if (!file) continue;
      if (auto key = of_file(*file)) return FoundKey{std::move(*key), file->string()};
    }
    return of_agent();
  }

 private:
  std::optional<PublicKey> read(const fs::path& file) const {
    const auto text = host_.read_file(file, k_largest_key_file);
    if (!text) return std::nullopt;
    const auto lines = lines_of(*text);
    return lines.empty() ? std::nullopt : PublicKey::parse(lines.front());
  }

  std::optional<PublicKey> of_file(const fs::path& file) const {
    if (host_.status(file).kind == os::FileKind::missing) return std::nullopt;
    if (auto key = read(file)) return key;
    auto pub_file = read(file.string() + ".pub");
    auto wrapped = command_as(host_, request_.run_as,
                              os::Command{{"ssh-keygen", "-y", "-P", "", "-f", file.native()}, request_.environment});
    if (!wrapped) return pub_file;
    const auto done = host_.run(*wrapped, k_key_tool_timeout);
    if (!done || !done->ok()) return pub_file;
    auto derived = PublicKey::parse(trim(done->out));
    // Only the .pub file may have the comment; ignore a .pub file of another key.
    if (derived && pub_file && derived->blob == pub_file->blob) return pub_file;
    return derived;
  }

  Result<FoundKey> of_agent() const {
    const auto refuse = [&](std::string cause) {
      return Error{"finding the key for", tunnel_->bastion.text(), std::move(cause), "give the private key: -s FILE"};
    };
    const auto done = host_.run(os::Command{{"ssh-add", "-L"}}, k_key_tool_timeout);
    std::vector<PublicKey> keys;
    if (done && done->ok())
      for (const auto line : lines_of(done->out))
        if (auto key = PublicKey::parse(line)) keys.push_back(std::move(*key));
    if (keys.empty()) return refuse("ssh has no default key, and no agent has one");
    if (keys.size() > 1) return refuse("the agent has several keys");
    return FoundKey{std::move(keys.front()), "the agent"};
  }

  os::Host& host_;
  const Tunnel& tunnel_;
  PreflightRequest request_;
};

}  // namespace

std::optional<PublicKey> PublicKey::parse(std::string_view line) {
  if (has_control_bytes(line)) return std::nullopt;
  const auto type = take_word(line);
  const auto blob = take_word(line);
  if (!is_key_type(type) || !is_base64(blob)) return std::nullopt;
  return PublicKey{std::string(type), std::string(blob), std::string(line)};
}

bool begins_as_public_key(std::string_view text) noexcept {
  auto rest = text.substr(0, std::min<std::size_t>(text.size(), 256));
  return is_key_type(take_word(rest)) || text.starts_with("---- BEGIN SSH2 PUBLIC KEY") ||
         text.starts_with("-----BEGIN PUBLIC KEY");
}

Result<FoundKey> find_public_key(os::Host& host, const Client& client, const Tunnel& tunnel, const os::User& user) {
  Finder finder(host, client, tunnel, user);
  return tunnel->identity ? finder.of_identity(*tunnel->identity) : finder.of_defaults();
}

}  // namespace holdfast::ssh
