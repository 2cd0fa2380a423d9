#include "supervisor/watch/tunnel_file.hpp"

#include "store/tunnel_file.hpp"
#include "store/tunnel_store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::chrono::seconds k_interval{30};
constexpr int k_missing_limit = 2;  // a home may be unmounted for a moment

}  // namespace

struct TunnelFileWatch::Impl {
  const os::Host& host;
  store::Paths paths;
  TunnelName name;
  std::string owner;  ///< The tunnel's host at the start. This host may have been renamed since.
  std::function<void()> on_change;
  std::function<void(const Error&)> on_end;
  boost::asio::steady_timer timer;
  std::optional<std::string> known;  ///< The file's text.
  int missing = 0;                   ///< Checks in a row that did not find the file.

  [[nodiscard]] std::optional<std::string> text() const {
    const auto read = host.read_file(paths.tunnel_file(name), store::k_largest_tunnel_file);
    return read ? std::optional(*read) : std::nullopt;
  }

  void check() {
    if (!store::exists(host, paths, name)) return on_missing();
    missing = 0;
    auto now = text();
    if (!now || now == known) return;
    known = std::move(now);
    const auto tunnel = store::load_as_written(host, paths, name);
    if (!tunnel) return;  // the user may still be editing it; status reports the error
    const auto& assigned = (*tunnel)->host;
    if (assigned.empty() || assigned == k_any_host || assigned == owner || assigned == host.hostname())
      return on_change();
    Error error{"running", "tunnel " + name.text(), "it belongs to host " + assigned + " now", {}};
    error.status = ExitStatus::usage;
    on_end(error);
  }

  // `holdfast remove` keeps the state directory: without it the home is missing, not the file.
  void on_missing() {
    const bool has_home = host.status(paths.state_directory(name)).kind == os::FileKind::directory;
    if (!has_home || ++missing < k_missing_limit) return;
    Error error{"running", "tunnel " + name.text(), "its file is gone", "holdfast remove " + name.text()};
    error.status = ExitStatus::no_such_tunnel;
    on_end(error);
  }

  void wait() {
    timer.expires_after(k_interval);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      check();
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

void TunnelFileWatch::check() { impl_->check(); }

}  // namespace holdfast::supervisor
