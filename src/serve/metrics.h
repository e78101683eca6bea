// What the operator may know of the load: counts and times of all requests together, in Prometheus form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace sotto::serve {

// No metric is labelled by key, request or content: what one person does cannot be read off them. All
// methods may be called from any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  struct Request {
    std::string_view route;  // one of a few: "chat", "completions", "models", …
    uint32_t status = 0;
    double seconds = 0;
    double first_token_seconds = 0;  // 0: there was none
    uint64_t prompt_tokens = 0;
    uint64_t completion_tokens = 0;
  };
  void count(const Request& request);

  // Usage of a key that could not be written down.
  void count_lost_usage();

  struct Gauges {
    engine::EngineStats engine;  // summed over the models
    uint32_t connections = 0;
    uint64_t slow_readers = 0;
  };
  // The text that Prometheus scrapes, with the gauges as they are now.
  std::string text(const Gauges& gauges);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto::serve
