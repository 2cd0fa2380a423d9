// A valid bastion is harmless as an argument of ssh, and its text parses to an equal value.
#include "core/destination.hpp"

#include "target.hpp"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto destination = Destination::parse(text);
  if (!destination) {
    fuzz::promise(destination.error().status == ExitStatus::usage, "a bad bastion is a usage error");
    fuzz::promise(fuzz::is_one_safe_line(destination.error().line()), "the error is one safe line");
    return 0;
  }
  const std::string word = destination->ssh_argument();
  fuzz::promise(!word.empty() && word.front() != '-', "ssh cannot take it for an option");
  fuzz::promise(word.find_first_of(" \t\n\r;|&$`\"'\\<>(){}*?!~#") == std::string::npos,
                "no shell could be driven by it");
  fuzz::promise(fuzz::is_one_safe_line(word), "it holds no control byte");
  const auto again = Destination::parse(destination->text());
  fuzz::promise(again && *again == *destination, "the normal form reads back");
  return 0;
}
