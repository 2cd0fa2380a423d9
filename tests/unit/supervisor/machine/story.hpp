// A started machine in its World, and short names for the tests of the machine.
#pragma once

#include "world.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

namespace holdfast::supervisor {

using store::ForwardState;
using store::TunnelState;

using Holder = PortHolderAnswered::Kind;
using Probed = ProbeAnswered::Kind;

[[nodiscard]] inline Diagnosis failure(FailureClass kind) { return {kind, std::string(to_text(kind)), {}}; }

/// Started. At its end no invariant may have been broken.
struct Story : World {
  explicit Story(Rules rules = plain_rules()) : World(std::move(rules)) { give(Started{}); }
  ~Story() { BOOST_TEST(violation == ""); }
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  [[nodiscard]] TunnelState state() const { return machine.view().state; }
  [[nodiscard]] FailureClass last_class() const {
    BOOST_REQUIRE(machine.view().last_error);
    return machine.view().last_error->failure;
  }
};

}  // namespace holdfast::supervisor
