#include "supervisor/watch/file_growth.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::chrono::milliseconds k_poll(100);

}  // namespace

struct FileGrowthWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::posix::stream_descriptor events;
  boost::asio::steady_timer poll;
  std::function<void()> on_growth;
  std::array<char, 4096> buffer{};

  Impl(boost::asio::io_context& context, std::function<void()> handler)
      : events(context), poll(context), on_growth(std::move(handler)) {}

  void start(const boost::filesystem::path& file) {
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0) return look_later();
    events.assign(descriptor);
    if (::inotify_add_watch(descriptor, file.c_str(), IN_MODIFY) >= 0) return wait();
    events.close();
    look_later();
  }

  void wait() {
    events.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [self = weak_from_this()](const boost::system::error_code& error) {
                        const auto alive = self.lock();
                        if (!alive || error) return;
                        while (::read(alive->events.native_handle(), alive->buffer.data(), alive->buffer.size()) > 0) {
                        }
                        alive->wait();
                        alive->on_growth();
                      });
  }

  void look_later() {
    poll.expires_after(k_poll);
    poll.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (!alive || cancelled) return;
      alive->look_later();
      alive->on_growth();
    });
  }
};

FileGrowthWatch::FileGrowthWatch(boost::asio::io_context& context, const boost::filesystem::path& file,
                                 std::function<void()> on_growth)
    : impl_(std::make_shared<Impl>(context, std::move(on_growth))) {
  impl_->start(file);
}

FileGrowthWatch::~FileGrowthWatch() = default;

}  // namespace holdfast::supervisor
