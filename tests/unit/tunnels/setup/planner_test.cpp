// What setup and move do to a tunnel, decided from values alone: no host, no bastion.
#include "tunnels/setup/planner.hpp"

#include "backends/registry.hpp"
#include "store/tunnel_file.hpp"
#include "tunnels/setup/wanted_tunnel.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

const fs::path k_tunnels = "/home/ann/.config/holdfast/tunnels";
const fs::path k_state = "/home/ann/.local/state/holdfast/ws";
const fs::path k_runtime = "/tmp/holdfast-1000";
const os::ProcessId k_supervisor{101, 5, "0e2c8c5e", "ws"};
constexpr auto k_file =
    "port = 2222\nbastion = gate@bastion\nbackend = nohup # for now\nhost = ws\nmachine = 0123456789abcdef\n"
    "runtime-dir = /tmp/holdfast-1000\nprobe-interval = 30\n";

SetupRequest make_request(const std::string& port) {
  SetupRequest request{
      TunnelName::parse("lab").value(), Destination::parse("gate@bastion").value(), {Forward::parse(port).value()}};
  request.paths.tunnels = k_tunnels;
  request.paths.state = k_state;
  request.run_as = {1000, 1000, "ann", "/home/ann"};
  return request;
}

/// The kinds of the steps, in order.
std::string kinds(const std::vector<SetupStep>& steps) {
  constexpr std::array names{"record", "note",    "remove-note", "apply",  "stop",
                             "queued", "release", "take-over",   "reread", "up"};
  static_assert(names.size() == std::variant_size_v<SetupAction>);
  std::string text;
  for (const auto& step : steps) text += (text.empty() ? "" : " ") + std::string(names.at(step.action.index()));
  return text;
}

const backends::Plan& plan_of(const SetupStep& step) { return std::get<ApplyPlan>(step.action).plan; }

struct Desk {
  SetupRequest request = make_request("2222");
  SetupFacts facts{
      .hostname = "ws", .machine = "0123456789abcdef", .own_process = os::ProcessId{7, 1, "0e2c8c5e", "ws"}};
  BackendDecision decision{&backends::nohup_backend(), {}};
  BackendPlans plans{{backends::MakeDirectory{"/install"}}, {backends::MakeDirectory{"/start"}}};

  [[nodiscard]] InstalledJob job_of(const backends::Backend& backend) const {
    return {&backend, {request.name, {"/bin/holdfast", "run"}, {}, request.run_as, "ws", k_runtime, request.paths}};
  }

  /// The tunnel is set up already, with nohup, and up.
  void put_previous(const std::string& text = k_file) {
    auto& previous = facts.previous;
    previous.existed = previous.here = previous.running = true;
    previous.tunnel = store::parse_tunnel(request.name, text, "lab.conf").value();
    previous.installed_jobs = {job_of(*backends::find_backend((*previous.tunnel)->backend))};
    previous.registration = backends::Registration{true, true, false};
    previous.live.emplace().supervisor = k_supervisor;
    facts.tunnel_file = text;
    facts.tunnel_as_written = previous.tunnel;
    facts.job_in_place = true;
    facts.arrival = Arrival{.up = true, .verified = true};
    plans.previous = {{{backends::MakeDirectory{"/stop"}},
                       {backends::MakeDirectory{"/release"}},
                       {backends::MakeDirectory{"/remove"}}}};
  }
  void put_previous_as_setup_wrote_it() {
    put_previous();
    put_previous(store::format_tunnel(*facts.previous.tunnel));
  }

