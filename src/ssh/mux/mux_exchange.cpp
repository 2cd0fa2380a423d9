#include "ssh/mux/mux_exchange.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace holdfast::ssh::mux {
namespace {

using boost::system::error_code;

// Limits an endless peer; a whole exchange with ssh has less than 1 KiB.
constexpr std::size_t k_longest_exchange = 2 * k_largest_packet;

constexpr const char* k_not_ssh = "another program than ssh answers on the control socket";
constexpr const char* k_not_an_sshd = "the target is not an ssh server";
const std::string k_writing = "writing to ssh's control socket: ";

std::string error_text(const error_code& error) { return errno_text(error.value()); }

// The master runs as this user; another user's process must not answer for it.
bool is_trusted_peer(int socket) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return ::geteuid() == 0 || peer.uid == ::geteuid();
}

// Sends one byte and one descriptor, as OpenSSH's mm_receive_fd() expects. Returns 0 or errno.
int send_descriptor(int socket, int descriptor) noexcept {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_len = CMSG_LEN(sizeof(int));
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

}  // namespace

std::uint32_t next_request_id() noexcept {
  static std::atomic<std::uint32_t> last{0};
  return ++last;
}

std::optional<ProbeReader::Outcome> ProbeReader::add(std::string_view bytes) {
  banner_.add(bytes);
  if (!request_.may_end && !request_.expect_ssh_banner && !banner_.has_banner())
    return Outcome{ProbeAnswer::Kind::open};
  if (!banner_.has_banner() && !banner_.is_full()) return std::nullopt;  // the target may close the connection next
  (void)may_end();
  if (banner_.has_banner()) return Outcome{ProbeAnswer::Kind::banner};
  if (!request_.expect_ssh_banner) return Outcome{ProbeAnswer::Kind::open};
  return Outcome{ProbeAnswer::Kind::silent, k_not_an_sshd};
}

ProbeReader::Outcome ProbeReader::at_end() const {
  if (banner_.empty()) return {ProbeAnswer::Kind::closed, "the connection was closed at once"};
  return {ProbeAnswer::Kind::closed, banner_.received()};
}

std::optional<ProbeReader::Outcome> ProbeReader::at_deadline(std::chrono::steady_clock::duration open_for) const {
  const bool may_close = may_end();
  if (request_.expect_ssh_banner)
    return Outcome{ProbeAnswer::Kind::silent, banner_.empty() ? "the target sent no ssh banner" : k_not_an_sshd};
  if (may_close || open_for >= request_.timeout) return Outcome{ProbeAnswer::Kind::open};
  return std::nullopt;
}

void Exchange::start(const boost::filesystem::path& control) {
  const auto self = shared_from_this();
  if (control.native().size() >= sizeof(sockaddr_un::sun_path)) {
    boost::asio::post(socket_.get_executor(), [this, self] {
      if (!over_) on_broken("the control socket's path is too long");
    });
    return;
  }
  set_deadline(deadline_);
  socket_.async_connect(control.native(), [this, self](error_code error) {
    if (over_) return;
    if (error) return on_broken("connecting to ssh's control socket: " + error_text(error));
    if (!is_trusted_peer(socket_.native_handle())) return on_broken("the control socket belongs to another user");
    greet();
  });
}

void Exchange::drop() {
  if (end()) forget();
}

bool Exchange::end() {
  if (std::exchange(over_, true)) return false;
  if (close_data() && socket_.is_open())
    wait_for_master();
  else
    close();
  return true;
}

// read() notices when the master closes the connection.
void Exchange::wait_for_master() {
  timer_.expires_after(k_close_limit);
  timer_.async_wait([this, self = shared_from_this()](error_code cancelled) {
    if (!cancelled) close();
  });
}

void Exchange::wait_until_closed(std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  while (over_ && socket_.is_open()) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd readable{socket_.native_handle(), POLLIN, 0};
    if (left <= milliseconds(0) || ::poll(&readable, 1, static_cast<int>(left.count())) == 0) return close();
    const ssize_t count = ::recv(socket_.native_handle(), chunk_.data(), chunk_.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return close();
  }
}

void Exchange::close() {
  error_code ignored;
  // After cancel() alone the reactor would still wake at the former deadline.
  timer_.expires_after(Deadline{0});
  timer_.async_wait([self = shared_from_this()](error_code) {});
  socket_.close(ignored);  // NOLINT(bugprone-unused-return-value)
}

void Exchange::set_deadline(Deadline deadline) {
  timer_.expires_after(deadline);
  timer_.async_wait([this, self = shared_from_this()](error_code error) {
    if (!error && !over_) on_deadline();
  });
}

void Exchange::greet() {
  static const std::string k_hello = encode_hello();
  boost::asio::async_write(socket_, boost::asio::buffer(k_hello),
                           [this, self = shared_from_this()](error_code error, std::size_t) {
                             if (over_) return;
                             if (error) return on_broken(k_writing + error_text(error));
                             read();
                           });
}

