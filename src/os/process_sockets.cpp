#include "os/process_sockets.hpp"

#include "core/text.hpp"
#include "os/posix_files.hpp"

#include <boost/filesystem/operations.hpp>

#include <arpa/inet.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>

namespace holdfast::os {
namespace {

constexpr std::size_t k_largest_table = 64 << 20;  // 400,000 sockets

std::string table_path(pid_t pid, const char* table) { return "/proc/" + std::to_string(pid) + "/net/" + table; }

// "0100007F:0016": the address in host byte order by 32-bit words, the port in hex. proc(5)
std::optional<TcpEnd> parse_end(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const std::string address = text.substr(0, colon);
  if (address.size() != 8 && address.size() != 32) return std::nullopt;
  std::array<unsigned char, 16> bytes{};
  for (std::size_t word = 0; word < address.size() / 8; ++word) {
    const auto value = static_cast<std::uint32_t>(std::stoul(address.substr(word * 8, 8), nullptr, 16));
    std::memcpy(bytes.data() + word * 4, &value, 4);
  }
  std::array<char, INET6_ADDRSTRLEN> numeric{};
  if (::inet_ntop(address.size() == 8 ? AF_INET : AF_INET6, bytes.data(), numeric.data(), numeric.size()) == nullptr)
    return std::nullopt;
  std::string host = numeric.data();
  if (host.starts_with("::ffff:") && host.find('.') != std::string::npos) host = host.substr(7);
  return TcpEnd{host, static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1), nullptr, 16))};
}

TcpSocket::State parse_state(std::string_view number) {
  if (number == "01") return TcpSocket::State::established;
  return number == "02" ? TcpSocket::State::connecting : TcpSocket::State::other;
}

void collect(const std::string& table, const std::map<std::string, int>& sockets, std::vector<TcpSocket>& found) {
  constexpr std::size_t k_local = 1, k_peer = 2, k_state = 3, k_inode = 9;
  const auto text = slurp(table, k_largest_table);
  if (!text) return;
  for (const auto& line : split(*text, '\n')) {
    const auto fields = split_words(line);
    if (fields.size() <= k_inode || !sockets.contains(fields[k_inode])) continue;
    const auto local = parse_end(fields[k_local]);
    const auto peer = parse_end(fields[k_peer]);
    if (local && peer) found.push_back({TcpPair{*local, *peer}, fields[k_inode], parse_state(fields[k_state])});
  }
}

}  // namespace

std::map<std::string, int> open_sockets(pid_t pid) {
  std::map<std::string, int> sockets;
  const fs::path directory("/proc/" + std::to_string(pid) + "/fd");
  for (const auto& name : list_directory(directory)) {
    std::array<char, 128> target;
    const ssize_t size = ::readlink((directory / name).c_str(), target.data(), target.size());
    if (size <= 0) continue;
    const std::string_view link(target.data(), static_cast<std::size_t>(size));
    const auto number = parse_number(name, 0, 1U << 30);
    if (number && link.starts_with("socket:[") && link.ends_with("]"))
      sockets.emplace(link.substr(8, link.size() - 9), static_cast<int>(*number));
  }
  return sockets;
}

std::vector<TcpSocket> tcp_sockets(pid_t pid, const std::map<std::string, int>& sockets) {
  std::vector<TcpSocket> found;
  if (sockets.empty()) return found;
  collect(table_path(pid, "tcp"), sockets, found);
  collect(table_path(pid, "tcp6"), sockets, found);
  return found;
}

std::optional<std::set<std::string>> unix_connections_to(const std::string& path, pid_t pid) {
  constexpr std::size_t k_flags = 3, k_inode = 6, k_path = 7;
  constexpr std::string_view k_listens = "00010000";  // __SO_ACCEPTCON
  constexpr std::string_view k_not_accepted = "0";
  boost::system::error_code error;
  const std::string canonical = boost::filesystem::canonical(path, error).native();
  const auto text = slurp(table_path(pid, "unix"), k_largest_table);
  if (!text) return std::nullopt;
  std::set<std::string> found;
  std::size_t waiting = 0;
  bool has_listener = false;
  for (const auto& line : split(*text, '\n')) {
    const auto fields = split_words(line);
    if (fields.size() <= k_path || (fields[k_path] != path && fields[k_path] != canonical)) continue;
    if (fields[k_flags] == k_listens)
      has_listener = true;
    else if (fields[k_inode] == k_not_accepted)
      found.insert("not accepted, " + std::to_string(++waiting));
    else
      found.insert(fields[k_inode]);
  }
  if (!has_listener) return std::nullopt;
  return found;
}

}  // namespace holdfast::os
