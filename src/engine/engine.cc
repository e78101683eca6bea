// Admission, the thread that drives the scheduler, and carrying tokens to their streams.
// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "engine/scheduler.h"
#include "engine/stream_state.h"

namespace sotto::engine {

struct Engine::Impl {
  Impl(model::Model& the_model, const EngineOptions& the_options,
       std::unique_ptr<model::KvCache> the_cache)
      : model(the_model),
        options(the_options),
        cache(std::move(the_cache)),
        scheduler(model, *cache, options) {
    stats.pages = stats.pages_free = cache->pages();
  }

  void run() noexcept;
  Result<uint32_t> tokens_allowed(const Request& request) const;

  model::Model& model;
  const EngineOptions options;
  const std::unique_ptr<model::KvCache> cache;
  const std::shared_ptr<Hub> hub = std::make_shared<Hub>();
  std::deque<Job> waiting;  // guarded by the hub's lock
  EngineStats stats;        // guarded by the hub's lock
  Scheduler scheduler;      // the thread's own
  std::thread thread;

 private:
  bool has_work() const;
  std::deque<Job>::const_iterator next_waiting() const;
  void end_cancelled();
  void admit_waiting();
  void publish();
  void update_stats();
  void fail_all(const Error& why);
  void end_all();
};

namespace {

Result<void> check_options(const EngineOptions& options, const model::ForwardLimits& limits) {
  const auto at_least = [](const char* name, uint32_t value, uint32_t least) -> Result<void> {
    if (value >= least) return {};
    return fail(ErrorKind::malformed, "{} is {}, at least {} is needed", name, value, least);
  };
  TRY(at_least("sequences_max", options.sequences_max, 1));
  TRY(at_least("context", options.context, 2));
  TRY(at_least("prompt_chunk", options.prompt_chunk, 1));
  TRY(at_least("stream_tokens_max", options.stream_tokens_max, 1));
  const uint32_t most = std::min(limits.logit_rows_max, limits.batch_tokens_max);
  if (options.sequences_max > most) {
    return fail(ErrorKind::malformed, "sequences_max is {}, the model was loaded for at most {}",
                options.sequences_max, most);
  }
  return {};
}

Result<void> check_ids(const char* what, std::span<const TokenId> ids, uint32_t vocabulary) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && static_cast<uint32_t>(ids[i]) < vocabulary) continue;
    return fail(ErrorKind::malformed, "{} {} is outside of the vocabulary of {}", what, i,
                vocabulary);
  }
  return {};
}

