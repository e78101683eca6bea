// A progress bar on the terminal.
// SPDX-License-Identifier: Apache-2.0
#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace sotto {
namespace {

using Clock = std::chrono::steady_clock;

struct Bar {
  std::string what;
  Clock::time_point start = Clock::now();
  Clock::time_point drawn = start;
  bool visible = false;
};

void draw(Bar& bar, uint64_t done, uint64_t total) {
  constexpr int kWidth = 30;
  const double share = total == 0 ? 1.0 : std::min(1.0, double(done) / double(total));
  const double seconds = std::chrono::duration<double>(Clock::now() - bar.start).count();
  const double rate = double(done) / std::max(seconds, 1e-9);
  const int filled = int(share * kWidth);
  fmt::print(stderr, "\r\033[K{} [{:=<{}}{: <{}}] {:3.0f}%  {:.2f} GB/s  {:.0f} s left", bar.what,
             "", filled, "", kWidth - filled, 100 * share, rate / 1e9,
             rate > 0 ? double(total - std::min(done, total)) / rate : 0.0);
  std::fflush(stderr);
}

}  // namespace

Progress terminal_progress(std::string what) {
  if (isatty(STDERR_FILENO) == 0) return {};
  auto bar = std::make_shared<Bar>();
  bar->what = std::move(what);
  return [bar](uint64_t done, uint64_t total) {
    const auto now = Clock::now();
    if (done >= total) {
      if (bar->visible) fmt::print(stderr, "\r\033[K");
      bar->visible = false;
      return;
    }
    const bool long_enough = now - bar->start > std::chrono::seconds(1);
    if (!long_enough || now - bar->drawn < std::chrono::milliseconds(100)) return;
    bar->visible = true;
    bar->drawn = now;
    draw(*bar, done, total);
  };
}

}  // namespace sotto
