#include "ssh/preflight/target_check.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <sys/un.h>

#include <utility>

namespace holdfast::ssh {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Kind = TargetAnswer::Kind;

constexpr std::chrono::seconds k_connect{3};
constexpr std::chrono::milliseconds k_banner{500};
constexpr std::size_t k_longest_banner = 1024;

std::vector<asio::generic::stream_protocol::endpoint> endpoints_of(const End& target) {
  if (const auto* socket = std::get_if<SocketEnd>(&target)) {
    if (socket->path.size() >= sizeof(sockaddr_un::sun_path)) return {};
    return {asio::local::stream_protocol::endpoint(socket->path)};
  }
  const auto& tcp = std::get<TcpEnd>(target);
  using asio::ip::address;
  if (tcp.host == "localhost")
    return {asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), tcp.port),
            asio::ip::tcp::endpoint(asio::ip::address_v6::loopback(), tcp.port)};
  error_code error;
  const auto numeric = asio::ip::make_address(tcp.host, error);
  if (error) return {};
  return {asio::ip::tcp::endpoint(numeric, tcp.port)};
}

// RFC 4253, 4.2: "SSH-2.0-softwareversion comments"
std::string software_of(std::string_view line) {
  line = line.substr(0, line.find_first_of("\r\n"));
  const auto dash = line.find('-', 4);
  if (dash == std::string_view::npos) return {};
  line.remove_prefix(dash + 1);
  return printable(line.substr(0, line.find(' ')).substr(0, 40));
}

}  // namespace

TargetCheck::TargetCheck(asio::io_context& context, const End& target)
    : left_(endpoints_of(target)), socket_(context), timer_(context), start_(std::chrono::steady_clock::now()) {
  if (left_.empty()) {
    finish(Kind::unnamed);
    return;
  }
  timer_.expires_after(k_connect);
  timer_.async_wait([this](error_code cancelled) {
    if (!cancelled) on_deadline();
  });
  try_next();
}

void TargetCheck::try_next() {
  if (left_.empty()) return finish(Kind::down, why_down_);
  const Protocol::endpoint next = left_.front();
  left_.erase(left_.begin());
  error_code ignored;
  socket_.close(ignored);  // NOLINT(bugprone-unused-return-value)
  socket_.async_connect(next, [this](error_code error) {
    if (over() || error == asio::error::operation_aborted) return;
    if (error) {
      // The first address is the one people mean by "localhost".
      if (why_down_.empty()) why_down_ = errno_text(error.value());
      return try_next();
    }
    connected_ = true;
    answer_.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start_);
    timer_.expires_after(k_banner);
    timer_.async_wait([this](error_code cancelled) {
      if (!cancelled) on_deadline();
    });
    listen();
  });
}

void TargetCheck::listen() {
  socket_.async_read_some(asio::buffer(chunk_), [this](error_code error, std::size_t count) {
    if (over() || error == asio::error::operation_aborted) return;
    heard_.append(chunk_.data(), count);
    if (heard_.compare(0, 4, "SSH-") == 0 && heard_.find('\n') != std::string::npos)
      return finish(Kind::banner, software_of(heard_));
    if (error) return finish(heard_.empty() ? Kind::closed : Kind::open);
    if (heard_.size() > k_longest_banner) return finish(Kind::open);
    listen();
  });
}

void TargetCheck::on_deadline() {
  if (over()) return;
  if (connected_) return finish(Kind::open);
  finish(Kind::down, "it did not answer in " + std::to_string(k_connect.count()) + " s");
}

void TargetCheck::finish(Kind kind, std::string words) {
  answer_.kind = kind;
  answer_.words = std::move(words);
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);  // NOLINT(bugprone-unused-return-value)
}

}  // namespace holdfast::ssh
