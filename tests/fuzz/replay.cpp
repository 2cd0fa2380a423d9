// A driver for compilers without libFuzzer: replays the seed corpus, then seeded mutations of it. The same seed gives
// the same inputs on every machine; a failing input is printed so that it can join the corpus.
//
//   fuzz_NAME DIRECTORY [MUTATIONS [SEED]]
#include "target.hpp"

#include <unistd.h>

#include <csignal>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

namespace {

namespace fs = boost::filesystem;
using Input = std::vector<std::uint8_t>;

constexpr std::size_t k_longest = 8192;

// The current input, for the signal handler; the target is single-threaded.
const Input* current = nullptr;

// Async-signal-safe: uses only write(2).
void print_current(int signal_number) {
  constexpr char k_digits[] = "0123456789abcdef";
  const auto say = [](const char* bytes, std::size_t size) {
    while (size > 0) {
      const auto written = ::write(STDERR_FILENO, bytes, size);
      if (written <= 0) return;
      bytes += written;
      size -= static_cast<std::size_t>(written);
    }
  };
  constexpr char k_head[] = "failing input, in hexadecimal: ";
  say(k_head, sizeof k_head - 1);
  for (const auto byte : *current) {
    const std::array<char, 2> pair{k_digits[byte >> 4], k_digits[byte & 15]};
    say(pair.data(), pair.size());
  }
  say("\n", 1);
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void try_one(const Input& input) {
  // A copy of the exact size: a read past the end is then past an allocation, where a sanitizer sees it.
  const Input exact(input.begin(), input.end());
  current = &exact;
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::vector<Input> read_corpus(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Input> corpus;
  for (const auto& file : files) {
    std::ifstream stream(file.native(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  Mutator(const std::vector<Input>& corpus, std::uint64_t seed) : corpus_(corpus), random_(seed) {}

  Input next() {
    Input input = corpus_[below(corpus_.size())];
    for (std::size_t times = 1 + below(6); times > 0; --times) mutate(input);
    if (input.size() > k_longest) input.resize(k_longest);
    return input;
  }

 private:
  // Not uniform_int_distribution: its results differ between standard libraries.
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

  std::uint8_t interesting_byte() {
    static constexpr std::array<std::uint8_t, 24> k_bytes{0x00, 0x01, 0x08, 0x09, 0x0A, 0x0D, 0x1B, 0x20,
                                                          '"',  '#',  '%',  '-',  ':',  '=',  '@',  '[',
                                                          '\\', ']',  '{',  0x7F, 0x80, 0xC2, 0xFE, 0xFF};
    return below(2) == 0 ? k_bytes[below(k_bytes.size())] : static_cast<std::uint8_t>(random_());
  }

  void mutate(Input& input) {
    const auto at = [&](std::size_t i) { return input.begin() + static_cast<std::ptrdiff_t>(i); };
    const std::size_t where = below(input.size() + 1);
    const std::size_t span = std::min(input.size() - where, std::size_t{1} + below(16));
    switch (below(7)) {
      case 0:
        if (where < input.size()) input[where] = interesting_byte();
        break;
      case 1:
        if (where < input.size()) input[where] ^= static_cast<std::uint8_t>(1U << below(8));
        break;
      case 2:
        input.insert(at(where), interesting_byte());
        break;
      case 3:
        input.erase(at(where), at(where + span));
        break;
      case 4: {  // repeat a piece
        const Input piece(at(where), at(where + span));
        input.insert(at(below(input.size() + 1)), piece.begin(), piece.end());
        break;
      }
      case 5:
        input.resize(where);
        break;
      default: {  // the end of another seed
        const Input& other = corpus_[below(corpus_.size())];
        input.resize(where);
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(below(other.size() + 1)), other.end());
      }
    }
  }

  const std::vector<Input>& corpus_;
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: %s DIRECTORY [MUTATIONS [SEED]]\n", argv[0]);
    return 2;
  }
  const std::size_t mutations = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20000;
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  const auto corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "no seed in %s\n", argv[1]);
    return 1;
  }
  std::signal(SIGABRT, print_current);
  std::signal(SIGSEGV, print_current);
  try_one({});
  for (const Input& input : corpus) try_one(input);
  Mutator mutator(corpus, seed);
  for (std::size_t i = 0; i < mutations; ++i) try_one(mutator.next());
  std::printf("%zu seeds, %zu mutations, seed %llu\n", corpus.size(), mutations, static_cast<unsigned long long>(seed));
  return 0;
}
