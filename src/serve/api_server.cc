// Routes, keys and limits, errors, and the small endpoints.
// SPDX-License-Identifier: Apache-2.0
#include "serve/api_server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ctime>

#include "base/check.h"
#include "crypto/random.h"
#include "serve/api_call.h"

namespace sotto::serve {

namespace json = boost::json;
using api::ApiError;
using api::ApiResult;

namespace {

constexpr const char* kJson = "application/json";

std::string hex(std::span<const uint8_t> digest) {
  std::string text;
  for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

ApiResult<api::Body> read_body(const HttpRequest& request) {
  const std::string_view type = request.field("content-type");
  if (type.substr(0, type.find(';')) != kJson) {
    return std::unexpected(
        ApiError{415, "unsupported_media_type", "", "content-type must be application/json"});
  }
  return api::Body::parse(request.body_text());
}

ApiServer::Call::Call(const HttpRequest& the_request, Exchange& the_exchange, std::string the_route)
    : request(the_request),
      exchange(the_exchange),
      id(fmt::format("req_{:016x}", crypto::random_u64())),
      route(std::move(the_route)) {}

HttpAnswer ApiServer::Call::answer(uint32_t the_status, const char* type, std::string body) {
  status = the_status;
  HttpAnswer answer;
  answer.status = the_status;
  answer.fields.emplace_back("content-type", type);
  answer.fields.emplace_back("x-request-id", id);
  if (receipt && !receipt->told_salt().empty()) {
    answer.fields.emplace_back("x-sotto-salt", receipt->told_salt());
  }
  answer.body = std::move(body);
  return answer;
}

Awaitable<void> ApiServer::Call::send(HttpAnswer answer) {
  if (receipt && !receipt->finished()) {
    receipt->facts.usage = usage;
    receipt->add(answer.body);
    const auto outcome = gone           ? channel::Outcome::aborted
                         : status < 400 ? channel::Outcome::completed
                                        : channel::Outcome::failed;
    answer.fields.emplace_back("x-sotto-receipt", receipt->finish(outcome, status));
  }
  const Result<void> sent = co_await exchange.send(std::move(answer));
  gone = gone || !sent.has_value();
}

Awaitable<void> ApiServer::Call::send_json(json::object body) {
  HttpAnswer whole = answer(200, kJson, json::serialize(body));
  co_await send(std::move(whole));
}

Awaitable<void> ApiServer::Call::send_error(const ApiError& error) {
  HttpAnswer whole = answer(error.status, kJson, json::serialize(error.json()));
  if (error.status == 429 || error.status == 503) {
    whole.fields.emplace_back("retry-after", std::to_string(std::max(error.retry_after, 1u)));
  }
  if (error.status == 401) whole.fields.emplace_back("www-authenticate", "Bearer");
  co_await send(std::move(whole));
}

std::string ApiServer::Call::close_receipt(std::string events, bool failed) {
  if (!receipt || receipt->finished()) return events;
  receipt->facts.usage = usage;
  receipt->add(events);
  const auto outcome = failed           ? channel::Outcome::failed
                       : events.empty() ? channel::Outcome::aborted
                                        : channel::Outcome::completed;
  return channel::with_receipt(std::move(events), receipt->finish(outcome, status));
}

Awaitable<bool> ApiServer::Call::send_event(std::string event) {
  const Result<void> sent = co_await exchange.write(std::move(event));
  gone = gone || !sent.has_value();
  co_return !gone;
}

void ApiServer::Call::note(const Answering& answering) {
  usage = answering.usage();
  queue_time = answering.queue_time();
  first_token_time = answering.first_token_time();
}

void ApiServer::Call::note(const Question& question) {
  if (!receipt) return;
  receipt->facts.sampling = question.generation.sampling(question.base, question.seed);
}

ApiServer::ApiServer(Parts parts) : parts_(std::move(parts)) {
  CHECK(!parts_.models.empty() && parts_.log != nullptr && parts_.metrics != nullptr);
  if (parts_.node != nullptr) attestation_.emplace(*parts_.node);
}

Handler ApiServer::handler(std::string route, Kind kind, Answer answer) {
  return [this, route = std::move(route), kind, answer](const HttpRequest& request,
                                                        Exchange& exchange) -> Awaitable<void> {
    Call call(request, exchange, route);
    co_await handle(call, kind, answer);
  };
}

Awaitable<void> ApiServer::handle(Call& call, Kind kind, Answer answer) {
  ApiResult<void> result;
  if (kind != Kind::open) result = admit(call);
  if (result && kind == Kind::receipted) result = begin_receipt(call);
  if (result) result = co_await (this->*answer)(call);
  if (!result && !call.exchange.answered()) co_await call.send_error(result.error());
  // Of an answer that was not sent to its end there is a receipt too, to be asked for.
  if (call.receipt && !call.receipt->finished()) {
    call.close_receipt("", false);
  }
  record(call);
}

ApiResult<void> ApiServer::begin_receipt(Call& call) {
  if (parts_.receipts == nullptr) return {};
  call.receipt = ReceiptDraft::begin(*parts_.receipts, call.request, call.id, call.route);
  if (!call.receipt) {
    return api::invalid("x-sotto-salt",
                        "the field x-sotto-salt is no 16 to 64 bytes in hexadecimal");
  }
  call.receipt->tenant = call.tenant();
  return {};
}

ApiResult<void> ApiServer::admit(Call& call) {
  if (parts_.keys == nullptr) return {};
  const std::string_view authorization = call.request.field("authorization");
  auto key = parts_.keys->find(authorization, std::time(nullptr));
  if (!key) {
    return std::unexpected(ApiError{401, "invalid_api_key", "", key.error().message});
  }
  call.key = std::move(*key);
  const uint64_t most = call.key->limits.total_tokens;
  if (most != 0 && parts_.usage != nullptr) {
    // Without its count a key with a limit cannot be served.
    const Result<uint64_t> used = parts_.usage->total_tokens(call.key->name);
    if (!used) return std::unexpected(ApiError{500, "internal_error", "", "usage is not known"});
    if (*used >= most) {
      return std::unexpected(ApiError{429, "insufficient_quota", "",
                                      fmt::format("this key has used its {} tokens", most), 3600});
    }
  }
  auto lease = limiter_.admit(*call.key, KeyLimiter::Clock::now());
  if (!lease) {
    return std::unexpected(ApiError{429, "rate_limit_exceeded", "", lease.error().message,
                                    lease.error().retry_after_seconds});
  }
  call.lease = std::move(*lease);
  return {};
}

void ApiServer::record(Call& call) {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - call.begun;
  const uint64_t tokens = call.usage.prompt_tokens + call.usage.completion_tokens;
  if (call.key != nullptr) {
    limiter_.spend(*call.key, tokens, KeyLimiter::Clock::now());
    UsageRow row;
    row.key = call.key->name;
    row.day = fmt::format("{:%F}", fmt::gmtime(std::time(nullptr)));
    row.requests = 1;
    row.prompt_tokens = call.usage.prompt_tokens;
    row.completion_tokens = call.usage.completion_tokens;
    if (parts_.usage != nullptr && !parts_.usage->add(row)) parts_.metrics->count_lost_usage();
  }
  Metrics::Request metric;
  metric.route = call.route;
  metric.status = call.status;
  metric.seconds = seconds.count();
  metric.first_token_seconds = call.first_token_time.count();
  metric.prompt_tokens = call.usage.prompt_tokens;
  metric.completion_tokens = call.usage.completion_tokens;
  parts_.metrics->count(metric);
  RequestLine line;
  line.id = call.id;
  if (call.key != nullptr) line.key = call.key->name;
  line.route = call.route;
  line.model = call.model;
  line.status = call.status;
  line.gone = call.gone;
  line.prompt_tokens = call.usage.prompt_tokens;
  line.completion_tokens = call.usage.completion_tokens;
  line.queue_seconds = call.queue_time.count();
  line.first_token_seconds = call.first_token_time.count();
  line.seconds = seconds.count();
  parts_.log->write(line);
}

ApiResult<ServedModel*> ApiServer::find_model(Call& call, const std::string& name) {
  if (stopping_) {
    return std::unexpected(ApiError{503, "shutting_down", "", "this server is shutting down", 5});
  }
  for (ServedModel& model : parts_.models) {
    const auto& aliases = model.aliases;
    const bool named = name.empty() || model.name == name ||
                       std::find(aliases.begin(), aliases.end(), name) != aliases.end();
    if (!named) continue;
    call.model = model.name;
    if (call.receipt) {
      call.receipt->facts.model = model.name;
      const engine::EngineOptions& options = model.host->engine().options();
      call.receipt->facts.model_root = model.host->model().identity().model_root;
      call.receipt->facts.context = options.context;
      call.receipt->facts.kv = options.kv_type == model::KvType::F16 ? "f16" : "q8_0";
    }
    return &model;
  }
  return std::unexpected(ApiError{404, "model_not_found", "model",
                                  "there is no such model here: GET /v1/models lists them"});
}

api::ModelEntry ApiServer::entry(const ServedModel& model) const {
  api::ModelEntry entry;
  entry.id = model.name;
  entry.created = model.loaded;
  entry.context = model.host->engine().options().context;
  entry.model_root = hex(model.host->model().identity().model_root);
  for (const auto& file : model.host->model().identity().file_sha256) {
    entry.file_sha256.push_back(hex(file));
  }
  return entry;
}

Awaitable<ApiResult<void>> ApiServer::list_models(Call& call) {
  std::vector<api::ModelEntry> entries;
  for (const ServedModel& model : parts_.models) entries.push_back(entry(model));
  json::object body = api::models_json(entries);
  co_await call.send_json(std::move(body));
  co_return ApiResult<void>();
}

Awaitable<ApiResult<void>> ApiServer::show_model(Call& call) {
  const std::string_view path = call.request.path;
  const Result<std::string> name = percent_decode(path.substr(path.find("models/") + 7));
  if (!name) co_return std::unexpected(api::from_error(name.error(), "model"));
  const ApiResult<ServedModel*> model = find_model(call, *name);
  if (!model) co_return std::unexpected(model.error());
  json::object body = api::model_json(entry(**model));
  co_await call.send_json(std::move(body));
  co_return ApiResult<void>();
}

namespace {

constexpr size_t kTokenizeBytesMax = 16 << 20;

struct TokenizeRequest {
  std::string model;
  std::string text;
  std::vector<TokenId> tokens;
};

ApiResult<TokenizeRequest> read_tokenize(const json::object& body, bool back) {
  api::Fields fields(body, "");
  TokenizeRequest request;
  request.model = TRY(fields.string("model", api::kModelBytesMax)).value_or("");
  if (!back) {
    const auto text = TRY(fields.string("content", kTokenizeBytesMax));
    if (!text) return api::invalid("content", "content is missing");
    request.text = *text;
  } else {
    const json::array* tokens = TRY(fields.array("tokens", api::kPromptTokensMax));
    if (tokens == nullptr) return api::invalid("tokens", "tokens is missing");
    for (const json::value& token : *tokens) {
      const bool good =
          token.is_int64() && token.get_int64() >= 0 && token.get_int64() <= INT32_MAX;
      if (!good) return api::invalid("tokens", "tokens has something that is not a token id");
      request.tokens.push_back(static_cast<TokenId>(token.get_int64()));
    }
  }
  TRY(fields.done());
  return request;
}

}  // namespace

Awaitable<ApiResult<void>> ApiServer::tokenize(Call& call) {
  const ApiResult<api::Body> body = read_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  const ApiResult<TokenizeRequest> request = read_tokenize(body->object(), false);
  if (!request) co_return std::unexpected(request.error());
  const ApiResult<ServedModel*> model = find_model(call, request->model);
  if (!model) co_return std::unexpected(model.error());
  const auto ids = (*model)->host->tokenizer().encode(request->text, false);
  if (!ids) co_return std::unexpected(api::from_error(ids.error(), "content"));
  json::array tokens;
  for (const TokenId id : *ids) tokens.emplace_back(id);
  json::object out;
  out["tokens"] = std::move(tokens);
  co_await call.send_json(std::move(out));
  co_return ApiResult<void>();
}

Awaitable<ApiResult<void>> ApiServer::detokenize(Call& call) {
  const ApiResult<api::Body> body = read_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  const ApiResult<TokenizeRequest> request = read_tokenize(body->object(), true);
  if (!request) co_return std::unexpected(request.error());
  const ApiResult<ServedModel*> model = find_model(call, request->model);
  if (!model) co_return std::unexpected(model.error());
  text::Detokenizer whole((*model)->host->tokenizer(), true);
  std::string text;
  for (const TokenId id : request->tokens) text += whole.push(id);
  text += whole.finish();
  json::object out;
  out["content"] = text;
  co_await call.send_json(std::move(out));
  co_return ApiResult<void>();
}

// The models were loaded and hashed before the first connection was accepted.
Awaitable<ApiResult<void>> ApiServer::health(Call& call) {
  json::object out;
  out["status"] = stopping_ ? "stopping" : "ok";
  HttpAnswer answer = call.answer(stopping_ ? 503 : 200, kJson, json::serialize(out));
  co_await call.send(std::move(answer));
  co_return ApiResult<void>();
}

Awaitable<ApiResult<void>> ApiServer::version(Call& call) {
  json::object out;
  out["version"] = parts_.version;
  co_await call.send_json(std::move(out));
  co_return ApiResult<void>();
}

// Before anybody has a key, so that a key is sent only to a node that was verified.
Awaitable<ApiResult<void>> ApiServer::attest(Call& call) {
  if (!attestation_) {
    co_return std::unexpected(ApiError{404, "no_evidence", "",
                                       "this server runs with --tee none: it has no evidence, and "
                                       "nobody can verify it"});
  }
  std::string query = call.request.query;
  ApiResult<std::string> bundle = co_await attestation_->answer(std::move(query));
  if (!bundle) co_return std::unexpected(bundle.error());
  HttpAnswer answer = call.answer(200, kJson, std::move(*bundle));
  answer.fields.emplace_back("cache-control", "no-store");
  co_await call.send(std::move(answer));
  co_return ApiResult<void>();
}

Awaitable<ApiResult<void>> ApiServer::show_receipt(Call& call) {
  const std::string_view path = call.request.path;
  const std::string_view id = path.substr(path.find("receipts/") + 9);
  const std::optional<std::string> token =
      parts_.receipts == nullptr ? std::nullopt : parts_.receipts->find(id, call.tenant());
  if (!token) {
    co_return std::unexpected(
        ApiError{404, "receipt_not_found", "", "there is no such receipt of yours, or no longer"});
  }
  json::object out;
  out["id"] = id;
  out["receipt"] = *token;
  co_await call.send_json(std::move(out));
  co_return ApiResult<void>();
}

Router ApiServer::public_routes() {
  Router router;
  router.add("GET", "/v1/models", handler("models", Kind::keyed, &ApiServer::list_models));
  router.add("GET", "/v1/models/", handler("models", Kind::keyed, &ApiServer::show_model));
  router.add("POST", "/v1/chat/completions", handler("chat", Kind::receipted, &ApiServer::chat));
  router.add("POST", "/v1/responses", handler("responses", Kind::receipted, &ApiServer::respond));
  router.add("POST", "/v1/embeddings", handler("embeddings", Kind::receipted, &ApiServer::embed));
  router.add("POST", "/v1/completions",
             handler("completions", Kind::receipted, &ApiServer::complete));
  router.add("GET", "/v1/receipts/", handler("receipts", Kind::keyed, &ApiServer::show_receipt));
  router.add("POST", "/tokenize", handler("tokenize", Kind::keyed, &ApiServer::tokenize));
  router.add("POST", "/detokenize", handler("detokenize", Kind::keyed, &ApiServer::detokenize));
  router.add("GET", "/attestation", handler("attestation", Kind::open, &ApiServer::attest));
  router.add("GET", "/health", handler("health", Kind::open, &ApiServer::health));
  router.add("GET", "/ready", handler("ready", Kind::open, &ApiServer::health));
  router.add("GET", "/version", handler("version", Kind::open, &ApiServer::version));
  return router;
}

Router ApiServer::admin_routes(const ConnectionCounts& counts) {
  Router router;
  router.add("GET", "/health", handler("health", Kind::open, &ApiServer::health));
  router.add("GET", "/ready", handler("ready", Kind::open, &ApiServer::health));
  router.add("GET", "/version", handler("version", Kind::open, &ApiServer::version));
  router.add("GET", "/metrics",
             [this, &counts](const HttpRequest&, Exchange& exchange) -> Awaitable<void> {
               Metrics::Gauges gauges;
               gauges.connections = counts.open;
               gauges.slow_readers = counts.slow_readers;
               for (const ServedModel& model : parts_.models) {
                 const engine::EngineStats stats = model.host->engine().stats();
                 gauges.engine.running += stats.running;
                 gauges.engine.waiting += stats.waiting;
                 gauges.engine.pages += stats.pages;
                 gauges.engine.pages_free += stats.pages_free;
                 gauges.engine.pages_cached += stats.pages_cached;
                 gauges.engine.cached_tokens += stats.cached_tokens;
               }
               HttpAnswer answer;
               answer.fields.emplace_back("content-type", "text/plain; version=0.0.4");
               answer.body = parts_.metrics->text(gauges);
               const Result<void> ignored = co_await exchange.send(std::move(answer));
               (void)ignored;
             });
  return router;
}

}  // namespace sotto::serve
