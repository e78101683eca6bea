// Pinning, by affinity masks; a refusal costs speed, not correctness.
// SPDX-License-Identifier: Apache-2.0
#include "base/places.h"

#include <sys/resource.h>

#include <utility>

namespace sotto {
namespace {

// Shorter loops are not looked at: losing a processor costs a time slice, which is longer.
constexpr auto kSuspicious = std::chrono::microseconds(500);
constexpr auto kPeace = std::chrono::seconds(1);

cpu_set_t only(uint32_t processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  return set;
}

}  // namespace

void Places::add_worker(pthread_t worker) {
  workers_.push_back(worker);
  if (processors_.empty()) return;
  const cpu_set_t set = only(processors_[workers_.size()]);
  (void)pthread_setaffinity_np(worker, sizeof(set), &set);
}

bool Places::was_preempted() {
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) != 0) return false;
  const std::thread::id self = std::this_thread::get_id();
  const bool known = std::exchange(caller_, self) == self;  // the count is of this very thread
  return usage.ru_nivcsw > std::exchange(switches_, usage.ru_nivcsw) && known;
}

void Places::pin_caller() {
  Pinned pinned{std::this_thread::get_id(), {}};
  if (sched_getaffinity(0, sizeof(pinned.before), &pinned.before) != 0) return;
  pinned_ = pinned;
  const cpu_set_t set = only(processors_[0]);
  (void)sched_setaffinity(0, sizeof(set), &set);
}

void Places::swap_with_worker() {
  next_ = next_ % static_cast<uint32_t>(workers_.size()) + 1;
  std::swap(processors_[0], processors_[next_]);
  const cpu_set_t mine = only(processors_[0]), other = only(processors_[next_]);
  (void)pthread_setaffinity_np(workers_[next_ - 1], sizeof(other), &other);
  (void)sched_setaffinity(0, sizeof(mine), &mine);
}

// Of another thread, which may have ended, nothing is changed any more.
void Places::release() {
  if (pinned_ && pinned_->id == std::this_thread::get_id()) {
    (void)sched_setaffinity(0, sizeof(pinned_->before), &pinned_->before);
  }
  pinned_.reset();
}

void Places::loop_ended(Clock::time_point start, Clock::time_point end, bool late) {
  if (workers_.empty() || processors_.empty()) return;
  const bool preempted = end - start > kSuspicious && was_preempted();
  if (!preempted && !late) {
    if (pinned_ && end - disturbed_ > kPeace) release();
    return;
  }
  disturbed_ = end;
  if (pinned_ && pinned_->id != std::this_thread::get_id()) release();
  if (!pinned_) {
    pin_caller();
  } else if (preempted) {
    swap_with_worker();
  }
}

}  // namespace sotto
