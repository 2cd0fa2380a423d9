// A file for --env-file is read as plain KEY=VALUE lines or refused.
#include "cli/variables.hpp"

#include "target.hpp"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto values = cli::parse_environment_file(fuzz::text_of(data, size), "/t/.env");
  if (!values) {
    fuzz::promise(values.error().status == ExitStatus::usage, "a bad file is a usage error");
    fuzz::promise(values.error().line().find("/t/.env line ") != std::string::npos, "the error names file and line");
    fuzz::promise(fuzz::is_one_safe_line(values.error().line()), "the error is one safe line");
    return 0;
  }
  for (const auto& [key, value] : *values) {
    fuzz::promise(!key.empty() && key.find_first_of(" \t=#\"'$") == std::string::npos, "a key is one word");
    fuzz::promise(fuzz::is_one_safe_line(value), "a value has no control byte");
  }
  return 0;
}
