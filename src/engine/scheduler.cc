// Forming batches, sharing out the prompt budget, and taking tokens from the logits.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace sotto::engine {
namespace {

uint32_t pages_of(uint32_t positions) {
  return (positions + model::kPagePositions - 1) / model::kPagePositions;
}

}  // namespace

Finish Active::finish(FinishReason why) const {
  Finish finish{};
  finish.reason = why;
  finish.prompt_tokens = job.prompt_tokens();
  finish.queue_time = admitted - job.submitted;
  if (generated > 0) {
    finish.prompt_time = first_token - admitted;
    finish.generate_time = last_token - first_token;
  }
  return finish;
}

Scheduler::Scheduler(model::Model& model, model::KvCache& cache, const EngineOptions& options)
    : model_(model), cache_(cache), options_(options) {
  active_.reserve(options.sequences_max);
  parts_.reserve(options.sequences_max);
  takers_.reserve(options.sequences_max);
}

bool Scheduler::has_room(const Job& job) const {
  return active_.size() < options_.sequences_max &&
         pages_of(job.positions()) <= cache_.pages_free();
}

void Scheduler::admit(Job&& job, Clock::time_point now) {
  Result<model::Sequence> sequence = cache_.reserve(job.positions());
  CHECK(sequence.has_value());  // has_room() said so
  Sampler sampler(job.sampling, model_.shape().vocabulary, job.positions());
  for (const TokenId id : job.prompt) sampler.accept(id);
  active_.push_back(Active{.job = std::move(job),
                           .sequence = std::move(*sequence),
                           .sampler = std::move(sampler),
                           .admitted = now});
}

void Scheduler::remove_done() {
  std::erase_if(active_, [](const Active& active) { return active.done; });
}

// Even shares, so that several prompts get ahead together; what one does not need goes to the
// others, and what cannot be divided to whoever came first.
void Scheduler::share_out(uint32_t budget) {
  const auto lacks = [](const Active& active) {
    return active.done ? 0 : active.job.prompt_tokens() - active.prompt_done - active.chunk;
  };
  for (Active& active : active_) active.chunk = 0;
  for (;;) {
    const auto hungry = static_cast<uint32_t>(std::count_if(
        active_.begin(), active_.end(), [&](const Active& active) { return lacks(active) > 0; }));
    if (hungry == 0 || budget == 0) return;
    const uint32_t share = std::max(1u, budget / hungry);
    for (Active& active : active_) {
      const uint32_t given = std::min({share, lacks(active), budget});
      active.chunk += given;
      budget -= given;
    }
  }
}

void Scheduler::form_batch() {
  parts_.clear();
  takers_.clear();
  for (Active& active : active_) {
    if (!active.decoding() || active.paused || active.done) continue;
    parts_.push_back({&active.sequence, {&active.last, 1}, model::Want::last});
    takers_.push_back(&active);
  }
  const uint32_t left = model_.limits().batch_tokens_max - static_cast<uint32_t>(parts_.size());
  share_out(std::min(options_.prompt_chunk, left));
  for (Active& active : active_) {
    if (active.chunk == 0) continue;
    const bool ends = active.prompt_done + active.chunk == active.job.prompt_tokens();
    parts_.push_back({&active.sequence,
                      std::span(active.job.prompt).subspan(active.prompt_done, active.chunk),
                      ends ? model::Want::last : model::Want::none});
    takers_.push_back(&active);
  }
}

void Scheduler::step() {
  form_batch();
  if (parts_.empty()) return;
  const Result<model::Logits> logits = model_.forward(parts_);
  if (!logits) {
    for (Active* active : takers_) active->error = logits.error();
    return;
  }
  uint32_t row = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    Active& active = *takers_[i];
    active.prompt_done += active.chunk;
    prompt_tokens_ += active.chunk;
    if (parts_[i].want == model::Want::last) take_token(active, logits->row(row++));
  }
}

void Scheduler::take_token(Active& active, std::span<const float> logits) {
  Result<Sampled> sampled = active.sampler.sample(logits, distribution_);
  if (!sampled) {
    active.error = std::move(sampled).error();
    return;
  }
  const std::vector<TokenId>& stops = active.job.stop_tokens;
  if (std::find(stops.begin(), stops.end(), sampled->id) != stops.end()) {
    active.reason = FinishReason::stop;
    return;
  }
  active.last_token = Clock::now();
  if (active.generated == 0) active.first_token = active.last_token;
  ++active.generated;
  ++generated_tokens_;
  active.last = sampled->id;
  active.token = std::move(*sampled);
  if (active.generated == active.job.tokens_max) active.reason = FinishReason::length;
}

}  // namespace sotto::engine
