#include "supervisor/watch/inotify_file.hpp"

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

using std::chrono::milliseconds;

constexpr milliseconds k_poll_for_socket(25);
constexpr milliseconds k_poll_for_growth(100);

}  // namespace

struct InotifyFile::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::posix::stream_descriptor events;
  boost::asio::steady_timer poll;
  boost::filesystem::path file;
  Change change;
  std::function<void()> on_change;
  std::array<char, 4096> buffer{};

  Impl(boost::asio::io_context& context, boost::filesystem::path watched, Change wanted, std::function<void()> handler)
      : events(context), poll(context), file(std::move(watched)), change(wanted), on_change(std::move(handler)) {}

  void start() {
    const bool appears = change == Change::appears;
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor >= 0) {
      events.assign(descriptor);
      const auto watched = appears ? file.parent_path() : file;
      const std::uint32_t mask = appears ? IN_CREATE | IN_MOVED_TO : IN_MODIFY;
      if (::inotify_add_watch(descriptor, watched.c_str(), mask) < 0) events.close();
    }
    if (appears) return check_after(milliseconds(0));  // the socket may have appeared before the watch
    wait();
  }

  void wait() {
    if (!events.is_open()) return check_after(change == Change::appears ? k_poll_for_socket : k_poll_for_growth);
    events.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [self = weak_from_this()](const boost::system::error_code& error) {
                        const auto alive = self.lock();
                        if (!alive || error) return;
                        while (::read(alive->events.native_handle(), alive->buffer.data(), alive->buffer.size()) > 0) {
                        }
                        alive->check();
                      });
  }

  void check_after(milliseconds span) {
    poll.expires_after(span);
    poll.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled) alive->check();
    });
  }

  // The handler comes last: it may destroy the watch.
  void check() {
    if (change == Change::grows) {
      wait();
      return on_change();
    }
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return wait();
    boost::system::error_code ignored;
    events.close(ignored);  // NOLINT(bugprone-unused-return-value)
    if (const auto handler = std::exchange(on_change, nullptr)) handler();
  }
};

InotifyFile::InotifyFile(boost::asio::io_context& context, const boost::filesystem::path& file, Change change,
                         std::function<void()> on_change)
    : impl_(std::make_shared<Impl>(context, file, change, std::move(on_change))) {
  impl_->start();
}

InotifyFile::~InotifyFile() = default;

}  // namespace holdfast::supervisor