void Exchange::read() {
  socket_.async_read_some(boost::asio::buffer(chunk_),
                          [this, self = shared_from_this()](error_code error, std::size_t count) {
                            if (error && over_) return close();
                            if (error) return closed_by_master();
                            received_ += count;
                            const bool too_much = received_ > k_longest_exchange;
                            if (over_) return too_much ? close() : read();
                            if (too_much) return on_broken(k_not_ssh);
                            incoming_.append(chunk_.data(), count);
                            take_replies();
                            if (socket_.is_open()) read();
                          });
}

void Exchange::closed_by_master() {
  error_code ignored;
  socket_.close(ignored);  // NOLINT(bugprone-unused-return-value)
  on_closed();
}

void Exchange::take_replies() {
  while (!over_) {
    auto next = take_reply(incoming_);
    if (!next) return on_broken(k_not_ssh + (": " + next.error().cause));
    if (!*next) return;
    const Reply& reply = **next;
    if (!has_banner_) {
      if (reply.kind != Reply::Kind::hello) return on_broken(k_not_ssh);
      if (reply.value != k_protocol_version) return on_broken("ssh uses another version of the control protocol");
      has_banner_ = true;
      send_request();
    } else if (reply.request == request_.id || reply.kind == Reply::Kind::exit_message) {
      on_reply(reply);
    }
  }
}

void Exchange::send_request() {
  boost::asio::async_write(socket_, boost::asio::buffer(request_.packet),
                           [this, self = shared_from_this()](error_code error, std::size_t) {
                             if (over_) return;
                             if (error) return on_broken(k_writing + error_text(error));
                             on_sent();
                           });
}

void SimpleRequest::on_reply(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::ok:
    case Reply::Kind::alive:
    case Reply::Kind::remote_port:
      return finish(Granted{reply.value});
    case Reply::Kind::failure:
    case Reply::Kind::permission_denied:
      return finish(Refused{reply.reason});
    default:
      return;
  }
}

void SimpleRequest::finish(Answer answer) {
  if (!end()) return;
  if (const auto handler = std::exchange(handler_, nullptr)) handler(std::move(answer));
}

Probe::Probe(boost::asio::io_context& context, const ProbeRequest& request, MuxClient::OnProbe handler)
    : Exchange(context, make_request(encode_stdio_forward, request.listen), request.reply),
      reader_(request),
      handler_(std::move(handler)),
      near_(context),
      remote_(context) {}

void Probe::on_sent() {
  error_code error;
  boost::asio::local::connect_pair(near_, remote_, error);
  if (error) return on_broken("making a socket pair: " + error_text(error));
  asked_ = std::chrono::steady_clock::now();
  pass_descriptors(2);
}

// stdin and stdout of the forward are the same end of the pair.
void Probe::pass_descriptors(int left) {
  for (; left > 0; --left) {
    const int error = send_descriptor(socket_.native_handle(), remote_.native_handle());
    if (error == EAGAIN || error == EINTR) {
      return socket_.async_wait(Socket::wait_write, [this, left, self = shared_from_this()](error_code broken) {
        if (over()) return;
        if (broken) return on_broken(k_writing + error_text(broken));
        pass_descriptors(left);
      });
    }
    if (error != 0) return on_broken("passing a descriptor to ssh: " + errno_text(error));
  }
  passed_ = true;
  error_code ignored;
  remote_.close(ignored);  // NOLINT(bugprone-unused-return-value): the master has its own copies
}

void Probe::on_reply(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::session_opened:
      if (std::exchange(opened_, true)) return;
      measure_round_trip();
      opened_at_ = std::chrono::steady_clock::now();
      set_deadline(reader_.deadline());
      return listen();
    case Reply::Kind::failure:
    case Reply::Kind::permission_denied:
      return finish({ProbeAnswer::Kind::refused, reply.reason});
    default:
      return;  // an exit message: the data end may still hold bytes
  }
}

void Probe::measure_round_trip() {
  round_trip_ = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - asked_);
}

void Probe::listen() {
  near_.async_read_some(boost::asio::buffer(chunk_),
                        [this, self = shared_from_this()](error_code error, std::size_t count) {
                          if (over()) return;
                          if (error) return finish(reader_.at_end());
                          if (!reader_.has_bytes()) measure_round_trip();
                          if (auto outcome = reader_.add({chunk_.data(), count})) return finish(std::move(*outcome));
                          listen();
                        });
}

// ssh closes the control connection together with the channel, so after the opening the data end decides.
void Probe::on_broken(std::string why) {
  if (!opened_) finish({ProbeAnswer::Kind::no_reply, std::move(why)});
}

void Probe::on_deadline() {
  if (!opened_) return finish({ProbeAnswer::Kind::no_reply, k_timed_out});
  auto outcome = reader_.at_deadline(std::chrono::steady_clock::now() - opened_at_);
  if (!outcome) return set_deadline(k_ask_again);
  finish(std::move(*outcome));
}

bool Probe::close_data() {
  error_code ignored;
  near_.close(ignored);    // NOLINT(bugprone-unused-return-value)
  remote_.close(ignored);  // NOLINT(bugprone-unused-return-value)
  return passed_;
}

void Probe::finish(ProbeReader::Outcome outcome) {
  if (!end()) return;
  if (const auto handler = std::exchange(handler_, nullptr))
    handler(ProbeAnswer{outcome.kind, round_trip_, std::move(outcome.reason), reader_.has_bytes()});
}

}  // namespace holdfast::ssh::mux
