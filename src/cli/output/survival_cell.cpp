#include "cli/output/survival_cell.hpp"

#include <fmt/format.h>

namespace holdfast::cli {

Cell survival_cell(const Survival& survival) {
  switch (survival.kind) {
    case Survival::Kind::yes:
      return {"yes", Style::green};
    case Survival::Kind::within:
      return {fmt::format("within {} s", survival.bound.count()), Style::green};
    case Survival::Kind::at_login:
      return {"at login", Style::yellow};
    case Survival::Kind::no:
      break;
  }
  return {"no", Style::red};
}

}  // namespace holdfast::cli
