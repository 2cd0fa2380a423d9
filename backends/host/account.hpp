// Whether PAM lets jobs run as a user.
#pragma once

#include "os/host.hpp"

#include <optional>
#include <string>

namespace holdfast::backends {

struct AccountProblem {
  std::string text;    ///< a clause
  std::string remedy;  ///< one command
};

/// Set when the account or its password has expired: PAM refuses its jobs, with a login and without. Reads chage(1).
/// Empty also where that tells an ordinary user nothing.
[[nodiscard]] std::optional<AccountProblem> find_account_problem(const os::User& user, const os::Host& host);

}  // namespace holdfast::backends
