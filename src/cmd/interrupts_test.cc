// Tests for Ctrl-C as an event.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/interrupts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>

namespace sotto::cmd {
namespace {

std::atomic<int> outer_signals{0};
void count_signal(int) {
  ++outer_signals;
}

TEST(Interrupts, take_the_signal_while_they_exist_and_give_it_back_after) {
  ASSERT_NE(std::signal(SIGINT, count_signal), SIG_ERR);
  {
    Interrupts interrupts;
    EXPECT_FALSE(interrupts.take());
    raise(SIGINT);
    raise(SIGINT);
    EXPECT_TRUE(interrupts.take());
    EXPECT_FALSE(interrupts.take());
  }
  EXPECT_EQ(outer_signals, 0);
  raise(SIGINT);
  EXPECT_EQ(outer_signals, 1);
  std::signal(SIGINT, SIG_DFL);
}

TEST(OnInterrupt, runs_its_action_once) {
  Interrupts interrupts;
  std::atomic<int> runs{0};
  {
    const OnInterrupt on_interrupt(interrupts, [&] {
      ++runs;
      runs.notify_one();
    });
    raise(SIGINT);
    runs.wait(0);
    raise(SIGINT);
  }
  EXPECT_EQ(runs, 1);
}

TEST(OnInterrupt, does_nothing_without_an_interrupt) {
  Interrupts interrupts;
  bool ran = false;
  {
    const OnInterrupt on_interrupt(interrupts, [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace sotto::cmd
