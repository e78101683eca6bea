// SIGINT through an eventfd: the handler only writes to it, which is all that a handler may do.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include "base/check.h"

namespace sotto::cmd {
namespace {

// A handler has no argument of ours, so these are the one place for it. -1: no Interrupts exists.
volatile int interrupt_fd = -1;
struct sigaction previous_action;

void signal_event(int fd) {
  const uint64_t one = 1;
  // A full counter is readable already, which is all that matters.
  [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof(one));
}

void on_sigint(int) {
  const int saved = errno;
  signal_event(interrupt_fd);
  errno = saved;
}

int make_event() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(fd >= 0);
  return fd;
}

}  // namespace

Interrupts::Interrupts() {
  CHECK(interrupt_fd == -1);
  interrupt_fd = make_event();
  struct sigaction action{};
  action.sa_handler = on_sigint;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  CHECK(sigaction(SIGINT, &action, &previous_action) == 0);
}

Interrupts::~Interrupts() {
  CHECK(sigaction(SIGINT, &previous_action, nullptr) == 0);
  close(interrupt_fd);
  interrupt_fd = -1;
}

int Interrupts::fd() const {
  return interrupt_fd;
}

bool Interrupts::take() {
  uint64_t count = 0;
  return read(interrupt_fd, &count, sizeof(count)) == sizeof(count);
}

OnInterrupt::OnInterrupt(Interrupts& interrupts, std::function<void()> action)
    : end_fd_(make_event()) {
  watcher_ = std::thread([fd = interrupts.fd(), end = end_fd_, action = std::move(action)] {
    pollfd events[] = {{fd, POLLIN, 0}, {end, POLLIN, 0}};
    while (poll(events, 2, -1) < 0 && errno == EINTR) {
    }
    if ((events[0].revents & POLLIN) != 0) action();
  });
}

OnInterrupt::~OnInterrupt() {
  signal_event(end_fd_);
  watcher_.join();
  close(end_fd_);
}

}  // namespace sotto::cmd
