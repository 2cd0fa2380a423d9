#include "ssh/keys/agent.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace holdfast::ssh {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned char k_request_identities = 11;
constexpr unsigned char k_identities_answer = 12;
constexpr std::size_t k_header = 9;  // length, type, number of keys

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

  [[nodiscard]] bool is_ready(short events, Clock::time_point end) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd wanted{descriptor_, events, 0};
    return ::poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) > 0;
  }

 private:
  int descriptor_;
};

}  // namespace

AgentRequest request_agent_keys(const boost::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = socket.native();
  if (path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Socket agent(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (agent.get() < 0) return {};
  // EAGAIN: its queue of connections is full, unix(7). It accepts none.
  if (::connect(agent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {.state = errno == EAGAIN ? AgentState::silent : AgentState::unreachable};
  constexpr std::array<unsigned char, 5> k_request{0, 0, 0, 1, k_request_identities};
  if (::send(agent.get(), k_request.data(), k_request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(k_request.size()))
    return {};
  return {.descriptor = agent.release(), .state = AgentState::silent};
}

AgentState probe_agent(const boost::filesystem::path& socket, std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  const AgentRequest request = request_agent_keys(socket);
  if (request.descriptor < 0) return request.state;
  const Socket agent(request.descriptor);
  std::array<unsigned char, k_header> answer{};
  std::size_t size = 0;
  while (size < answer.size()) {
    if (!agent.is_ready(POLLIN, end)) return AgentState::silent;
    const ssize_t count = ::read(agent.get(), answer.data() + size, answer.size() - size);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return AgentState::unreachable;
    size += static_cast<std::size_t>(count);
  }
  const bool has_keys = answer[4] == k_identities_answer && (answer[5] | answer[6] | answer[7] | answer[8]) != 0;
  return has_keys ? AgentState::has_keys : AgentState::empty;
}

}  // namespace holdfast::ssh
