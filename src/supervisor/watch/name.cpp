#include "supervisor/watch/name.hpp"

#include "core/text.hpp"
#include "os/child.hpp"
#include "store/last_connection.hpp"
#include "supervisor/machine/backoff.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr Milliseconds k_shortest_interval = std::chrono::seconds(3);
constexpr Milliseconds k_longest_interval = std::chrono::seconds(60);

bool is_numeric(const std::string& host) { return store::parse_numeric_end(host, "22").has_value(); }

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer{};
  constexpr std::size_t k_largest = 64 * 1024;
  ssize_t size = 0;
  while (text.size() < k_largest &&
         (size = ::pread(descriptor, buffer.data(), buffer.size(), static_cast<off_t>(text.size()))) > 0)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  return text;
}

}  // namespace

bool depends_on_address(const Diagnosis& why) noexcept {
  switch (why.retry_class()) {
    case FailureClass::auth:
    case FailureClass::host_key_unknown:
    case FailureClass::host_key_changed:
    case FailureClass::certificate:
    case FailureClass::second_factor:
    case FailureClass::crypto:
    case FailureClass::forward_denied:
      return true;
    default:
      return false;
  }
}

std::vector<std::string> names_of(const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (const auto& host : hosts)
    if (!is_numeric(host) && std::ranges::find(names, host) == names.end()) names.push_back(host);
  return names;
}

std::vector<std::string> parse_addresses(const std::string& output) {
  std::vector<std::string> addresses;
  for (const auto& line : split(output, '\n'))
    if (auto address = line.substr(0, line.find_first_of(" \t")); !address.empty())
      addresses.push_back(std::move(address));
  std::ranges::sort(addresses);
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

struct NameWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::io_context& context;
  std::function<std::vector<std::string>()> names;
  std::function<void()> on_change;
  boost::asio::steady_timer timer;
  std::optional<std::vector<std::string>> wanted = {};  ///< The names, once they are known.
  std::optional<std::vector<std::string>> known = {};   ///< Their addresses.
  std::unique_ptr<os::Child> lookup = {};               ///< The last one.
  bool looking_up = false;
  int output = -1;
  TimePoint since = {};
  Budget budget{5, std::chrono::minutes(10)};
  bool active = false;
  bool changed = false;  ///< Since the last attempt.

  Impl(boost::asio::io_context& owner, std::function<std::vector<std::string>()> names_handler,
       std::function<void()> handler)
      : context(owner), names(std::move(names_handler)), on_change(std::move(handler)), timer(owner) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { end_lookup(); }

  void end_lookup() {
    if (looking_up) lookup->signal(SIGKILL);
    close_output();
  }

  void close_output() {
    if (output >= 0) ::close(std::exchange(output, -1));
  }

  void wait() {
    const auto elapsed = std::chrono::duration_cast<Milliseconds>(Clock::now() - since);
    timer.expires_after(std::clamp(elapsed / 60, k_shortest_interval, k_longest_interval));
    timer.async_wait([self = weak_from_this()](const boost::system::error_code& cancelled) {
      const auto alive = self.lock();
      if (alive && !cancelled && alive->active) alive->look_up();
    });
  }

  void look_up() {
    if (!wanted) wanted = names();
    if (wanted->empty()) return;
    wait();
    if (looking_up) return;  // the name servers do not answer
    output = ::memfd_create("addresses", MFD_CLOEXEC);
    if (output < 0) return;
    os::Command command{.argv = {"getent", "ahosts"}, .environment = {}};
    command.argv.insert(command.argv.end(), wanted->begin(), wanted->end());
    auto child = os::Child::start(
        context, {.command = std::move(command), .out = {}, .err = {}, .ends_with_us = true, .out_descriptor = output},
        [self = weak_from_this()](int) {
          if (const auto alive = self.lock()) alive->on_looked_up();
        });
    if (!child) return close_output();
    lookup = std::move(*child);
    looking_up = true;
  }

  void on_looked_up() {
    looking_up = false;
    if (output < 0) return;
    auto addresses = parse_addresses(read_all(output));
    close_output();
    if (!active || addresses.empty()) return;  // an outage of the name servers is no change
    if (known && *known != addresses && budget.take(Clock::now())) changed = true;
    known = std::move(addresses);
    if (changed) on_change();
  }
};

NameWatch::NameWatch(boost::asio::io_context& context, std::function<std::vector<std::string>()> names,
                     std::function<void()> on_change)
    : impl_(std::make_shared<Impl>(context, std::move(names), std::move(on_change))) {}

NameWatch::~NameWatch() = default;

void NameWatch::start() {
  if (std::exchange(impl_->active, true)) return;
  impl_->since = Clock::now();
  impl_->look_up();
}

void NameWatch::stop() {
  impl_->active = impl_->changed = false;
  impl_->timer.cancel();
  impl_->end_lookup();
  impl_->wanted.reset();
  impl_->known.reset();
}

void NameWatch::note_attempt() { impl_->changed = false; }

}  // namespace holdfast::supervisor
