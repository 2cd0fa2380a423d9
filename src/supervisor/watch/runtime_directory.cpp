#include "supervisor/watch/runtime_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

namespace holdfast::supervisor {
namespace {

using error_code = boost::system::error_code;

constexpr std::chrono::milliseconds k_settle(200);  // `rm -rf` must not meet new files
constexpr std::chrono::seconds k_poll(5);           // without inotify

}  // namespace

struct RuntimeDirectory::Impl : std::enable_shared_from_this<Impl> {
  store::RuntimeFiles files;
  std::function<void()> on_loss;
  std::function<void()> on_state_loss;
  boost::asio::posix::stream_descriptor events;
  boost::asio::steady_timer timer;
  int directory = -1;
  std::array<char, 4096> buffer{};

  Impl(boost::asio::io_context& context, store::RuntimeFiles runtime_files, std::function<void()> loss,
       std::function<void()> state_loss)
      : files(std::move(runtime_files)),
        on_loss(std::move(loss)),
        on_state_loss(std::move(state_loss)),
        events(context),
        timer(context) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { release(); }

  void release() {
    if (directory >= 0) ::close(directory);
    directory = -1;
    error_code ignored;
    events.close(ignored);  // NOLINT(bugprone-unused-return-value)
  }

  void hold() {
    release();
    directory = ::open(files.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (directory >= 0) ::flock(directory, LOCK_SH | LOCK_NB);
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor >= 0) {
      events.assign(descriptor);
      constexpr std::uint32_t k_mask = IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
      if (::inotify_add_watch(descriptor, files.directory.c_str(), k_mask) < 0) {
        error_code ignored;
        events.close(ignored);  // NOLINT(bugprone-unused-return-value)
      }
    }
    wait();
  }

  void wait() {
    if (!events.is_open()) return check_after(k_poll);
    events.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [self = weak_from_this()](const error_code& error) {
                        const auto alive = self.lock();
                        if (!alive || error) return;
                        while (::read(alive->events.native_handle(), alive->buffer.data(), alive->buffer.size()) > 0) {
                        }
                        alive->check_after(k_settle);
                      });
  }

  void check_after(std::chrono::milliseconds span) {
    timer.expires_after(span);
    timer.async_wait([self = weak_from_this()](const error_code& cancelled) {
      const auto alive = self.lock();
      if (!alive || cancelled) return;
      alive->wait();
      alive->check();
    });
  }

  [[nodiscard]] bool is_lost() const {
    struct stat held {};
    struct stat now {};
    if (directory < 0 || ::fstat(directory, &held) != 0 || ::lstat(files.directory.c_str(), &now) != 0) return true;
    return held.st_ino != now.st_ino || held.st_dev != now.st_dev || ::lstat(files.lock.c_str(), &now) != 0;
  }

  void check() {
    struct stat now {};
    if (is_lost()) return on_loss();
    if (::lstat(files.live.c_str(), &now) != 0) on_state_loss();
  }
};

RuntimeDirectory::RuntimeDirectory(boost::asio::io_context& context, const store::RuntimeFiles& files,
                                   std::function<void()> on_loss, std::function<void()> on_state_loss)
    : impl_(std::make_shared<Impl>(context, files, std::move(on_loss), std::move(on_state_loss))) {}

RuntimeDirectory::~RuntimeDirectory() = default;

void RuntimeDirectory::hold() { impl_->hold(); }

void RuntimeDirectory::check() { impl_->check(); }

}  // namespace holdfast::supervisor
