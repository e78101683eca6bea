// Ctrl-C as an event to wait for, instead of the end of the program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

namespace sotto::cmd {

// While one exists, SIGINT makes fd() readable and does nothing else. At most one at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int fd() const;
  // Whether there was one since the last call.
  bool take();
};

// Runs `action` on a thread of its own at the first Ctrl-C during this object's life.
class OnInterrupt {
 public:
  OnInterrupt(Interrupts& interrupts, std::function<void()> action);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  int end_fd_;
  std::thread watcher_;
};

}  // namespace sotto::cmd
