// What the reader of a text gets from it: systemd, sh, cron, and a terminal.
#pragma once

#include "core/text.hpp"
#include "os/posix_host.hpp"
#include "scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace holdfast::test {

using Words = std::vector<std::string>;

/// What systemd reads from a list of words in double quotes, where each of `doubled` stands twice.
inline Words systemd_reads(const std::string& line, const std::string& doubled = "%$") {
  Words words;
  for (std::size_t at = 0; at < line.size(); ++at) {
    BOOST_REQUIRE(line[at] == '"');
    auto& word = words.emplace_back();
    while (line.at(++at) != '"') {
      if (line[at] == '\\' || doubled.find(line[at]) != std::string::npos) {
        BOOST_REQUIRE((line[at] == '\\' || line.at(at + 1) == line[at]));  // %% and $$
        ++at;
      }
      word += line.at(at);
    }
    ++at;
  }
  return words;
}

/// What sh reads from these words. Runs it in a directory of its own, where no value may create a file.
inline Words sh_reads(const std::string& words) {
  const ScratchDirectory directory;
  const auto host = os::make_posix_host();
  const auto script = "cd " + directory.path().string() + " && printf '%s\\0' " + words + "\n";
  const auto done = host->run({{"/bin/sh", "-s"}, {}, script}, std::chrono::seconds(60));
  BOOST_REQUIRE(done);
  BOOST_TEST(done->exit_code == 0);
  BOOST_TEST(host->list(directory.path()).empty());
  auto read = split(done->out, '\0');
  read.pop_back();
  return read;
}

/// What cron passes to sh: the text up to the first "%" that no backslash precedes, and each "\%" as "%".
inline std::string sh_gets_from_cron(const std::string& command) {
  std::string out;
  for (std::size_t at = 0; at < command.size(); ++at) {
    BOOST_REQUIRE((command[at] != '%' && command[at] != '\n'));
    if (command[at] == '\\' && command.at(at + 1) == '%') ++at;
    out += command[at];
  }
  return out;
}

/// True when a terminal shows the text as it is.
inline bool is_clean(std::string_view text) { return printable(text) == text; }

}  // namespace holdfast::test
