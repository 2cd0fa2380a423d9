#include "ssh/preflight/target_check.hpp"

#include "core/error.hpp"

#include <boost/asio/buffer.hpp>

#include <utility>

namespace holdfast::ssh {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Kind = TargetResult::Kind;

constexpr std::chrono::seconds k_connect_timeout{3};
constexpr std::chrono::milliseconds k_banner_timeout{500};

}  // namespace

TargetCheck::TargetCheck(asio::io_context& context, const End& target)
    : remaining_(os::socket_addresses(target)),
      socket_(context),
      timer_(context),
      start_(std::chrono::steady_clock::now()) {
  if (remaining_.empty()) {
    finish(Kind::unresolved);
    return;
  }
  timer_.expires_after(k_connect_timeout);
  timer_.async_wait([this](error_code cancelled) {
    if (!cancelled) on_deadline();
  });
  try_next();
}

void TargetCheck::try_next() {
  if (remaining_.empty()) return finish(Kind::down, connect_error_);
  const Protocol::endpoint next(remaining_.front().data(), remaining_.front().size());
  remaining_.erase(remaining_.begin());
  error_code ignored;
  socket_.close(ignored);  // NOLINT(bugprone-unused-return-value)
  socket_.async_connect(next, [this](error_code error) {
    if (done() || error == asio::error::operation_aborted) return;
    if (error) {
      // The error of the first address: for "localhost", of 127.0.0.1.
      if (connect_error_.empty()) connect_error_ = errno_text(error.value());
      return try_next();
    }
    connected_ = true;
    result_.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start_);
    timer_.expires_after(k_banner_timeout);
    timer_.async_wait([this](error_code cancelled) {
      if (!cancelled) on_deadline();
    });
    listen();
  });
}

void TargetCheck::listen() {
  socket_.async_read_some(asio::buffer(chunk_), [this](error_code error, std::size_t count) {
    if (done() || error == asio::error::operation_aborted) return;
    banner_.add({chunk_.data(), count});
    if (auto software = banner_.software()) return finish(Kind::banner, std::move(*software));
    if (error) return finish(Kind::closed);
    if (banner_.is_full()) return finish(Kind::open);
    listen();
  });
}

void TargetCheck::on_deadline() {
  if (done()) return;
  if (connected_) return finish(Kind::open);
  finish(Kind::down, "no answer in " + std::to_string(k_connect_timeout.count()) + " s");
}

void TargetCheck::finish(Kind kind, std::string detail) {
  result_.kind = kind;
  result_.detail = std::move(detail);
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);  // NOLINT(bugprone-unused-return-value)
}

}  // namespace holdfast::ssh
