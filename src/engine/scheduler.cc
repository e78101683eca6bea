// Forming batches, sharing out the prompt budget, and taking tokens from the logits.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace sotto::engine {
namespace {

uint32_t pages_of(uint32_t positions) {
  return (positions + model::kPagePositions - 1) / model::kPagePositions;
}

// Of length 1; a mean and a sum have the same direction.
SecretVector<float> unit_vector(std::span<const double> sum) {
  double squares = 0;
  for (const double x : sum) squares += x * x;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  SecretVector<float> unit(sum.size());
  for (size_t i = 0; i < sum.size(); ++i) unit[i] = static_cast<float>(sum[i] * scale);
  return unit;
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
  if (embeds() && decoding()) finish.embedding = unit_vector(state_sum);
  return finish;
}

Scheduler::Scheduler(model::Model& model, model::KvCache& cache, const EngineOptions& options)
    : model_(model),
      cache_(cache),
      options_(options),
      speculates_(options.speculation != Speculation::off && options.draft_tokens_max > 0),
      prefixes_(cache) {
  active_.reserve(options.sequences_max);
  parts_.reserve(options.sequences_max);
  takers_.reserve(options.sequences_max);
  candidates_.reserve(options.sequences_max);
  turns_.reserve(options.sequences_max);
  given_.reserve(options.sequences_max);
}

// What the job's prompt begins with and earlier ones of its tenant have left. Its last token is always
// computed: the first one of the answer comes out of it.
std::vector<uint32_t> Scheduler::cached_pages(const Job& job) const {
  if (!options_.prefix_cache || job.embed) return {};
  return prefixes_.find(job.tenant, std::span(job.prompt).first(job.prompt.size() - 1));
}

bool Scheduler::has_room(const Job& job) const {
  if (active_.size() >= options_.sequences_max) return false;
  const uint32_t wanted = pages_of(job.positions());
  if (wanted <= cache_.pages_free()) return true;
  const std::vector<uint32_t> shared = cached_pages(job);
  return wanted - shared.size() <= cache_.pages_free() + prefixes_.idle(shared);
}

uint32_t Scheduler::running(uint64_t tenant) const {
  return static_cast<uint32_t>(
      std::count_if(active_.begin(), active_.end(),
                    [&](const Active& active) { return active.job.tenant == tenant; }));
}

void Scheduler::admit(Job&& job, Clock::time_point now) {
  const std::vector<uint32_t> shared = cached_pages(job);
  for (const uint32_t page : shared) cache_.hold(page);  // so that it is not what makes room
  prefixes_.make_room(pages_of(job.positions()) - static_cast<uint32_t>(shared.size()));
  Result<model::Sequence> sequence = cache_.reserve(job.positions(), shared);
  for (const uint32_t page : shared) cache_.release(page);
  CHECK(sequence.has_value());  // has_room() said so
  const uint32_t cached = sequence->length();
  cached_tokens_ += cached;
  Sampler sampler(job.sampling, model_.shape().vocabulary, job.positions(), job.constraint);
  for (const TokenId id : job.prompt) sampler.accept(id);
  SecretVector<TokenId> input;
  SecretVector<Sampled> tokens;
  SecretVector<TokenId> answer;
  SecretVector<double> state_sum;
  answer.reserve(job.tokens_max);
  if (job.embed) state_sum.resize(model_.shape().width);
  const uint32_t tokens_max = 1 + (speculates_ ? options_.draft_tokens_max : 0);
  input.reserve(tokens_max);
  tokens.reserve(tokens_max);
  active_.push_back(Active{.job = std::move(job),
                           .sequence = std::move(*sequence),
                           .sampler = std::move(sampler),
                           .admitted = now,
                           .prompt_done = cached,
                           .cached = cached,
                           .answer = std::move(answer),
                           .state_sum = std::move(state_sum),
                           .input = std::move(input),
                           .tokens = std::move(tokens)});
}

// Leaves to later requests of the tenant what the model has computed of this one.
void Scheduler::keep_prefix(const Active& active) {
  if (!options_.prefix_cache) return;
  SecretVector<TokenId> tokens = active.job.prompt;
  tokens.insert(tokens.end(), active.answer.begin(), active.answer.end());
  tokens.resize(std::min<size_t>(tokens.size(), active.sequence.length()));
  prefixes_.keep(active.job.tenant, tokens, active.sequence.pages());
}

void Scheduler::remove_done() {
  for (const Active& active : active_) {
    if (active.done && !active.error.has_value()) keep_prefix(active);
  }
  std::erase_if(active_, [](const Active& active) { return active.done; });
}

// First come the tenants who were given least of late, so that one with many prompts does not hold up
// another's only one; a tenant's prompts share evenly, so that they get ahead together. What one does not
// need goes to the next.
void Scheduler::share_out(uint32_t budget) {
  for (Active& active : active_) active.chunk = 0;
  turns_.clear();
  for (const Active& active : active_) {
    const auto same = [&](const Turn& turn) { return turn.tenant == active.job.tenant; };
    if (!active.hungry() || std::any_of(turns_.begin(), turns_.end(), same)) continue;
    const auto given = std::find_if(given_.begin(), given_.end(), same);
    const uint32_t tokens = given == given_.end() ? 0 : given->tokens;
    // Among equals whoever came first stays first.
    const auto place = std::find_if(turns_.begin(), turns_.end(),
                                    [&](const Turn& turn) { return turn.tokens > tokens; });
    turns_.insert(place, {active.job.tenant, tokens});
  }
  for (Turn& past : given_) past.tokens /= 2;
  std::erase_if(given_, [](const Turn& past) { return past.tokens == 0; });
  for (const Turn& turn : turns_) {
    const uint32_t given = share_out(budget, turn.tenant);
    budget -= given;
    const auto past = std::find_if(given_.begin(), given_.end(),
                                   [&](const Turn& other) { return other.tenant == turn.tenant; });
    if (past != given_.end()) {
      past->tokens += given;
    } else if (given > 0) {
      given_.push_back({turn.tenant, given});
    }
  }
}

// What of `budget` the tenant's prompts could take.
uint32_t Scheduler::share_out(uint32_t budget, uint64_t tenant) {
  const auto is_hungry = [&](const Active& active) {
    return active.hungry() && active.job.tenant == tenant;
  };
  uint32_t given = 0;
  while (given < budget) {
    const auto hungry =
        static_cast<uint32_t>(std::count_if(active_.begin(), active_.end(), is_hungry));
    if (hungry == 0) break;
    const uint32_t share = std::max(1u, (budget - given) / hungry);
    for (Active& active : active_) {
      if (!is_hungry(active)) continue;
      const uint32_t more = std::min({share, active.prompt_left(), budget - given});
      active.chunk += more;
      given += more;
    }
  }
  return given;
}

// Lets each decoding sequence's input be its last token and as many guessed ones as pay.
void Scheduler::guess_ahead() {
  candidates_.clear();
  bool prompts = false;
  bool guesses = false;
  for (Active& active : active_) {
    prompts |= active.chunk > 0;
    if (!active.ready()) continue;
    active.input.assign(1, active.last);
    DraftCandidate candidate{.lookup = nullptr, .tokens_max = 0};
    if (active.lookup.has_value() && active.lookup->has_guess()) {
      // One token more than guessed comes out, and neither limit may be passed.
      const uint32_t left = std::min(active.job.tokens_max - active.generated, active.room);
      candidate = {.lookup = &*active.lookup,
                   .tokens_max = std::min(options_.draft_tokens_max, left - 1)};
      guesses |= candidate.tokens_max > 0;
    }
    candidates_.push_back(candidate);
  }
  // While prompts are read a step is long, and what it costs to add to it is not known.
  if (prompts || !guesses) return;
  const auto sequences = static_cast<uint32_t>(candidates_.size());
  const model::ForwardLimits& limits = model_.limits();
  const uint32_t budget = std::min(limits.logit_rows_max, limits.batch_tokens_max) - sequences;
  const bool always = options_.speculation == Speculation::always;
  choose_drafts(candidates_, budget, always ? nullptr : &step_times_);
  size_t next = 0;
  for (Active& active : active_) {
    if (!active.ready()) continue;
    const uint32_t guessed = candidates_[next++].tokens;
    active.input.resize(1 + guessed);
    if (guessed > 0) active.lookup->guess(std::span(active.input).subspan(1));
    drafted_tokens_ += guessed;
  }
}

void Scheduler::form_batch() {
  parts_.clear();
  takers_.clear();
  const auto decoding = static_cast<uint32_t>(std::count_if(
      active_.begin(), active_.end(), [](const Active& active) { return active.ready(); }));
  share_out(std::min(options_.prompt_chunk, model_.limits().batch_tokens_max - decoding));
  guess_ahead();
  for (Active& active : active_) {
    if (!active.ready()) continue;
    parts_.push_back({&active.sequence, active.input, model::Want::all});
    takers_.push_back(&active);
  }
  for (Active& active : active_) {
    if (active.chunk == 0) continue;
    const bool ends = active.prompt_done + active.chunk == active.job.prompt_tokens();
    parts_.push_back({&active.sequence,
                      std::span(active.job.prompt).subspan(active.prompt_done, active.chunk),
                      ends && !active.embeds() ? model::Want::last : model::Want::none,
                      active.embeds() ? active.state_sum.data() : nullptr});
    takers_.push_back(&active);
  }
}

// The batch through the model, with its time where it is one that may be compared.
Result<model::Logits> Scheduler::forward() {
  uint32_t tokens = 0;
  bool prompts = false;
  for (const model::BatchPart& part : parts_) {
    tokens += static_cast<uint32_t>(part.tokens.size());
    prompts |= part.want != model::Want::all;
  }
  const Clock::time_point start = Clock::now();
  Result<model::Logits> logits = model_.forward(parts_);
  if (logits && !prompts) {
    step_times_.add(tokens, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return logits;
}

void Scheduler::step() {
  form_batch();
  if (parts_.empty()) return;
  const Result<model::Logits> logits = forward();
  if (!logits) {
    for (Active* active : takers_) active->error = logits.error();
    return;
  }
  uint32_t row = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    Active& active = *takers_[i];
    if (active.chunk > 0) count_chunk(active);
    if (active.embeds() && active.decoding()) active.reason = FinishReason::stop;
    if (parts_[i].want == model::Want::last) {
      take_token(active, logits->row(row++));
    } else if (parts_[i].want == model::Want::all) {
      take_tokens(active, *logits, row);
      row += static_cast<uint32_t>(active.input.size());
    }
  }
}

// Indexes a prompt bit by bit, as it is read: this is not done under the engine's lock.
void Scheduler::count_chunk(Active& active) {
  if (speculates_ && !active.embeds()) {
    const std::span<const TokenId> prompt(active.job.prompt);
    if (!active.lookup.has_value()) {
      active.lookup.emplace(active.job.positions());
      active.lookup->add_prompt(prompt.first(active.prompt_done));  // from the prefix cache
    }
    active.lookup->add_prompt(prompt.subspan(active.prompt_done, active.chunk));
  }
  active.prompt_done += active.chunk;
  prompt_tokens_ += active.chunk;
  // Those who ask at the same time need not wait for the answer's end.
  if (active.decoding()) keep_prefix(active);
}

// Samples on for as long as the guesses are what is sampled: the logits after a right guess are
// those that a step of its own would have given. The sequence forgets the others.
void Scheduler::take_tokens(Active& active, const model::Logits& logits, uint32_t first_row) {
  const auto rows = static_cast<uint32_t>(active.input.size());
  uint32_t row = 0;
  for (;; ++row) {
    take_token(active, logits.row(first_row + row));
    const bool over = active.reason.has_value() || active.error.has_value();
    if (over || row + 1 == rows || active.last != active.input[row + 1]) break;
    ++accepted_tokens_;
  }
  active.sequence.truncate(active.sequence.length() - (rows - 1 - row));
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
  active.answer.push_back(sampled->id);
  if (active.lookup.has_value()) active.lookup->add_generated(sampled->id);
  active.tokens.push_back(std::move(*sampled));
  if (active.generated == active.job.tokens_max) active.reason = FinishReason::length;
}

}  // namespace sotto::engine
