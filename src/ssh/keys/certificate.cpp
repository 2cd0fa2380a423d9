#include "ssh/keys/certificate.hpp"

#include "core/text.hpp"
#include "ssh/diagnosis/login_text.hpp"
#include "ssh/diagnosis/messages.hpp"
#include "ssh/keys/public_key.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace holdfast::ssh {
namespace {

namespace fs = os::fs;

// Stops at the padding.
std::string decode_base64(std::string_view text) {
  constexpr std::string_view k_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = k_alphabet.find(c);
    if (value == std::string_view::npos) break;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
  }
  return bytes;
}

/// Reads the fields of a key in SSH's format. After a field that does not fit, every field is empty.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number(std::size_t size) {
    if (rest_.size() < size) return fail();
    std::uint64_t value = 0;
    for (const char c : rest_.substr(0, size)) value = (value << 8U) | static_cast<unsigned char>(c);
    rest_.remove_prefix(size);
    return value;
  }
  std::string_view text() {
    const auto size = number(4);
    if (!good_ || rest_.size() < size) return fail(), std::string_view();
    const auto value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  std::uint64_t fail() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  bool good_ = true;
};

/// The fields of the public key itself, by type; 0 for a plain key.
int key_fields(std::string_view type) noexcept {
  constexpr std::array<std::pair<std::string_view, int>, 5> k_types{{{"ssh-ed25519-cert", 1},
                                                                     {"ssh-rsa-cert", 2},
                                                                     {"ecdsa-sha2-", 2},
                                                                     {"sk-ssh-ed25519-cert", 2},
                                                                     {"sk-ecdsa-sha2-", 3}}};
  if (!type.ends_with("-cert-v01@openssh.com")) return 0;
  const auto found = std::ranges::find_if(k_types, [&](const auto& row) { return type.starts_with(row.first); });
  return found == k_types.end() ? 0 : found->second;
}

/// Nothing for a time after the year 9999, which means "forever".
std::optional<WallTime> to_time(std::uint64_t seconds) {
  constexpr std::uint64_t k_year_10000 = 253'402'300'800;
  if (seconds >= k_year_10000) return std::nullopt;
  return WallTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

std::vector<fs::path> private_keys(const Tunnel& tunnel, const fs::path& home) {
  if (tunnel->identity) return {*tunnel->identity};
  std::vector<fs::path> keys;  // in the order in which ssh tries them
  for (const char* name : {"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"})
    keys.push_back(home / ".ssh" / name);
  return keys;
}

std::vector<fs::path> certificate_files(const Tunnel& tunnel, const fs::path& home) {
  std::vector<fs::path> files;
  for (const SshOption& option : tunnel->ssh_options) {
    if (!equals_ignoring_case(option.key, "CertificateFile") || option.value.find('%') != std::string::npos) continue;
    if (const auto file = resolve_identity(option.value, home, home)) files.push_back(*file);
  }
  for (const auto& key : private_keys(tunnel, home)) files.emplace_back(key.native() + "-cert.pub");
  return files;
}

}  // namespace

std::optional<Certificate> parse_user_certificate(std::string_view line) {
  constexpr std::uint64_t k_user = 1;
  const auto key = PublicKey::parse(line);
  if (!key) return std::nullopt;
  const int skipped = key_fields(key->type);
  if (skipped == 0) return std::nullopt;
  const std::string bytes = decode_base64(key->blob);
  Fields fields(bytes);
  if (fields.text() != key->type) return std::nullopt;
  for (int i = 0; i <= skipped; ++i) (void)fields.text();  // the nonce comes first
  (void)fields.number(8);                                  // the serial number
  const bool is_user = fields.number(4) == k_user;
  Certificate certificate{.key_id = std::string(fields.text()), .begins = {}, .expires = {}};
  (void)fields.text();  // the principals
  const auto begins = fields.number(8);
  const auto expires = fields.number(8);
  if (!fields.good() || !is_user) return std::nullopt;
  certificate.begins = to_time(begins).value_or(WallTime::max());
  certificate.expires = to_time(expires);
  return certificate;
}

std::vector<fs::path> credential_files(const Tunnel& tunnel, const fs::path& home) {
  auto files = private_keys(tunnel, home);
  const auto certificates = certificate_files(tunnel, home);
  files.insert(files.end(), certificates.begin(), certificates.end());
  for (const char* other : {".ssh/known_hosts", ".ssh/known_hosts2", ".ssh/config"}) files.push_back(home / other);
  for (const char* other : {"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_config"}) files.emplace_back(other);
  if (tunnel->known_hosts) files.push_back(*tunnel->known_hosts);
  return files;
}

std::optional<Credential> find_credential(const os::Host& host, const Tunnel& tunnel, const fs::path& home) {
  for (const auto& file : certificate_files(tunnel, home)) {
    const auto text = host.read_file(file, k_largest_key_file);
    if (!text) continue;
    const auto lines = lines_of(*text);
    if (lines.empty()) continue;
    if (auto certificate = parse_user_certificate(lines.front())) return Credential{file, std::move(certificate)};
  }
  for (const auto& file : private_keys(tunnel, home))
    if (const auto kind = host.status(file).kind; kind == os::FileKind::regular || kind == os::FileKind::symlink)
      return Credential{file};
  return std::nullopt;
}

std::optional<Diagnosis> check_certificate(const os::Host& host, const Tunnel& tunnel, const fs::path& home) {
  const auto credential = find_credential(host, tunnel, home);
  if (!credential || !credential->certificate) return std::nullopt;
  return explain_user_certificate(credential->file.native(), credential->certificate->begins,
                                  credential->certificate->expires, host.wall_now());
}

}  // namespace holdfast::ssh
