// Between threads that wait for the node and coroutines that write to the asker.
// SPDX-License-Identifier: Apache-2.0
#include "client/proxy.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "api/error.h"
#include "attest/bundle/appraise_bundle.h"
#include "base/output_file.h"
#include "base/text_encoding.h"

namespace sotto::client {

namespace asio = boost::asio;
using serve::Awaitable;
using serve::Exchange;
using serve::HttpAnswer;
using serve::HttpRequest;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kWaitingBytesMax = 1 << 20;

// Fields that are about one connection, not about the message [RFC9110 §7.6.1], or that the other side
// makes itself.
bool is_ours(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "connection", "keep-alive",     "te",     "host", "transfer-encoding",
      "upgrade",    "content-length", "expect", "date", "trailer"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

HttpAnswer error_answer(const Error& error) {
  api::ApiError told;
  const bool untrusted = error.kind == ErrorKind::untrusted || error.kind == ErrorKind::expired;
  told.status = error.kind == ErrorKind::exhausted ? 413 : 502;
  told.code = untrusted ? "node_not_verified" : "node_unavailable";
  told.message =
      error.message + (untrusted ? ". Nothing was sent to it that it could read. What was "
                                   "checked: GET /verification; what is accepted: --policy"
                                 : ". The request may be sent again");
  HttpAnswer answer;
  answer.status = told.status;
  answer.fields.emplace_back("content-type", "application/json");
  answer.body = boost::json::serialize(told.json());
  return answer;
}

std::string html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

void add_rows(const std::vector<attest::Rule>& rules, std::string& page) {
  for (const attest::Rule& rule : rules) {
    const bool passed = rule.verdict == attest::RuleVerdict::passed;
    page += fmt::format("<tr><td style='color:{}'>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                        passed ? "green" : "red", to_string(rule.verdict), html(rule.name),
                        html(rule.actual), passed ? "" : html(rule.expected));
  }
}

std::string page_of(const attest::BundleAppraisal& appraisal) {
  std::string page =
      "<!doctype html><meta charset=utf-8><title>Sotto: verification</title>"
      "<style>body{font:14px sans-serif}td{padding:2px "
      "8px;font-family:monospace;word-break:break-all}"
      "</style>";
  page += fmt::format("<h1 style='color:{}'>{}</h1>", appraisal.verified ? "green" : "red",
                      appraisal.verified ? "Verified" : "Rejected");
  if (appraisal.error) page += fmt::format("<p>{}</p>", html(appraisal.error->message));
  if (appraisal.verified && !appraisal.program_pinned) {
    page += "<p>The policy pins no measurement: the platform is genuine, the program unknown.</p>";
  }
  page += "<table><tr><th><th>rule<th>actual<th>expected</tr>";
  add_rows(appraisal.rules, page);
  for (const attest::Appraisal& one : appraisal.evidence) add_rows(one.rules, page);
  return page + "</table>";
}

}  // namespace

// What the waiting thread has to tell, and whether anybody still listens.
class Proxy::Pipe {
 public:
  explicit Pipe(asio::any_io_executor executor)
      : executor_(executor), news_(std::move(executor), asio::steady_timer::time_point::max()) {}

  // On the waiting thread.
  bool head(uint32_t status, const channel::Fields& fields) {
    {
      const std::lock_guard lock(mutex_);
      status_ = status;
      fields_ = fields;
      has_head_ = true;
    }
    wake();
    return !gone();
  }
  bool bytes(std::string_view bytes) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [&] { return gone_ || waiting_.size() < kWaitingBytesMax; });
      if (gone_) return false;
      waiting_ += bytes;
    }
    wake();
    return true;
  }
  void end(Result<Outcome> outcome) {
    {
      const std::lock_guard lock(mutex_);
      outcome_ = std::move(outcome);
    }
    wake();
  }
  bool gone() {
    const std::lock_guard lock(mutex_);
    return gone_;
  }

  // On the exchange's executor.
  void leave() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    room_.notify_all();
  }
  struct News {
    bool has_head = false;
    std::string bytes;
    std::optional<Result<Outcome>> outcome;  // there will be no more
  };
  Awaitable<News> next(bool had_head) {
    for (;;) {
      News news;
      {
        const std::lock_guard lock(mutex_);
        news.has_head = has_head_;
        news.bytes.swap(waiting_);
        news.outcome = outcome_;
        room_.notify_all();
      }
      if (!news.bytes.empty() || news.outcome || (news.has_head && !had_head)) co_return news;
      co_await news_.async_wait(kAwait);
    }
  }
  uint32_t status() const { return status_; }
  const channel::Fields& fields() const { return fields_; }

 private:
  // Posted, so that it comes after a wait that is about to begin.
  void wake() {
    asio::post(executor_, [this] { news_.cancel(); });
  }

  asio::any_io_executor executor_;
  asio::steady_timer news_;
  std::mutex mutex_;
  std::condition_variable room_;
  bool has_head_ = false;
  bool gone_ = false;
  uint32_t status_ = 0;
  channel::Fields fields_;
  std::string waiting_;
  std::optional<Result<Outcome>> outcome_;
};

