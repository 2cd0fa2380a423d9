#include "supervisor/machine/crowd.hpp"

#include <utility>

namespace holdfast::supervisor {

bool Crowd::on_closed(TimePoint now) {
  if (stage_ == Stage::none) return false;
  if (stage_ != Stage::lost) return note(now);
  stage_ = Stage::suspected;
  return false;
}

bool Crowd::on_login(TimePoint now) { return std::exchange(stage_, Stage::none) == Stage::suspected && note(now); }

}  // namespace holdfast::supervisor