Result<void> check_request(const Request& request, uint32_t vocabulary) {
  if (request.prompt.empty()) return fail(ErrorKind::malformed, "the prompt has no tokens");
  TRY(check_ids("token of the prompt", request.prompt, vocabulary));
  TRY(check_ids("stop token", request.stop_tokens, vocabulary));
  TRY(validate(request.sampling));
  for (const auto& [id, bias] : request.sampling.logit_bias) {
    TRY(check_ids("token of logit_bias", {&id, 1}, vocabulary));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(model::Model& model, const EngineOptions& options) {
  TRY(check_options(options, model.limits()));
  EngineOptions effective = options;
  effective.context = std::min(options.context, model.shape().context_max);
  // What the model has no room for beside one sequence is not guessed.
  const uint32_t rows = std::min(model.limits().logit_rows_max, model.limits().batch_tokens_max);
  effective.draft_tokens_max = std::min(options.draft_tokens_max, rows - 1);
  if (options.speculation == Speculation::off) effective.draft_tokens_max = 0;
  if (effective.cache_positions == 0) {
    effective.cache_positions = uint64_t{effective.context} * options.cache_requests;
  }
  if (effective.sequences_per_tenant_max == 0) {
    effective.sequences_per_tenant_max = effective.sequences_max;
  }
  std::unique_ptr<model::KvCache> cache =
      TRY(model::KvCache::create(model.kv_layout(options.kv_type), effective.cache_positions));
  const uint64_t positions = uint64_t{cache->pages()} * model::kPagePositions;
  effective.context = static_cast<uint32_t>(std::min<uint64_t>(effective.context, positions));
  auto impl = std::make_unique<Impl>(model, effective, std::move(cache));
  try {
    impl->thread = std::thread([&engine = *impl] { engine.run(); });
  } catch (const std::system_error& error) {
    return fail(ErrorKind::exhausted, "the engine's thread cannot be started: {}", error.what());
  }
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(impl_->hub->mutex);
    impl_->hub->stopping = true;
    impl_->hub->work.notify_one();
  }
  impl_->thread.join();
}

// How many tokens the request may generate.
Result<uint32_t> Engine::Impl::tokens_allowed(const Request& request) const {
  const uint64_t prompt = request.prompt.size();
  const uint64_t wanted = request.embed ? 0 : std::max(request.tokens_max, 1u);
  if (prompt + wanted > options.context) {
    return fail(ErrorKind::exhausted,
                "a prompt of {} tokens and {} to generate do not fit the context of {}", prompt,
                wanted, options.context);
  }
  if (request.embed) return 0;
  if (request.tokens_max != 0) return request.tokens_max;
  return static_cast<uint32_t>(options.context - prompt);
}

Result<TokenStream> Engine::submit(Request request) {
  // From here on the prompt is in memory that gets wiped, whatever becomes of the request.
  Impl& impl = *impl_;
  SecretVector<TokenId> prompt(request.prompt.begin(), request.prompt.end());
  const Result<void> valid = check_request(request, impl.model.shape().vocabulary);
  const Result<uint32_t> tokens = impl.tokens_allowed(request);
  wipe(request.prompt.data(), request.prompt.size() * sizeof(TokenId));
  if (!valid) return std::unexpected(valid.error());
  if (!tokens) return std::unexpected(tokens.error());

  auto state = std::make_shared<TokenStream::State>(impl.hub, impl.options.stream_tokens_max);
  Job job{.stream = state,
          .prompt = std::move(prompt),
          .tenant = request.tenant,
          .tokens_max = *tokens,
          .sampling = std::move(request.sampling),
          .stop_tokens = std::move(request.stop_tokens),
          .constraint = std::move(request.constraint),
          .embed = request.embed,
          .submitted = Clock::now()};
  const std::lock_guard lock(impl.hub->mutex);
  // Those who will get a free place at the next step do not count as waiting.
  const uint64_t places = impl.options.sequences_max - impl.stats.running;
  if (impl.waiting.size() >= impl.options.queue_max + places) {
    return fail(ErrorKind::exhausted, "the queue is full: {} requests are waiting",
                impl.waiting.size());
  }
  impl.waiting.push_back(std::move(job));
  ++impl.stats.requests;
  impl.hub->work.notify_one();
  return TokenStream(std::move(state));
}

EngineStats Engine::stats() const {
  const std::lock_guard lock(impl_->hub->mutex);
  EngineStats stats = impl_->stats;
  stats.waiting = static_cast<uint32_t>(impl_->waiting.size());
  return stats;
}

const EngineOptions& Engine::options() const {
  return impl_->options;
}

namespace {

// Ends the stream of a job that never ran.
void end_unstarted(const Job& job) {
  Finish finish{};
  finish.reason = FinishReason::cancelled;
  finish.prompt_tokens = job.prompt_tokens();
  finish.queue_time = Clock::now() - job.submitted;
  job.stream->end(finish);
}

void end_active(Active& active, FinishReason why) {
  active.job.stream->end(active.finish(why));
  active.done = true;
}

}  // namespace

// The thread. Everything below runs on it, and with the lock held but where it says otherwise.
void Engine::Impl::run() noexcept {
  std::unique_lock lock(hub->mutex);
  for (;;) {
    hub->work.wait(lock, [&] { return hub->stopping || has_work(); });
    if (hub->stopping) break;
    try {
      end_cancelled();
      admit_waiting();
      for (Active& active : scheduler.active()) active.room = active.job.stream->room();
      lock.unlock();
      scheduler.step();
      lock.lock();
      update_stats();  // first: who has read a token finds it counted
      publish();
    } catch (const std::exception&) {
      // Out of memory, and by whom is not known.
      if (!lock.owns_lock()) lock.lock();
      fail_all({ErrorKind::exhausted, "the engine is out of memory"});
    }
    lock.unlock();
    scheduler.remove_done();
    lock.lock();
    update_stats();
  }
  end_all();
}

bool Engine::Impl::has_work() const {
  if (next_waiting() != waiting.end()) return true;
  const auto is_cancelled = [](const Job& job) { return job.stream->cancelled; };
  if (std::any_of(waiting.begin(), waiting.end(), is_cancelled)) return true;
  const std::vector<Active>& active = scheduler.active();
  return std::any_of(active.begin(), active.end(), [&](const Active& one) {
    return is_cancelled(one.job) || !one.job.stream->full();
  });
}

void Engine::Impl::end_cancelled() {
  std::erase_if(waiting, [](const Job& job) {
    if (job.stream->cancelled) end_unstarted(job);
    return job.stream->cancelled;
  });
  for (Active& active : scheduler.active()) {
    if (active.job.stream->cancelled) end_active(active, FinishReason::cancelled);
  }
}

// The first request of the tenant that has the fewest running, and among equals the one that came
// first; none when there is no room for it. A tenant with its share running is passed over. But a
// small request that would fit now does not overtake a large one, which else might wait for ever.
std::deque<Job>::const_iterator Engine::Impl::next_waiting() const {
  auto best = waiting.end();
  uint32_t fewest = options.sequences_per_tenant_max;
  for (auto job = waiting.begin(); job != waiting.end(); ++job) {
    const uint32_t running = scheduler.running(job->tenant);
    if (running >= fewest) continue;
    fewest = running;
    best = job;
  }
  return best == waiting.end() || !scheduler.has_room(*best) ? waiting.end() : best;
}

void Engine::Impl::admit_waiting() {
  for (auto next = next_waiting(); next != waiting.end(); next = next_waiting()) {
    const auto place = waiting.begin() + (next - waiting.cbegin());
    scheduler.admit(std::move(*place), Clock::now());
    const Active& admitted = scheduler.active().back();
    admitted.job.stream->cached_tokens = admitted.cached;
    waiting.erase(place);
  }
  update_stats();
}

void Engine::Impl::publish() {
  for (Active& active : scheduler.active()) {
    if (active.done) continue;
    TokenStream::State& stream = *active.job.stream;
    for (Sampled& token : active.tokens) {
      if (!stream.cancelled) stream.push(std::move(token));
    }
    active.tokens.clear();
    if (stream.cancelled) {
      end_active(active, FinishReason::cancelled);
    } else if (active.error.has_value()) {
      stream.end(std::move(*active.error));
      active.done = true;
    } else if (active.reason.has_value()) {
      end_active(active, *active.reason);
    }
  }
}

void Engine::Impl::update_stats() {
  stats.running = static_cast<uint32_t>(scheduler.active().size());
  stats.pages_free = scheduler.pages_free();
  stats.pages_cached = scheduler.pages_cached();
  stats.cached_tokens = scheduler.cached_tokens();
  stats.prompt_tokens = scheduler.prompt_tokens();
  stats.generated_tokens = scheduler.generated_tokens();
  stats.drafted_tokens = scheduler.drafted_tokens();
  stats.accepted_tokens = scheduler.accepted_tokens();
}

void Engine::Impl::fail_all(const Error& why) {
  for (const Job& job : waiting) job.stream->end(why);
  waiting.clear();
  for (Active& active : scheduler.active()) {
    if (!active.job.stream->ended()) active.job.stream->end(why);
    active.done = true;
  }
}

void Engine::Impl::end_all() {
  for (const Job& job : waiting) end_unstarted(job);
  for (Active& active : scheduler.active()) end_active(active, FinishReason::cancelled);
}

}  // namespace sotto::engine
