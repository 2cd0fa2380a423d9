#include "supervisor/watch/tunnel_file.hpp"

#include "store/tunnel_file.hpp"
#include "store/tunnel_store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace holdfast::supervisor {
namespace {

// A home that is away for a moment takes the file along; remove leaves our own log where it is.
constexpr int k_looks = 2;

}  // namespace

struct TunnelFileWatch::Impl {
  const os::Host& host;
  store::Paths paths;
  TunnelName name;
  std::string owner;  ///< whose the tunnel was when we began: our name then, which may have changed since
  std::function<void()> on_change;
  std::function<void(const Error&)> on_end;
  boost::asio::steady_timer timer;
  std::optional<std::string> known;  ///< the file's text
  int missing = 0;

  [[nodiscard]] std::optional<std::string> text() const {
    const auto read = host.read_file(paths.tunnel_file(name), store::k_largest_tunnel_file);
    return read ? std::optional(*read) : std::nullopt;
  }

  void look() {
    if (!store::exists(host, paths, name)) return look_again();
    missing = 0;
    auto now = text();
    if (!now || now == known) return;
    known = std::move(now);
    const auto tunnel = store::load_as_written(host, paths, name);
    if (!tunnel) return;  // half written by hand, perhaps; status tells
    const auto& theirs = (*tunnel)->host;
    if (theirs.empty() || theirs == k_any_host || theirs == owner || theirs == host.hostname()) return on_change();
    Error error{"running", "tunnel " + name.text(), "it belongs to host " + theirs + " now", {}};
    error.status = ExitStatus::usage;
    on_end(error);
  }

  void look_again() {
    const bool home_is_there = host.status(paths.state_directory(name)).kind == os::FileKind::directory;
    if (!home_is_there || ++missing < k_looks) return;
    Error error{"running", "tunnel " + name.text(), "its file is gone", "holdfast remove " + name.text()};
    error.status = ExitStatus::no_such_tunnel;
    on_end(error);
  }

  void wait() {
    timer.expires_after(k_file_interval);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      look();
      wait();
    });
  }
};

TunnelFileWatch::TunnelFileWatch(boost::asio::io_context& context, const os::Host& host, store::Paths paths,
                                 const Tunnel& tunnel, std::function<void()> on_change,
                                 std::function<void(const Error&)> on_end)
    : impl_(new Impl{host,
                     std::move(paths),
                     tunnel->name,
                     tunnel->host,
                     std::move(on_change),
                     std::move(on_end),
                     boost::asio::steady_timer(context),
                     {},
                     0}) {
  impl_->known = impl_->text();
}

TunnelFileWatch::~TunnelFileWatch() = default;

void TunnelFileWatch::start() { impl_->wait(); }

void TunnelFileWatch::look() { impl_->look(); }

}  // namespace holdfast::supervisor
