// OpenAI's API over the engines: who asks, which model, and the answer in one piece or in many.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/answers.h"
#include "api/chat_request.h"
#include "api/completion_request.h"
#include "api/error.h"
#include "engine/host.h"
#include "serve/answering.h"
#include "serve/attestation.h"
#include "serve/connection.h"
#include "serve/format_cache.h"
#include "serve/http.h"
#include "serve/key_limiter.h"
#include "serve/keys.h"
#include "serve/metrics.h"
#include "serve/receipts.h"
#include "serve/request_log.h"
#include "serve/router.h"
#include "serve/usage.h"

namespace sotto::serve {

struct ServedModel {
  std::string name;
  std::vector<std::string> aliases;
  std::unique_ptr<engine::Host> host;
  engine::SamplingParams recommended;  // where a request says nothing
  int64_t loaded = 0;                  // Unix time
};

// Handlers run on the connections' executors, many at once.
class ApiServer {
 public:
  struct Parts {
    std::vector<ServedModel> models;  // the first is the default
    KeyRing* keys = nullptr;          // nullptr: whoever reaches the listener may ask
    Usage* usage = nullptr;           // with keys
    RequestLog* log = nullptr;
    Metrics* metrics = nullptr;
    attest::Node* node = nullptr;     // nullptr: there is no evidence
    ReceiptDesk* receipts = nullptr;  // with a node
    std::string version;
  };
  // What the pointers of `parts` point at must outlive the server.
  explicit ApiServer(Parts parts);

  const std::vector<ServedModel>& models() const { return parts_.models; }

  Router public_routes();
  // Metrics, and what monitors ask.
  Router admin_routes(const ConnectionCounts& counts);
  // From now on requests to generate are refused with 503.
  void begin_stop() { stopping_ = true; }

  struct Call;  // one request on its way through

 private:
  using Answer = Awaitable<api::ApiResult<void>> (ApiServer::*)(Call&);

  // Who may ask, and whether the answer has a receipt.
  enum class Kind : uint8_t { open, keyed, receipted };
  Handler handler(std::string route, Kind kind, Answer answer);
  Awaitable<void> handle(Call& call, Kind kind, Answer answer);
  api::ApiResult<void> begin_receipt(Call& call);
  api::ApiResult<void> admit(Call& call);
  void record(Call& call);

  Awaitable<api::ApiResult<void>> list_models(Call& call);
  Awaitable<api::ApiResult<void>> show_model(Call& call);
  Awaitable<api::ApiResult<void>> chat(Call& call);
  Awaitable<api::ApiResult<void>> respond(Call& call);
  Awaitable<api::ApiResult<void>> complete(Call& call);
  Awaitable<api::ApiResult<void>> embed(Call& call);
  Awaitable<api::ApiResult<void>> tokenize(Call& call);
  Awaitable<api::ApiResult<void>> detokenize(Call& call);
  Awaitable<api::ApiResult<void>> health(Call& call);
  Awaitable<api::ApiResult<void>> version(Call& call);
  Awaitable<api::ApiResult<void>> attest(Call& call);
  Awaitable<api::ApiResult<void>> show_receipt(Call& call);

  api::ApiResult<ServedModel*> find_model(Call& call, const std::string& name);
  api::ApiResult<Question> question_of(Call& call, const ServedModel& model,
                                       const api::ChatRequest& request,
                                       const std::string& prompt_field,
                                       const std::string& format_field);
  api::ApiResult<void> hold_to_format(Question& question, const ServedModel& model,
                                      const api::OutputFormat& format, const std::string& field);
  api::ApiResult<void> hold_calls(Question& question, const ServedModel& model,
                                  const api::Tools& tools);
  api::ModelEntry entry(const ServedModel& model) const;

  Parts parts_;
  KeyLimiter limiter_;
  FormatCache formats_;
  std::optional<AttestationDesk> attestation_;
  std::atomic<bool> stopping_{false};
};

}  // namespace sotto::serve
