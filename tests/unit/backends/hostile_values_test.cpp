// Hostile values through every text and command line that a backend makes. Each one gives the exact value back to its
// reader, or refuses it.
#include "hostile_values.hpp"
#include "backends/recorded_host.hpp"
#include "backends/registry.hpp"
#include "backends/sample_job.hpp"
#include "backends/text/crontab_text.hpp"
#include "backends/text/login_hook_text.hpp"
#include "backends/text/marked_block.hpp"
#include "backends/text/unit.hpp"
#include "backends/text/unit_text.hpp"
#include "text_readers.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace holdfast;
using namespace holdfast::test;

namespace {

/// The words that the process of a session gets. tmux splits its own command line at a word that ends in ";".
Words started_by(const backends::Backend& backend, const backends::Job& job, const os::Host& host) {
  const auto plan = backend.start(job, host);
  BOOST_REQUIRE(plan);
  Words words;
  for (const auto& step : *plan) {
    if (const auto* run = std::get_if<backends::Run>(&step)) words = run->command.argv;
    if (const auto* start = std::get_if<backends::StartDetached>(&step)) words = start->detached.command.argv;
  }
  if (backend.name() != "tmux") return words;
  for (auto& word : words)
    if (word.ends_with(';')) {
      word.pop_back();
      BOOST_TEST(word.ends_with('\\'), "tmux ends its command at " << printable(word));
      if (!word.empty()) word.back() = ';';
    }
  return words;
}

/// A host on which our program has that path.
struct ProgramAt : RecordedHost {
  fs::path program;
  fs::path self() const override { return program; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile_values)

BOOST_AUTO_TEST_CASE(a_unit_keeps_its_lines) {
  const test::RecordedHost host;
  const auto lines_of = [&](const backends::Job& job) {
    const auto text = backends::render_unit(job, "systemd-system.service", host);
    return text ? split(*text, '\n') : Words();
  };
  const auto plain = lines_of(test::system_job(host));
  BOOST_REQUIRE(plain.size() > 10U);
  int accepted = 0;
  for (const auto& [kind, value] : k_hostile_values)
    for (int field = 0; field < 5; ++field) {
      auto job = test::system_job(host);
      if (field == 0) job.argv.push_back(value);
      if (field == 1) job.environment["HOME"] = value;
      if (field == 2) job.run_as.name = value;
      if (field == 3) job.run_as.home = "/" + value;
      if (field == 4) job.host = value;
      const auto lines = lines_of(job);
      if (lines.empty()) continue;
      ++accepted;
      BOOST_REQUIRE(lines.size() == plain.size());
      for (std::size_t i = 0; i < lines.size(); ++i) {
        BOOST_TEST(lines[i].substr(0, lines[i].find('=')) == plain[i].substr(0, plain[i].find('=')), kind);
        BOOST_TEST(!lines[i].ends_with('\\'), kind);  // would continue the line
        BOOST_TEST(is_clean(lines[i]), kind);
      }
    }
  BOOST_TEST(accepted > 40);
}

BOOST_AUTO_TEST_CASE(sessions_get_every_argument) {
  test::RecordedHost host;
  for (const char* program : {"tmux", "screen", "env"}) host.put_program(program);
  for (const auto& [kind, value] : k_hostile_values) BOOST_TEST_CONTEXT(kind) {
      auto job = test::user_job(host);
      job.environment["PATH"] = value;
      job.argv.push_back(value + ";");
      for (const char* name : {"tmux", "screen", "nohup"}) {
        const auto words = started_by(*backends::find_backend(name), job, host);
        BOOST_REQUIRE(words.size() >= job.argv.size());
        BOOST_TEST(std::equal(job.argv.rbegin(), job.argv.rend(), words.rbegin()), name);
        if (name != std::string("nohup")) BOOST_TEST(std::ranges::count(words, "PATH=" + value) == 1, name);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_login_hook_starts_only_its_program) {
  const ScratchDirectory directory;
  const auto posix = os::make_posix_host();
  int accepted = 0;
  for (const auto& [kind, value] : k_hostile_values) BOOST_TEST_CONTEXT(kind) {
      ProgramAt host;
      auto name = value.substr(0, 200);
      std::ranges::replace(name, '/', '|');
      host.program = directory.path() / name / "holdfast";
      const auto paths = store::paths(Scope::user, host).value();
      const auto hook = backends::hook_text(backends::Shell::sh, paths, host);
      if (!hook) {
        BOOST_TEST(has_control_bytes(name));
        continue;
      }
      ++accepted;
      BOOST_TEST(split(*hook, '\n').size() ==
                 split(backends::hook_text(backends::Shell::sh, paths, RecordedHost()).value(), '\n').size());
      BOOST_REQUIRE(posix->make_directories(host.program.parent_path(), 0700));
      const auto called = directory / "called";
      BOOST_REQUIRE(
          posix->write_file(host.program, "#!/bin/sh\nprintf '%s ' \"$0\" \"$@\" >" + called.string() + "\n", 0700));
      const auto script = "cd " + directory.path().string() + "\n" + *hook + "wait\n";
      BOOST_REQUIRE(posix->run({{"/bin/sh", "-i", "-c", script}, os::Environment{{"PATH", "/usr/bin:/bin"}}, {}},
                               std::chrono::seconds(60)));
      for (int i = 0; i < 6000 && posix->status(called).size == 0; ++i) posix->sleep_for(std::chrono::milliseconds(10));
      BOOST_TEST((posix->read_file(called).value() == host.program.string() + " ensure --user "));
      BOOST_TEST((posix->status(directory / "INJECTED").kind == os::FileKind::missing));
      BOOST_REQUIRE(posix->remove_file(called));
      BOOST_REQUIRE(posix->remove_tree(host.program.parent_path()));
    }
  BOOST_TEST(accepted > 15);
}

BOOST_AUTO_TEST_CASE(every_encoder_gives_a_value_back_or_refuses_it) {
  for (const auto& [kind, value] : k_hostile_values) BOOST_TEST_CONTEXT(kind) {
      if (value.find('\0') == std::string::npos) BOOST_TEST((sh_reads(shell_quote(value)) == Words{value}));
      if (const auto word = backends::encode_environment("HOME", value))
        BOOST_TEST((systemd_reads(*word, "%") == Words{"HOME=" + value}));
      for (const auto& encoded : {backends::encode_user(value), backends::encode_host(value)})
        if (encoded) BOOST_TEST((*encoded == value && value.find_first_of("%\\\"'\n $") == std::string::npos));
      for (const auto& encoded : {backends::encode_path("/" + value), backends::encode_crontab_word(value),
                                  backends::encode_crontab_assignment("HOME", value)})
        if (encoded) BOOST_TEST(!has_control_bytes(*encoded));
    }
}

BOOST_AUTO_TEST_CASE(a_marked_block_ends_at_its_own_marker) {
  for (const auto& [kind, value] : k_hostile_values) {
    const auto text = "first\n" + value + "\nlast\n";
    BOOST_TEST(backends::without_block(backends::with_block(text, "lab", "line\n"), "lab") == text, kind);
  }
}

BOOST_AUTO_TEST_SUITE_END()
