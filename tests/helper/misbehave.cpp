// A program with one kind of misbehaviour per mode, for tests of code that starts processes.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern char** environ;

namespace {

int echo() {  // copies standard input to standard output
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(0, buffer, sizeof buffer)) > 0)
    if (::write(1, buffer, static_cast<std::size_t>(got)) != got) return 1;
  return 0;
}

int environment() {
  for (char** entry = environ; *entry != nullptr; ++entry) std::puts(*entry);
  return 0;
}

int hang(const char* message) {
  std::puts(message);
  std::fflush(stdout);
  while (true) ::pause();
}

int grandchild() {  // exits at once; its child keeps the pipes open for 20 s
  if (::fork() == 0) {
    ::alarm(20);
    while (true) ::pause();
  }
  std::puts("parent done");
  return 0;
}

int flood() {  // 2 MB on stdout and on stderr
  const std::string line(1000, 'x');
  for (int i = 0; i < 2000; ++i) {
    std::puts(line.c_str());
    std::fputs(line.c_str(), stderr);
  }
  return 0;
}

int descriptors() {  // prints the inherited descriptors above 2
  for (int fd = 3; fd < 256; ++fd)
    if (::fcntl(fd, F_GETFD) != -1) std::printf("%d\n", fd);
  return 0;
}

int session() {  // prints whether it leads its session, and whether SIGTERM has its default action
  std::printf("%d %d\n", ::getpid() == ::getsid(0) ? 1 : 0, std::signal(SIGTERM, SIG_DFL) == SIG_DFL ? 1 : 0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "exit") return std::atoi(argv[2]);
  if (mode == "echo") return echo();
  if (mode == "environment") return environment();
  if (mode == "hang") return hang("hanging");
  if (mode == "ignore-term") {
    std::signal(SIGTERM, SIG_IGN);
    return hang("ignoring");
  }
  if (mode == "grandchild") return grandchild();
  if (mode == "flood") return flood();
  if (mode == "descriptors") return descriptors();
  if (mode == "session") return session();
  std::fprintf(stderr, "misbehave: unknown mode %s\n", mode.c_str());
  return 2;
}
