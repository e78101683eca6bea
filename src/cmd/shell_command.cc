// A process group of its own, read until it ends or its time is over.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/shell_command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "cmd/interrupts.h"

namespace sotto::cmd {
namespace {

constexpr size_t kOutputBytesMax = 1 << 20;
using Clock = std::chrono::steady_clock;

// A started command, the leader of its process group, which does not outlive this object.
class Child {
 public:
  static Result<Child> start(const std::string& command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return fail(ErrorKind::unavailable, "no pipe for the command: {}", std::strerror(errno));
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    CHECK(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attributes) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0);
    CHECK(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0);
    CHECK(posix_spawnattr_setpgroup(&attributes, 0) == 0);
    const char* const arguments[] = {"sh", "-c", command.c_str(), nullptr};
    pid_t process = 0;
    const int error = posix_spawn(&process, "/bin/sh", &actions, &attributes,
                                  const_cast<char* const*>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    if (error == 0) return Child(process, ends[0]);
    close(ends[0]);
    return fail(ErrorKind::unavailable, "cannot start /bin/sh: {}", std::strerror(error));
  }
  Child(Child&& other) noexcept
      : process_(std::exchange(other.process_, 0)), output_(std::exchange(other.output_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (output_ >= 0) close(output_);
    if (process_ != 0) reap();
  }

  int output() const { return output_; }

  bool ended() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == process_;
  }

  // Kills what is left of the group, and returns the leader's status as waitpid() gives it. The
  // leader is reaped last, so that its number cannot have become somebody else's.
  int reap() {
    kill(-process_, SIGKILL);
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
    return status;
  }

 private:
  Child(pid_t process, int output) : process_(process), output_(output) {}

  pid_t process_;
  int output_;
};

enum class End { ended, interrupt, timeout, too_long };

// Appends what the command prints to `output` until it has ended.
End follow(const Child& child, Clock::time_point deadline, std::string& output) {
  constexpr int kPatienceMs = 20;  // between looks at a command that has closed its output
  Interrupts interrupts;
  bool open = true;
  while (open || !child.ended()) {
    if (Clock::now() >= deadline) return End::timeout;
    pollfd events[] = {{interrupts.fd(), POLLIN, 0}, {child.output(), POLLIN, 0}};
    if (poll(events, open ? 2 : 1, kPatienceMs) <= 0) continue;
    if (events[0].revents != 0) return End::interrupt;
    char piece[4096];
    const ssize_t count = read(child.output(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    open = count > 0;
    output.append(piece, open ? static_cast<size_t>(count) : 0);
    if (output.size() > kOutputBytesMax) return End::too_long;
  }
  return End::ended;
}

Result<void> check_status(int status) {
  if (WIFSIGNALED(status)) {
    return fail(ErrorKind::unavailable, "the command was ended by signal {}", WTERMSIG(status));
  }
  if (WEXITSTATUS(status) == 0) return {};
  return fail(ErrorKind::unavailable, "the command ended with exit status {}", WEXITSTATUS(status));
}

}  // namespace

Result<std::string> run_shell_command(const std::string& command, std::chrono::milliseconds limit) {
  Child child = TRY(Child::start(command));
  std::string output;
  const End end = follow(child, Clock::now() + limit, output);
  const int status = child.reap();
  switch (end) {
    case End::interrupt:
      std::raise(SIGINT);  // its default action again: as if the key had come now
      return fail(ErrorKind::denied, "interrupted");
    case End::timeout:
      return fail(ErrorKind::exhausted, "the command took longer than {} s and was stopped",
                  std::chrono::duration<double>(limit).count());
    case End::too_long:
      return fail(ErrorKind::exhausted, "the command printed more than {} bytes", kOutputBytesMax);
    case End::ended:
      break;
  }
  TRY(check_status(status));
  return output;
}

std::string shell_quote(const std::string& text) {
  std::string quoted = "'";
  for (const char letter : text) {
    letter == '\'' ? quoted += "'\\''" : quoted += letter;
  }
  return quoted + "'";
}

}  // namespace sotto::cmd
