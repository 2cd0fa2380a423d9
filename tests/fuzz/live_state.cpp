// Live state is read completely or refused, and a state that was read can be written and read again.
#include "store/live_state.hpp"

#include "target.hpp"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto state = store::parse_live_state(fuzz::text_of(data, size));
  if (!state) {
    fuzz::promise(!state.error().cause.empty(), "the error has a cause");
    fuzz::promise(fuzz::is_one_safe_line(state.error().line()), "the error is one safe line");
    return 0;
  }
  fuzz::promise(state->supervisor.pid > 0, "the supervisor's pid can be signalled only when it is one process");
  fuzz::promise(!state->ssh || state->ssh->pid > 0, "so can the pid of ssh");
  const auto again = store::parse_live_state(store::format_live_state(*state));
  fuzz::promise(again.has_value(), "a written state can be read");
  fuzz::promise(again->supervisor.pid == state->supervisor.pid && again->state == state->state &&
                    again->verified == state->verified && again->since == state->since &&
                    again->forwards.size() == state->forwards.size() && again->generation == state->generation,
                "a state that is read again is equal");
  return 0;
}
