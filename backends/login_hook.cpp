#include "backends/pidfile_backend.hpp"
#include "backends/registry.hpp"
#include "backends/text/block_file.hpp"
#include "backends/text/login_hook_text.hpp"
#include "store/tunnel_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace holdfast::backends {
namespace {

// nohup plus the login hook in the user's start-up files. All tunnels of this backend share one hook.
class LoginHook final : public PidfileBackend {
 public:
  std::string_view name() const noexcept override { return "login-hook"; }
  bool is_opt_in() const noexcept override { return true; }

  Fitness assess(const os::Host& host) const override {
    const auto paths = store::paths(Scope::user, host);
    if (!paths) return unavailable(paths.error());
    const auto edits = install_managed_hook(*paths, host);
    if (!edits) return unavailable(edits.error());
    std::vector<std::string> files;
    for (const auto& step : *edits) {
      const auto& edit = std::get<EditBlock>(step);
      if (const auto editable = check_block_edit(edit, host); !editable) return unavailable(editable.error());
      files.push_back(edit.file.string());
    }
    auto fitness = nohup_backend().assess(host);
    fitness.survives = back_at_login(fitness.survives);
    if (fitness.with_remedy) fitness.with_remedy = back_at_login(*fitness.with_remedy);
    fitness.reason =
        fmt::format("a background process, restarted at your next login by a hook in {}", fmt::join(files, ", "));
    return fitness;
  }

  Survives survives(const Job& job, const os::Host& host) const override { return nohup_backend().survives(job, host); }

  Result<Plan> install(const Job& job, const os::Host& host) const override {
    return install_managed_hook(job.paths, host);
  }

  // Hosts that share a home share the hook.
  Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host& host) const override {
    HOLDFAST_TRY(auto plan, PidfileBackend::remove(tunnel, paths, host));
    if (store::is_backend_in_use(host, paths, name(), tunnel)) return plan;
    for (auto& step : remove_managed_hook(paths, host)) plan.push_back(std::move(step));
    return plan;
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    HOLDFAST_TRY(auto answers, PidfileBackend::query(jobs, host));
    if (jobs.empty()) return answers;
    const auto hook = check_hook(jobs.front().paths, host);
    for (auto& answer : answers) {
      answer.installed = answer.installed && hook.installed;
      answer.program = hook.program;
      answer.problems = hook.problems;
      // survives() counts on the hook only while it works.
    }
    return answers;
  }

 private:
  static Fitness unavailable(const Error& why) { return {Fitness::Grade::unavailable, {}, why.line()}; }
};

}  // namespace

const Backend& login_hook_backend() {
  static const LoginHook backend;
  return backend;
}

}  // namespace holdfast::backends
