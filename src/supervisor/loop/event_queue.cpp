#include "supervisor/loop/event_queue.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace holdfast::supervisor {

void run_soon(boost::asio::io_context& context, std::function<void()> handler) {
  boost::asio::post(context, std::move(handler));
}

}  // namespace holdfast::supervisor