Proxy::Proxy(Session& session, std::string receipts, uint32_t at_once)
    : session_(session), receipts_(std::move(receipts)), pool_(at_once) {}

Proxy::~Proxy() {
  pool_.join();
}

serve::Handler Proxy::handler() {
  return [this](const HttpRequest& request, Exchange& exchange) -> Awaitable<void> {
    co_await answer(request, exchange);
  };
}

Awaitable<void> Proxy::answer(const HttpRequest& request, Exchange& exchange) {
  if (request.path == "/verification") {
    co_await tell_verification(request, exchange);
  } else {
    co_await pass_on(request, exchange);
  }
}

Awaitable<void> Proxy::tell_verification(const HttpRequest& request, Exchange& exchange) {
  const std::optional<attest::BundleAppraisal> appraisal = session_.appraisal();
  HttpAnswer answer;
  const bool page = request.field("accept").find("text/html") != std::string_view::npos;
  answer.fields.emplace_back("content-type",
                             page ? "text/html; charset=utf-8" : "application/json");
  if (!appraisal) {
    answer.status = 503;
    answer.body = page ? "<p>Nothing was verified yet." : R"({"verdict":null})";
  } else {
    answer.body = page ? page_of(*appraisal)
                       : boost::json::serialize(attest::bundle_appraisal_json(*appraisal));
  }
  static_cast<void>(co_await exchange.send(std::move(answer)));
}

Awaitable<void> Proxy::pass_on(const HttpRequest& request, Exchange& exchange) {
  Request asked;
  asked.method = request.method;
  asked.path = request.path;
  if (!request.query.empty()) asked.path += "?" + request.query;
  for (const auto& [name, value] : request.fields) {
    if (!is_ours(name)) asked.fields.emplace_back(name, value);
  }
  asked.body.assign(request.body.begin(), request.body.end());

  // The thread may outlive this coroutine's frame by a moment, so both hold the pipe.
  const auto pipe = std::make_shared<Pipe>(exchange.executor());
  exchange.on_gone([pipe] { pipe->leave(); });
  asio::post(pool_, [this, pipe, asked = std::move(asked)] {
    pipe->end(session_.ask(
        asked,
        [&](uint32_t status, const channel::Fields& fields) { return pipe->head(status, fields); },
        [&](std::string_view bytes) { return pipe->bytes(bytes); }, [&] { return pipe->gone(); }));
  });
  bool started = false;
  Result<void> sent;
  for (;;) {
    Pipe::News news = co_await pipe->next(started);
    const bool failed = news.outcome && !*news.outcome;
    if (news.has_head && !started && !(failed && news.bytes.empty())) {
      started = true;
      HttpAnswer begin;
      begin.status = pipe->status();
      for (const auto& [name, value] : pipe->fields()) {
        if (!is_ours(name)) begin.fields.emplace_back(name, value);
      }
      sent = co_await exchange.start(std::move(begin));
    }
    if (sent && !news.bytes.empty()) sent = co_await exchange.write(std::move(news.bytes));
    if (!sent) pipe->leave();
    if (!news.outcome) continue;
    if (failed && !started) {
      HttpAnswer answer = error_answer(news.outcome->error());
      static_cast<void>(co_await exchange.send(std::move(answer)));
    } else if (!failed) {
      keep_receipt(**news.outcome);
      if (sent) static_cast<void>(co_await exchange.finish());
    }
    // Else what came was authentic and is not complete: without finish() the connection breaks, and
    // no program takes it for the whole.
    break;
  }
  exchange.on_gone(nullptr);
}

void Proxy::keep_receipt(const Outcome& outcome) {
  if (receipts_.empty() || !outcome.receipt) return;
  std::string name = outcome.receipt->id;
  std::erase_if(
      name, [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'); });
  const std::string text = boost::json::serialize(
      boost::json::object{{"receipt", outcome.receipt_token}, {"salt", hex_of(outcome.salt)}});
  Result<OutputFile> file = OutputFile::create(receipts_ + "/" + name + ".json");
  const bool kept = file && file->append(as_bytes(text)) && file->commit();
  if (!kept) fmt::print(stderr, "sotto proxy: a receipt could not be written\n");
}

}  // namespace sotto::client
