// Counters and histograms with coarse buckets.
// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <vector>

namespace sotto::serve {

namespace {

using prometheus::Histogram;

// Coarse, so that a bucket tells little about one request.
const Histogram::BucketBoundaries kSeconds = {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};
const Histogram::BucketBoundaries kTokenSeconds = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3};

}  // namespace

struct Metrics::Impl {
  prometheus::Counter& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Gauge& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
  Histogram& histogram(const char* name, const char* help,
                       const Histogram::BucketBoundaries& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
  }

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("sotto_requests_total")
          .Help("Requests that were answered, by route and status.")
          .Register(registry);
  prometheus::Counter& prompt_tokens =
      counter("sotto_prompt_tokens_total", "Tokens of prompts that were answered.");
  prometheus::Counter& completion_tokens =
      counter("sotto_completion_tokens_total", "Tokens that were generated and delivered.");
  prometheus::Counter& lost_usage =
      counter("sotto_usage_lost_total", "Requests whose usage could not be written down.");
  Histogram& seconds =
      histogram("sotto_request_seconds", "From a request's arrival to its answer's end.", kSeconds);
  Histogram& first_token = histogram("sotto_first_token_seconds",
                                     "From a request's arrival to its first token.", kSeconds);
  Histogram& per_token = histogram(
      "sotto_token_seconds", "Mean time from one token of an answer to the next.", kTokenSeconds);
  prometheus::Gauge& running = gauge("sotto_sequences_running", "Sequences being computed.");
  prometheus::Gauge& waiting = gauge("sotto_sequences_waiting", "Sequences that wait for a place.");
  prometheus::Gauge& pages = gauge("sotto_kv_pages", "Pages of the key-value caches.");
  prometheus::Gauge& pages_used = gauge("sotto_kv_pages_used", "Pages that sequences hold.");
  prometheus::Gauge& pages_cached =
      gauge("sotto_kv_pages_cached", "Pages kept for prompts that begin like earlier ones.");
  prometheus::Gauge& cached_tokens = gauge(
      "sotto_cached_tokens_total", "Tokens of prompts that had been computed for earlier ones.");
  prometheus::Gauge& connections = gauge("sotto_connections", "Open connections.");
  prometheus::Gauge& slow_readers =
      gauge("sotto_slow_readers_total", "Connections dropped because the client did not read.");
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::count(const Request& request) {
  impl_->requests
      .Add({{"route", std::string(request.route)}, {"status", std::to_string(request.status)}})
      .Increment();
  impl_->seconds.Observe(request.seconds);
  impl_->prompt_tokens.Increment(static_cast<double>(request.prompt_tokens));
  impl_->completion_tokens.Increment(static_cast<double>(request.completion_tokens));
  if (request.first_token_seconds > 0) impl_->first_token.Observe(request.first_token_seconds);
  if (request.completion_tokens > 1) {
    impl_->per_token.Observe((request.seconds - request.first_token_seconds) /
                             static_cast<double>(request.completion_tokens - 1));
  }
}

void Metrics::count_lost_usage() {
  impl_->lost_usage.Increment();
}

std::string Metrics::text(const Gauges& gauges) {
  impl_->running.Set(gauges.engine.running);
  impl_->waiting.Set(gauges.engine.waiting);
  impl_->pages.Set(gauges.engine.pages);
  impl_->pages_used.Set(gauges.engine.pages - gauges.engine.pages_free -
                        gauges.engine.pages_cached);
  impl_->pages_cached.Set(gauges.engine.pages_cached);
  impl_->cached_tokens.Set(static_cast<double>(gauges.engine.cached_tokens));
  impl_->connections.Set(gauges.connections);
  impl_->slow_readers.Set(static_cast<double>(gauges.slow_readers));
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace sotto::serve
