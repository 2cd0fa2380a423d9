#include "library/watcher.hpp"

namespace holdfast::library {

void Watcher::report(Step::Kind kind, std::string_view what, std::string_view more) {
  if (!watch_.on_step || thrown_) return;
  try {
    watch_.on_step(Step{kind, what, more});
  } catch (...) {
    thrown_ = std::current_exception();
  }
}

bool Watcher::is_cancelled() const {
  if (thrown_) return true;
  if (!watch_.is_cancelled) return false;
  try {
    return watch_.is_cancelled();
  } catch (...) {
    thrown_ = std::current_exception();
    return true;
  }
}

}  // namespace holdfast::library