  [[nodiscard]] Tunnel wanted() const {
    return wanted_tunnel(request, facts, decision.backend->name(), k_runtime).value();
  }
  [[nodiscard]] SetupPlan plan(const std::optional<std::string>& pinned_lines = {}) const {
    return plan_setup(request, facts, decision, wanted(), job_of(*decision.backend), plans, pinned_lines).value();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(setup_planner, Desk)

BOOST_AUTO_TEST_CASE(a_new_tunnel_belongs_to_this_host) {
  BOOST_TEST(wanted()->host == "ws");
  BOOST_TEST(wanted()->machine == "0123456789abcdef");
  BOOST_TEST(wanted()->backend == "nohup");
  BOOST_TEST(wanted()->runtime_dir->string() == k_runtime.string());
}

BOOST_AUTO_TEST_CASE(keys_that_setup_has_no_option_for_stay) {
  put_previous(std::string(k_file) + "spread = 6\n");
  request.forwards = {Forward::parse("2223").value()};
  BOOST_TEST(wanted()->probe_interval.count() == 30);
  BOOST_TEST((wanted()->spread == std::chrono::seconds(6)));
  BOOST_TEST(wanted()->forwards.front().short_text() == "2223");
  request.engine = Engine::autossh;  // it spreads no logins
  BOOST_TEST(!wanted()->spread);
}

BOOST_AUTO_TEST_CASE(a_pinned_key_stays_while_a_bastion_stays) {
  put_previous(std::string(k_file) + "known-hosts = /home/ann/pinned\n");
  BOOST_TEST(wanted()->known_hosts.has_value());
  request.bastion = Destination::parse("gate@other").value();
  BOOST_TEST(!wanted()->known_hosts.has_value());
}

BOOST_AUTO_TEST_CASE(a_move_changes_the_backend_and_nothing_else) {
  put_previous();
  request.move = true;
  request.forwards = {Forward::parse("2223").value()};
  decision.backend = &backends::tmux_backend();
  auto spec = facts.previous.tunnel->spec();
  spec.backend = "tmux";
  BOOST_TEST((wanted().spec() == spec));
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_vanished_cannot_be_moved) {
  request.move = true;
  const auto checked = check_request(request, facts);
  BOOST_REQUIRE(!checked);
  BOOST_TEST(checked.error().line() == "moving tunnel lab: there is no such tunnel");
  BOOST_TEST(static_cast<int>(checked.error().status) == 4);
}

BOOST_AUTO_TEST_CASE(a_tunnel_with_a_broken_file_cannot_be_moved) {
  request.move = true;
  facts.previous.existed = true;
  facts.previous.problem = Error{"reading", "lab.conf", "line 3 has no ="};
  BOOST_TEST(check_request(request, facts).error().line() == "reading lab.conf: line 3 has no =");
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_only_other_hosts_hold_cannot_be_moved) {
  request.move = true;
  put_previous("port = 2222\nbastion = gate@bastion\nbackend = nohup\nhost = any\n");
  facts.previous.here = false;
  facts.previous.installed_jobs.clear();
  facts.other_hosts = {"node1", "node2"};
  BOOST_TEST(check_request(request, facts).error().line() ==
             "moving tunnel lab: it is not set up on this host, only on node1, node2");
  BOOST_TEST((find_change(request, facts) == Change::job));
}

BOOST_AUTO_TEST_CASE(another_hosts_tunnel_is_taken_over_only_by_name) {
  put_previous("port = 2222\nbastion = gate@bastion\nbackend = nohup\nhost = node1\n");
  const auto refused = check_request(request, facts);
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().line() == "setting up tunnel lab: a tunnel of this name belongs to host node1");
  BOOST_TEST(refused.error().hint.ends_with("--host ws"));
  request.host = "ws";
  BOOST_TEST(check_request(request, facts).has_value());
  request.move = true;
  BOOST_TEST(check_request(request, facts).error().hint == "run the command there");
}

BOOST_AUTO_TEST_CASE(a_take_over_needs_a_new_name) {
  put_previous();
  request.take_over = [] { return Result<>(); };
  BOOST_TEST(check_request(request, facts).error().cause == "another command has set it up meanwhile");
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_is_as_wanted_and_up_is_not_touched) {
  put_previous_as_setup_wrote_it();
  BOOST_TEST((find_change(request, facts) == Change::none));
  facts.arrival = Arrival{.standing_by = true};
  BOOST_TEST((find_change(request, facts) == Change::none));
  request.allow_target_down = true;
  put_previous(store::format_tunnel(wanted()));
  facts.arrival = Arrival{.target_down = true};
  BOOST_TEST((find_change(request, facts) == Change::none));
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_is_down_or_half_installed_is_set_up_again) {
  put_previous_as_setup_wrote_it();
  const auto good = facts;
  facts.arrival = Arrival{};
  BOOST_TEST((find_change(request, facts) == Change::job));
  facts = good;
  facts.job_in_place = false;
  BOOST_TEST((find_change(request, facts) == Change::job));
  facts = good;
  facts.previous.live.reset();
  BOOST_TEST((find_change(request, facts) == Change::job));
  facts = good;
  facts.tunnel_file = "# edited\n" + *facts.tunnel_file;
  BOOST_TEST((find_change(request, facts) == Change::job));
  facts = good;
  facts.previous.half_moved.emplace();
  BOOST_TEST((find_change(request, facts) == Change::job));
  facts = good;
  facts.previous.registration->obstacles = {"cron does not start at boot"};
  BOOST_TEST((find_change(request, facts) == Change::none), "setup cannot repair it");
  facts.previous.registration->problems = {"its unit is disabled"};
  BOOST_TEST((find_change(request, facts) == Change::repair), "its supervisor runs on");
  BOOST_TEST(kinds(plan_repair(request, facts, job_of(*decision.backend), {}, plans.install).steps) == "apply up");
}

BOOST_AUTO_TEST_CASE(other_forwards_alone_keep_the_connection) {
  put_previous();
  request.forwards.push_back(Forward::parse("2223").value());
  BOOST_TEST((find_change(request, facts) == Change::forwards));
  BOOST_TEST((find_change(request, facts, true) == Change::job), "a host key pinned now needs a new login");
  const auto change = plan_forwards_change(request, facts).value();
  BOOST_TEST(kinds(change.steps) == "apply reread up");
  const auto& file = std::get<backends::WriteFile>(plan_of(change.steps.front()).front());
  BOOST_TEST(file.path.string() == (k_tunnels / "lab.conf").string());
  BOOST_TEST(file.bytes.find("2223") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(other_forwards_and_another_option_need_a_new_login) {
  put_previous();
  request.forwards = {Forward::parse("2223").value()};
  request.ssh_options = {{"Compression", "no"}};
  BOOST_TEST((find_change(request, facts) == Change::job));
}

BOOST_AUTO_TEST_CASE(a_move_to_the_backend_that_holds_the_tunnel_changes_nothing) {
  put_previous();
  request.move = true;
  request.backend = "nohup";
  BOOST_TEST((find_change(request, facts) == Change::none));
  request.backend = "auto";
  BOOST_TEST((find_change(request, facts) == Change::job));
  BOOST_TEST((plan().kind == SetupPlan::Kind::keep));
  BOOST_TEST(plan().steps.empty());
  facts.previous.registration = backends::Registration{};
  BOOST_TEST((plan().kind == SetupPlan::Kind::install), "its backend has lost it");
}

BOOST_AUTO_TEST_CASE(setup_keeps_the_backend_and_a_move_compares_it) {
  BOOST_TEST(!kept_backend(request, facts).name);
  put_previous();
  BOOST_TEST((kept_backend(request, facts).name == "nohup" && kept_backend(request, facts).alone));
  request.move = true;
  BOOST_TEST(!kept_backend(request, facts).name);
  put_previous("port = 2222\nbastion = gate@bastion\nbackend = login-hook\nhost = ws\n");
  BOOST_TEST((kept_backend(request, facts).name == "login-hook" && !kept_backend(request, facts).alone));
}

BOOST_AUTO_TEST_CASE(a_new_tunnel_is_installed_started_and_awaited) {
  BOOST_TEST(kinds(plan_preparation(request, facts).value()) == "record");
  const auto steps = plan().steps;
  BOOST_TEST(kinds(steps) == "stop apply apply up");
  BOOST_TEST(std::get<StopPrevious>(steps[0].action).jobs.empty());
  BOOST_TEST(std::get<ApplyPlan>(steps[1].action).record_directories);
  const auto& file = std::get<backends::WriteFile>(plan_of(steps[1]).front());
  BOOST_TEST(file.bytes == store::format_tunnel(wanted()));
  BOOST_TEST(std::get<backends::MakeDirectory>(plan_of(steps[1]).back()).path.string() == "/install");
  BOOST_TEST(std::get<backends::MakeDirectory>(plan_of(steps[2]).front()).path.string() == "/start");
  BOOST_TEST(!std::get<AwaitUp>(steps[3].action).must_be_verified);
}

BOOST_AUTO_TEST_CASE(a_new_tunnel_that_takes_over_must_be_verified) {
  request.take_over = [] { return Result<>(); };
  const auto steps = plan().steps;
  BOOST_TEST(kinds(steps) == "stop apply take-over apply up");
  BOOST_TEST(std::get<AwaitUp>(steps.back().action).must_be_verified);
}

BOOST_AUTO_TEST_CASE(a_changed_tunnel_is_stopped_before_it_is_installed) {
  put_previous();
  request.ssh_options = {{"Compression", "no"}};
  const auto steps = plan().steps;
  BOOST_TEST(kinds(steps) == "remove-note stop apply apply up");
  BOOST_TEST(std::get<StopPrevious>(steps[1].action).jobs.size() == 1U);
  BOOST_TEST((std::get<AwaitUp>(steps.back().action).previous == k_supervisor));
}

BOOST_AUTO_TEST_CASE(a_running_tunnel_is_handed_over_to_another_backend) {
  put_previous();
  request.move = true;
  decision.backend = &backends::tmux_backend();
  BOOST_TEST(kinds(plan_preparation(request, facts).value()) == "record note");
  const auto made = plan();
  BOOST_TEST((made.kind == SetupPlan::Kind::hand_over));
  BOOST_TEST(kinds(made.steps) == "note apply apply apply queued release up apply");
  const auto& note = std::get<NoteHandOver>(made.steps[0].action).note;
  BOOST_TEST((note.from == "nohup" && note.to == "tmux"));
  BOOST_TEST(std::get<backends::RemoveFile>(plan_of(made.steps[1]).front()).path.string() ==
             (k_runtime / "lab.pid").string());
  const auto& file = std::get<backends::WriteFile>(plan_of(made.steps[2]).front());
  BOOST_TEST(file.bytes.find("backend = tmux\n") != std::string::npos);
  BOOST_TEST((std::get<ReleasePrevious>(made.steps[5].action).supervisor == k_supervisor));
  BOOST_TEST(std::get<backends::MakeDirectory>(plan_of(made.steps.back()).front()).path.string() == "/remove");
}

BOOST_AUTO_TEST_CASE(a_stopped_tunnel_is_set_up_anew_with_another_backend) {
  put_previous();
  facts.previous.live.reset();
  facts.previous.running = false;
  decision.backend = &backends::tmux_backend();
  BOOST_TEST(kinds(plan_preparation(request, facts).value()) == "record");
  BOOST_TEST(kinds(plan().steps) == "remove-note stop apply apply apply up");
}

BOOST_AUTO_TEST_CASE(a_move_that_was_cut_short_keeps_its_note_until_the_end) {
  put_previous();
  facts.previous.half_moved.emplace().was_lingering = false;
  facts.previous.installed_jobs.push_back(job_of(backends::screen_backend()));
  plans.previous.push_back(plans.previous.front());
  decision.backend = &backends::screen_backend();
  const auto preparation = plan_preparation(request, facts).value();
  BOOST_TEST(kinds(preparation) == "record");
  BOOST_TEST((std::get<RecordSetup>(preparation.front().action).linger == store::LingerUse::turned_on));
  BOOST_TEST(kinds(plan().steps) == "stop apply apply apply up");
}

BOOST_AUTO_TEST_CASE(a_pinned_key_is_written_first) {
  const auto steps = plan("bastion ssh-ed25519 AAAA\n").steps;
  const auto& pin = std::get<backends::WriteFile>(plan_of(steps[1]).front());
  BOOST_TEST(pin.path.string() == (k_tunnels / "lab.known_hosts").string());
  BOOST_TEST(pin.bytes == "bastion ssh-ed25519 AAAA\n");
  facts.has_pinned_key = true;
  const auto later = plan_of(plan().steps[1]);
  const auto& gone = std::get<backends::RemoveFile>(later.front());
  BOOST_TEST(gone.path.string() == (k_tunnels / "lab.known_hosts").string(), "no bastion of it is left");
}

BOOST_AUTO_TEST_CASE(what_many_hosts_share_is_left_alone) {
  decision.backend = &backends::systemd_user_backend();
  put_previous("port = 2222\nbastion = gate@bastion\nbackend = systemd-user\nhost = any\nprobe-interval = 60\n");
  request.host = std::string(k_any_host);
  facts.other_hosts = {"node1"};
  const auto install = plan_of(plan().steps[2]);
  const auto& settings = std::get<backends::WriteFile>(install.front());
  BOOST_TEST(settings.path.string() == (k_state / "lab.host").string(), "the tunnel's file says the same already");
  BOOST_TEST(is_registered_for_others(backends::systemd_user_backend(), request, facts));
  decision.backend = &backends::tmux_backend();
  BOOST_TEST(kinds(plan().steps) == "note apply apply apply queued release up", "the unit stays for node1");
}

BOOST_AUTO_TEST_CASE(each_stronger_backend_is_named_with_what_would_help) {
  decision.passed_over = {{"cron", "no cron daemon runs here", "sudo service cron start"}};
  decision.survives = {{}, {Survival::Kind::yes, {}}, {}};
  const auto messages = plan().messages;
  BOOST_REQUIRE(messages.size() == 3U);
  BOOST_TEST(messages[0].what == "passed over cron");
  BOOST_TEST(messages[0].figure == "no cron daemon runs here (stronger with: sudo service cron start)");
  BOOST_TEST(messages[1].what == "backend nohup");
  BOOST_TEST(messages[2].what == "nothing starts the tunnel again after a reboot");
}

BOOST_AUTO_TEST_CASE(a_preview_names_each_file_and_command) {
  put_previous();
  decision.backend = &backends::tmux_backend();
  std::string text;
  for (const auto& step : plan().steps)
    for (const auto& line : preview_lines(step.action, request)) text += line + "\n";
  for (const char* part : {"lab.handover (0600)", "lab.pid", "lab.conf", "/install", "/start", "/release", "/remove",
                           "wait until the new supervisor is ready"})
    BOOST_TEST(text.find(part) != std::string::npos, part);
}

BOOST_AUTO_TEST_SUITE_END()
