#include "tunnels/setup/setup_plan.hpp"

#include "backends/plan/apply.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const backends::Plan& plan) {
  Lines lines;
  lines.reserve(plan.size());
  for (const auto& step : plan) lines.push_back(backends::describe(step));
  return lines;
}

class Preview {
 public:
  explicit Preview(const SetupRequest& request) : request_(request) {}

  Lines operator()(const RecordSetup&) const {
    return {fmt::format("write {} ({:04o}): the changes outside the tunnel's own files, so that remove can undo them",
                        store::installation_record_file(request_.paths).string(), request_.paths.file_mode)};
  }
  Lines operator()(const NoteHandOver& step) const {
    // The first note, before a backend is chosen, is replaced by the second one.
    if (step.note.from == step.note.to) return {};
    return {fmt::format("write {} (0600) until the tunnel has moved from {} to {}",
                        store::hand_over_file(request_.paths, request_.name).string(), step.note.from, step.note.to)};
  }
  Lines operator()(const RemoveHandOverNote&) const { return {}; }
  Lines operator()(const ApplyPlan& step) const { return lines_of(step.plan); }
  Lines operator()(const StopPrevious& step) const { return lines_of(step.stop); }
  Lines operator()(const AwaitQueued&) const { return {"wait until the new supervisor is ready to take over"}; }
  Lines operator()(const ReleasePrevious& step) const { return lines_of(step.plan); }
  Lines operator()(const TakeOver&) const { return {}; }
  Lines operator()(const AwaitReread&) const {
    return {"let the running supervisor read the file again; its connection stays open"};
  }
  Lines operator()(const AwaitUp&) const { return {}; }

 private:
  const SetupRequest& request_;
};

}  // namespace

std::vector<std::string> preview_lines(const SetupAction& action, const SetupRequest& request) {
  return std::visit(Preview(request), action);
}

}  // namespace holdfast::tunnels
