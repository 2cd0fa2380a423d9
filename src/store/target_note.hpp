// What this user's tunnels saw of a target last, in a file that they share: one of them may connect to it, so the
// others must learn from it.
#pragma once

#include "core/failure.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace holdfast::store {

/// A note is that old at most. One is written at each connection to the target.
inline constexpr std::chrono::seconds k_note_lifetime(90);

struct TargetNote {
  bool answers = false;
  Diagnosis why = {};  ///< When it does not; the message may be empty.
};

/// `now`: os::since_boot(). A note that cannot be written is lost.
void keep_target_note(os::Host& host, const boost::filesystem::path& directory, const std::string& target,
                      const TargetNote& note, std::chrono::milliseconds now);

/// Nothing when there is none of this boot, or when it is too old.
[[nodiscard]] std::optional<TargetNote> read_target_note(const os::Host& host, const boost::filesystem::path& directory,
                                                         const std::string& target, std::chrono::milliseconds now);

}  // namespace holdfast::store
