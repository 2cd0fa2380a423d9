// One exchange with ssh's control socket: connect, hello both ways, one request, its answer. Private to ssh/mux.
#pragma once

#include "ssh/mux/banner_reader.hpp"
#include "ssh/mux/mux_client.hpp"
#include "ssh/mux/mux_wire.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::ssh::mux {

/// A packet whose id no other request of this process has, so that no reply to another request is taken for its own.
struct Request {
  std::uint32_t id;
  std::string packet;
};

[[nodiscard]] std::uint32_t next_request_id() noexcept;

/// `encode` makes the packet from the id and `arguments`.
template <class Encode, class... Arguments>
[[nodiscard]] Request make_request(Encode encode, const Arguments&... arguments) {
  const std::uint32_t id = next_request_id();
  return {id, encode(id, arguments...)};
}

/// How often a probe that may not end yet asks again.
inline constexpr Deadline k_ask_again{50};

inline constexpr const char* k_timed_out = "ssh did not answer in time";

/// How long the master may take to close the connection of an exchange that has ended.
inline constexpr std::chrono::seconds k_close_limit(1);

/// Decides from the bytes of the target how a probe ends.
class ProbeReader {
 public:
  explicit ProbeReader(ProbeRequest request) : request_(std::move(request)) {}

  struct Outcome {
    ProbeAnswer::Kind kind;
    std::string reason = {};
  };
  /// Nothing while more bytes are needed.
  [[nodiscard]] std::optional<Outcome> add(std::string_view bytes);
  [[nodiscard]] Outcome at_end() const;
  /// Nothing when the probe goes on: call it again after k_ask_again. `open_for`: the time since the opening.
  [[nodiscard]] std::optional<Outcome> at_deadline(std::chrono::steady_clock::duration open_for) const;

  /// The time from the opening to the first at_deadline().
  [[nodiscard]] Deadline deadline() const { return request_.expect_ssh_banner ? request_.timeout : request_.stay_open; }
  [[nodiscard]] bool has_bytes() const noexcept { return !banner_.empty(); }

 private:
  bool may_end() const { return !request_.may_end || request_.may_end(); }

  ProbeRequest request_;
  BannerReader banner_;
};

/// Keeps itself alive while one of its operations is under way. Ends once, by finish() of the derived class or drop().
///
/// Once the master has been given descriptors, only the master closes the control connection. OpenSSH up to 8.8 exits
/// with "select: Bad file descriptor" when the control connection of a stdio forward closes before the forward's own
/// descriptors do (mux_master_control_cleanup_cb in its mux.c). So an exchange that ends closes its data end, answers,
/// and waits up to 1 s for the master to close the connection.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void start(const boost::filesystem::path& control);
  /// Ends it without an answer.
  void drop();
  /// For a context that no longer runs: blocks until the master has closed the connection of an exchange that has
  /// ended, or until `deadline`.
  void wait_until_closed(std::chrono::steady_clock::time_point deadline);

 protected:
  using Socket = boost::asio::local::stream_protocol::socket;

  Exchange(boost::asio::io_context& context, Request request, Deadline deadline)
      : socket_(context), timer_(context), request_(std::move(request)), deadline_(deadline) {}

  virtual void on_sent() {}                     ///< the whole request is written
  virtual void on_reply(const Reply&) = 0;      ///< a reply to this request
  virtual void on_broken(std::string why) = 0;  ///< no answer can come
  virtual void on_closed() { on_broken("ssh closed its control socket"); }
  virtual void on_deadline() { on_broken(k_timed_out); }
  virtual void forget() = 0;  ///< drops the handler
  /// Closes our data end. True when the master holds the other end, so that the master must close the connection.
  virtual bool close_data() { return false; }

  void set_deadline(Deadline deadline);
  /// Closes the data end, then the connection; where the master must close that, starts to wait for it. False when the
  /// exchange had already ended.
  bool end();
  [[nodiscard]] bool over() const noexcept { return over_; }

  Socket socket_;

 private:
  void greet();
  void read();
  void closed_by_master();
  void take_replies();
  void send_request();
  void wait_for_master();
  void close();

  boost::asio::steady_timer timer_;
  Request request_;
  Deadline deadline_;
  std::string incoming_;
  std::array<char, 4096> chunk_{};
  std::size_t received_ = 0;
  bool has_banner_ = false;
  bool over_ = false;
};

/// alive, open and close forward, terminate: one answer.
class SimpleRequest : public Exchange {
 public:
  SimpleRequest(boost::asio::io_context& context, Request request, Deadline deadline, MuxClient::OnAnswer handler)
      : Exchange(context, std::move(request), deadline), handler_(std::move(handler)) {}

 protected:
  void finish(Answer answer);

 private:
  void on_reply(const Reply& reply) override;
  void on_broken(std::string why) override { finish(NoReply{std::move(why)}); }
  void forget() override { handler_ = nullptr; }

  MuxClient::OnAnswer handler_;
};

/// terminate: the master may exit before it sends the answer.
class TerminateRequest final : public SimpleRequest {
 public:
  using SimpleRequest::SimpleRequest;

 private:
  void on_sent() override { sent_ = true; }
  void on_closed() override {
    if (sent_) return finish(Granted{});
    SimpleRequest::on_closed();
  }

  bool sent_ = false;
};

/// A stdio forward: the master gets one end of a socket pair, and the probe reads from the other.
class Probe final : public Exchange {
 public:
  Probe(boost::asio::io_context& context, const ProbeRequest& request, MuxClient::OnProbe handler);

 private:
  void on_sent() override;
  void on_reply(const Reply& reply) override;
  void on_broken(std::string why) override;
  void on_deadline() override;
  void forget() override { handler_ = nullptr; }
  bool close_data() override;

  void pass_descriptors(int left);
  void listen();
  void measure_round_trip();
  void finish(ProbeReader::Outcome outcome);

  ProbeReader reader_;
  MuxClient::OnProbe handler_;
  Socket near_;
  Socket remote_;
  std::array<char, 1024> chunk_{};
  bool passed_ = false;  ///< the master holds the other end of the pair
  bool opened_ = false;
  std::chrono::steady_clock::time_point asked_;
  std::chrono::steady_clock::time_point opened_at_;
  std::chrono::microseconds round_trip_{0};
};

}  // namespace holdfast::ssh::mux
