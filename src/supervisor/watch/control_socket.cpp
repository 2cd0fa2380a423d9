#include "supervisor/watch/control_socket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::chrono::milliseconds k_poll(25);

int open_inotify(const boost::filesystem::path& directory) noexcept {
  const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor < 0) return -1;
  if (::inotify_add_watch(descriptor, directory.c_str(), IN_CREATE | IN_MOVED_TO) >= 0) return descriptor;
  ::close(descriptor);
  return -1;
}

}  // namespace

struct ControlSocketWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::posix::stream_descriptor events;
  boost::asio::steady_timer poll;
  boost::filesystem::path file;
  std::function<void()> on_appeared;
  std::array<char, 4096> buffer{};

  Impl(boost::asio::io_context& context, boost::filesystem::path watched, std::function<void()> handler)
      : events(context), poll(context), file(std::move(watched)), on_appeared(std::move(handler)) {}

  [[nodiscard]] bool is_there() const {
    struct stat status {};
    return ::lstat(file.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
  }

  void start() {
    const int descriptor = open_inotify(file.parent_path());
    if (descriptor >= 0) events.assign(descriptor);
    look_later(std::chrono::milliseconds(0));  // it may have come before the watch
  }

  void look_later(std::chrono::milliseconds wait) {
    poll.expires_after(wait);
    poll.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->look();
    });
  }

  void look() {
    if (is_there()) {
      boost::system::error_code ignored;
      events.close(ignored);  // NOLINT(bugprone-unused-return-value)
      if (const auto handler = std::exchange(on_appeared, nullptr)) handler();
      return;
    }
    if (!events.is_open()) return look_later(k_poll);
    events.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [self = weak_from_this()](const boost::system::error_code& error) {
                        const auto alive = self.lock();
                        if (!alive || error) return;
                        while (::read(alive->events.native_handle(), alive->buffer.data(), alive->buffer.size()) > 0) {
                        }
                        alive->look();
                      });
  }
};

ControlSocketWatch::ControlSocketWatch(boost::asio::io_context& context, const boost::filesystem::path& file,
                                       std::function<void()> on_appeared)
    : impl_(std::make_shared<Impl>(context, file, std::move(on_appeared))) {
  impl_->start();
}

ControlSocketWatch::~ControlSocketWatch() = default;

}  // namespace holdfast::supervisor
