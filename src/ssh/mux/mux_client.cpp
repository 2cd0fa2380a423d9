#include "ssh/mux/mux_client.hpp"

#include "ssh/mux/mux_exchange.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace holdfast::ssh::mux {

struct MuxClient::Impl {
  boost::asio::io_context& context;
  boost::filesystem::path control;
  std::vector<std::weak_ptr<Exchange>> under_way = {};

  void start(const std::shared_ptr<Exchange>& exchange) {
    std::erase_if(under_way, [](const auto& one) { return one.expired(); });
    under_way.push_back(exchange);
    exchange->start(control);
  }

  void drop_all() {
    for (const auto& one : under_way)
      if (const auto exchange = one.lock()) exchange->drop();
  }

  void ask(Request request, Deadline deadline, OnAnswer handler) {
    start(std::make_shared<SimpleRequest>(context, std::move(request), deadline, std::move(handler)));
  }
};

MuxClient::MuxClient(boost::asio::io_context& context, boost::filesystem::path control)
    : impl_(std::make_unique<Impl>(Impl{context, std::move(control)})) {}

MuxClient::~MuxClient() {
  try {
    impl_->drop_all();
  } catch (const std::exception&) {  // no memory to wait for the master: its connection ends with the exchange
  }
}

void MuxClient::close() {
  const auto deadline = std::chrono::steady_clock::now() + k_close_limit;
  impl_->drop_all();
  for (const auto& one : impl_->under_way)
    if (const auto exchange = one.lock()) exchange->wait_until_closed(deadline);
}

void MuxClient::alive(Deadline deadline, OnAnswer handler) {
  impl_->ask(make_request(encode_alive), deadline, std::move(handler));
}

void MuxClient::open_forward(const Forward& forward, Deadline deadline, OnAnswer handler) {
  impl_->ask(make_request(encode_open_remote_forward, forward), deadline, std::move(handler));
}

void MuxClient::close_forward(const Forward& forward, Deadline deadline, OnAnswer handler) {
  impl_->ask(make_request(encode_close_remote_forward, forward), deadline, std::move(handler));
}

void MuxClient::open_local(const SocketEnd& here, const End& to, Deadline deadline, OnAnswer handler) {
  impl_->ask(make_request(encode_open_local_forward, here, to), deadline, std::move(handler));
}

void MuxClient::close_local(const SocketEnd& here, const End& to, Deadline deadline, OnAnswer handler) {
  impl_->ask(make_request(encode_close_local_forward, here, to), deadline, std::move(handler));
}

void MuxClient::terminate(Deadline deadline, OnAnswer handler) {
  impl_->start(
      std::make_shared<TerminateRequest>(impl_->context, make_request(encode_terminate), deadline, std::move(handler)));
}

void MuxClient::probe(const ProbeRequest& request, OnProbe handler) {
  impl_->start(std::make_shared<Probe>(impl_->context, request, std::move(handler)));
}

namespace {

// Every request ends by its own deadline, so run() returns.
template <class Reply, class Ask>
Reply wait_for(const boost::filesystem::path& control, Ask ask) {
  boost::asio::io_context context(1);
  MuxClient client(context, control);
  Reply reply;
  ask(client, [&reply](Reply answer) { reply = std::move(answer); });
  context.run();
  return reply;
}

}  // namespace

Answer alive(const boost::filesystem::path& control, Deadline deadline) {
  return wait_for<Answer>(control, [&](MuxClient& client, auto handler) { client.alive(deadline, handler); });
}

Answer open_forward(const boost::filesystem::path& control, const Forward& forward, Deadline deadline) {
  return wait_for<Answer>(control,
                          [&](MuxClient& client, auto handler) { client.open_forward(forward, deadline, handler); });
}

Answer close_forward(const boost::filesystem::path& control, const Forward& forward, Deadline deadline) {
  return wait_for<Answer>(control,
                          [&](MuxClient& client, auto handler) { client.close_forward(forward, deadline, handler); });
}

Answer terminate(const boost::filesystem::path& control, Deadline deadline) {
  return wait_for<Answer>(control, [&](MuxClient& client, auto handler) { client.terminate(deadline, handler); });
}

ProbeAnswer probe(const boost::filesystem::path& control, const ProbeRequest& request) {
  return wait_for<ProbeAnswer>(control, [&](MuxClient& client, auto handler) { client.probe(request, handler); });
}

}  // namespace holdfast::ssh::mux
