#include "core/survives.hpp"

namespace holdfast {

std::string Survival::text() const {
  switch (kind) {
    case Kind::yes:
      return "yes";
    case Kind::at_login:
      return "at-login";
    case Kind::within:
      return "within:" + std::to_string(bound.count()) + "s";
    case Kind::no:
      break;
  }
  return "no";
}

}  // namespace holdfast
