// Verifying, sealing, opening, checking.
// SPDX-License-Identifier: Apache-2.0
#include "client/session.h"

#include <algorithm>
#include <ctime>

#include "attest/bundle/bundle.h"
#include "base/text_encoding.h"
#include "channel/ohttp.h"
#include "channel/padding.h"
#include "client/answer_stream.h"
#include "crypto/random.h"

namespace sotto::client {
namespace {

using channel::Form;

constexpr size_t kIdleMax = 16;
constexpr size_t kNonceBytes = 32;
constexpr size_t kSaltBytes = 16;
constexpr uint64_t kAnswerBytesMax = uint64_t{1} << 30;
constexpr std::string_view kEvents = "text/event-stream";

std::string_view field(const channel::Fields& fields, std::string_view name) {
  for (const auto& [one, value] : fields) {
    if (one == name) return value;
  }
  return {};
}

// The sealed request, padded to a bucket.
Result<SecretVector<uint8_t>> seal(channel::ClientExchange& exchange, const Request& request,
                                   const std::string& authority, const std::string& salt) {
  channel::BinaryRequest inner{request.method, "https",        authority,
                               request.path,   request.fields, {}};
  std::erase_if(inner.fields, [](const auto& one) { return one.first == "x-sotto-salt"; });
  inner.fields.emplace_back("x-sotto-salt", salt);
  inner.content = request.body;
  channel::Secret plain = channel::encode(inner);
  plain.resize(channel::bucket_of(plain.size()));  // zeros are binary HTTP's padding
  SecretVector<uint8_t> sealed(exchange.header().begin(), exchange.header().end());
  for (size_t at = 0; at < plain.size();) {
    const size_t size = std::min(channel::kChunkBytesMax, plain.size() - at);
    const bool last = at + size == plain.size();
    const auto chunk = TRY(exchange.seal_chunk(Bytes(plain).subspan(at, size), last));
    sealed.insert(sealed.end(), chunk.begin(), chunk.end());
    at += size;
  }
  return sealed;
}

// One answer on its way in.
class Incoming {
 public:
  Incoming(channel::ClientExchange& exchange, Bytes salt, const OnHead& on_head,
           const OnBytes& on_bytes)
      : exchange_(exchange), salt_(salt), on_head_(on_head), on_bytes_(on_bytes) {}

  Result<void> feed(std::string_view bytes) { return take(TRY(exchange_.feed(as_bytes(bytes)))); }

  Result<void> finish() {
    TRY(take(TRY(exchange_.finish())));
    TRY(reader_.finish());
    TRY(tell_head());
    return tell(stream_->finish());
  }

  uint32_t status() const { return reader_.status(); }
  crypto::Sha256Digest digest() { return stream_->digest(); }
  std::string receipt() const {
    const std::string_view told = field(reader_.fields(), "x-sotto-receipt");
    return told.empty() ? stream_->receipt() : std::string(told);
  }

 private:
  Result<void> take(const channel::Secret& plain) {
    TRY(reader_.feed(plain));
    if (!reader_.has_head()) return {};
    TRY(tell_head());
    const channel::Secret content = reader_.take_content();
    return tell(stream_->feed(as_text(content)));
  }

  Result<void> tell_head() {
    if (stream_) return {};
    const bool events = field(reader_.fields(), "content-type").starts_with(kEvents);
    stream_.emplace(events, salt_);
    if (on_head_ && !on_head_(reader_.status(), reader_.fields())) return stopped();
    return {};
  }

  Result<void> tell(const SecretVector<char>& content) {
    if (content.empty() || !on_bytes_ || on_bytes_({content.data(), content.size()})) return {};
    return stopped();
  }

  static std::unexpected<Error> stopped() {
    return fail(ErrorKind::cancelled, "the answer was not waited for");
  }

  channel::ClientExchange& exchange_;
  const Bytes salt_;
  const OnHead& on_head_;
  const OnBytes& on_bytes_;
  channel::BinaryResponseReader reader_{kAnswerBytesMax};
  std::optional<AnswerStream> stream_;
};

bool gives_receipts(const Request& request) {
  const std::string_view path = std::string_view(request.path).substr(0, request.path.find('?'));
  return request.method == "POST" && (path == "/v1/chat/completions" || path == "/v1/completions" ||
                                      path == "/v1/responses" || path == "/v1/embeddings");
}

}  // namespace

Session::Session(SessionOptions options) : options_(std::move(options)) {}

int64_t Session::now() const {
  return options_.now ? options_.now() : static_cast<int64_t>(std::time(nullptr));
}

std::optional<attest::BundleAppraisal> Session::appraisal() const {
  const std::lock_guard lock(mutex_);
  return appraisal_;
}

std::string Session::bundle() const {
  const std::lock_guard lock(mutex_);
  return bundle_;
}

// The transport proves nothing here, and needs not to: evidence and sealed messages protect themselves.
fetch::Request Session::node_request(std::string_view path) const {
  fetch::Request request;
  request.url = options_.url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  request.unix_socket = options_.unix_socket;
  request.trust = fetch::Trust::nobody;
  return request;
}

Result<void> Session::verify() {
  std::vector<uint8_t> nonce(kNonceBytes);
  crypto::fill_random(nonce);
  fetch::Request request = node_request("/attestation?nonce=" + hex_of(nonce));
  request.answer_bytes_max = attest::kBundleBytesMax;
  fetch::Fetcher fetcher;
  const fetch::Answer answer = TRY(fetcher.get(request));
  const std::string text(answer.body.begin(), answer.body.end());
  if (answer.status != 200) {
    return fail(ErrorKind::untrusted, "{}: no evidence (status {}): it cannot be verified",
                options_.url, answer.status);
  }
  const attest::Bundle bundle = TRY(attest::parse_bundle(text));
  const int64_t time = now();
  attest::BundleAppraisal appraisal =
      attest::appraise_bundle(bundle, options_.policy, options_.roots, time, {.nonce = nonce});
  const std::optional<attest::VerifyError> error = appraisal.error;
  std::optional<Pinned> pinned;
  if (appraisal.verified) {
    const attest::Statement& statement = *appraisal.statement;
    pinned = Pinned{};
    pinned->receipt_key = statement.receipt_key;
    pinned->statement_sha256 = appraisal.statement_sha256;
    pinned->verified_at = time;
    pinned->valid_until = statement.valid_until;
  }
  {
    const std::lock_guard lock(mutex_);
    appraisal_ = appraisal;
    bundle_ = text;
    pinned_.reset();
  }
  if (!pinned) {
    return fail(ErrorKind::untrusted, "{} is not verified: {}: {}", options_.url,
                to_string(error->reason), error->message);
  }
  const attest::Statement& statement = *appraisal.statement;
  if (options_.direct ? statement.tls_spki_sha256.empty() : statement.ohttp_keys.empty()) {
    return fail(ErrorKind::unsupported, "{} states no key to encrypt to", options_.url);
  }
  if (options_.direct && !options_.url.starts_with("https://")) {
    return fail(ErrorKind::unsupported, "{}: without sealing it has to be https", options_.url);
  }
  pinned->tls_spki_sha256 = statement.tls_spki_sha256;
  if (!options_.direct) {
    pinned->ohttp = TRY(channel::parse_key_configs(statement.ohttp_keys)).front();
  }
  const std::lock_guard lock(mutex_);
  pinned_ = std::move(pinned);
  return {};
}

Result<Session::Pinned> Session::pinned() {
  const auto current = [&]() -> std::optional<Pinned> {
    const std::lock_guard lock(mutex_);
    const int64_t time = now();
    const bool good = pinned_ && time >= pinned_->verified_at - 60 && time < pinned_->valid_until &&
                      time - pinned_->verified_at < options_.verify_again.count();
    return good ? pinned_ : std::nullopt;
  };
  if (const auto good = current()) return *good;
  const std::lock_guard lock(verifying_);
  if (const auto good = current()) return *good;  // somebody else was first
  TRY(verify());
  const std::lock_guard state(mutex_);
  if (!pinned_) return fail(ErrorKind::untrusted, "{} is not verified", options_.url);
  return *pinned_;
}

Result<Outcome> Session::ask(const Request& request, const OnHead& on_head, const OnBytes& on_bytes,
                             const Cancelled& cancelled) {
  bool key_refused = false;
  Pinned key = TRY(pinned());
  if (options_.direct) return ask_direct(key, request, on_head, on_bytes, cancelled);
  Result<Outcome> outcome = ask_once(key, request, on_head, on_bytes, cancelled, key_refused);
  if (!key_refused) return outcome;
  // The node has other keys by now, or is another: it has to prove itself anew.
  {
    const std::lock_guard lock(mutex_);
    if (pinned_ && pinned_->statement_sha256 == key.statement_sha256) pinned_.reset();
  }
  key = TRY(pinned());
  return ask_once(key, request, on_head, on_bytes, cancelled, key_refused);
}

Result<Outcome> Session::ask_once(const Pinned& pinned, const Request& request,
                                  const OnHead& on_head, const OnBytes& on_bytes,
                                  const Cancelled& cancelled, bool& key_refused) {
  std::vector<uint8_t> salt(kSaltBytes);
  crypto::fill_random(salt);
  const fetch::Url url = TRY(fetch::parse_url(options_.url));
  channel::ClientExchange exchange =
      TRY(channel::ClientExchange::begin(pinned.ohttp, Form::chunked));
  fetch::Request outer = node_request("/ohttp");
  outer.method = "POST";
  outer.fields.emplace_back("content-type", std::string(channel::request_type(Form::chunked)));
  outer.body = TRY(seal(exchange, request, url.authority, hex_of(salt)));
  outer.total_limit = std::chrono::milliseconds(0);
  outer.silence_limit = std::chrono::seconds(0);  // a model may think; whoever asked can cancel
  outer.answer_bytes_max = kAnswerBytesMax;
  outer.cancelled = cancelled;

  Incoming incoming(exchange, salt, on_head, on_bytes);
  Result<void> fed;
  bool sealed = false;
  std::string problem;
  outer.on_head = [&](uint32_t status, const fetch::Fields& fields) {
    sealed =
        status == 200 && field(fields, "content-type") == channel::response_type(Form::chunked);
    return true;
  };
  outer.on_bytes = [&](std::string_view bytes) {
    if (sealed) {
      fed = incoming.feed(bytes);
      return fed.has_value();
    }
    problem += bytes.substr(0, 4096 - std::min<size_t>(4096, problem.size()));
    return true;
  };
  const Result<fetch::Answer> answer = get(outer);
  if (!fed) return std::unexpected(fed.error());
  if (!answer) return std::unexpected(answer.error());
  if (!sealed) {
    key_refused = problem.find("#ohttp-key") != std::string::npos;
    return fail(ErrorKind::untrusted,
                "{}: an answer that is not sealed (status {}): whoever gave it is not the node",
                options_.url, answer->status);
  }
  TRY(incoming.finish());
  Outcome outcome;
  outcome.status = incoming.status();
  outcome.salt = salt;
  outcome.receipt_token = incoming.receipt();
  return with_receipt(std::move(outcome), pinned, request, incoming.digest());
}

Result<Outcome> Session::with_receipt(Outcome outcome, const Pinned& pinned, const Request& request,
                                      const crypto::Sha256Digest& response) const {
  if (!outcome.receipt_token.empty()) {
    outcome.receipt = TRY(check_receipt(pinned, request, outcome, response));
    return outcome;
  }
  // Errors before a handler is reached have none; an answer must.
  const bool must = gives_receipts(request) && !pinned.receipt_key.empty();
  if (!must || outcome.status != 200) return outcome;
  return fail(ErrorKind::untrusted, "{}: the answer has no receipt", options_.url);
}

Result<Outcome> Session::ask_direct(const Pinned& pinned, const Request& request,
                                    const OnHead& on_head, const OnBytes& on_bytes,
                                    const Cancelled& cancelled) {
  std::vector<uint8_t> salt(kSaltBytes);
  crypto::fill_random(salt);
  fetch::Request outer = node_request(request.path);
  outer.method = request.method;
  outer.trust = fetch::Trust::pinned;
  std::ranges::copy(pinned.tls_spki_sha256, outer.pinned_spki_sha256.begin());
  outer.fields = request.fields;
  std::erase_if(outer.fields, [](const auto& one) { return one.first == "x-sotto-salt"; });
  outer.fields.emplace_back("x-sotto-salt", hex_of(salt));
  outer.body = request.body;
  outer.total_limit = std::chrono::milliseconds(0);
  outer.silence_limit = std::chrono::seconds(0);
  outer.answer_bytes_max = kAnswerBytesMax;
  outer.cancelled = cancelled;
  std::optional<AnswerStream> stream;
  const auto tell = [&](const SecretVector<char>& content) {
    return content.empty() || !on_bytes || on_bytes({content.data(), content.size()});
  };
  outer.on_head = [&](uint32_t status, const fetch::Fields& fields) {
    stream.emplace(field(fields, "content-type").starts_with(kEvents), salt);
    return !on_head || on_head(status, fields);
  };
  outer.on_bytes = [&](std::string_view bytes) { return tell(stream->feed(bytes)); };
  const fetch::Answer answer = TRY(get(outer));
  if (!tell(stream->finish())) return fail(ErrorKind::cancelled, "the answer was not waited for");
  Outcome outcome;
  outcome.status = answer.status;
  outcome.salt = salt;
  const std::string_view told = field(answer.fields, "x-sotto-receipt");
  outcome.receipt_token = told.empty() ? stream->receipt() : std::string(told);
  return with_receipt(std::move(outcome), pinned, request, stream->digest());
}

Result<channel::Receipt> Session::check_receipt(const Pinned& pinned, const Request& request,
                                                const Outcome& outcome,
                                                const crypto::Sha256Digest& response) const {
  const channel::Receipt receipt =
      TRY(channel::verify_receipt(outcome.receipt_token, pinned.receipt_key));
  const auto asked = channel::salted_digest(channel::Direction::request, outcome.salt,
                                            as_text(Bytes(request.body)));
  const char* wrong = receipt.statement_sha256 != pinned.statement_sha256 ? "another statement"
                      : receipt.request_sha256 != asked                   ? "another request"
                      : receipt.response_sha256 != response               ? "another answer"
                                                                          : nullptr;
  if (wrong == nullptr) return receipt;
  return fail(ErrorKind::untrusted, "{}: the receipt is about {}", options_.url, wrong);
}

Result<fetch::Answer> Session::get(const fetch::Request& request) {
  std::unique_ptr<fetch::Fetcher> fetcher;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      fetcher = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (fetcher == nullptr) fetcher = std::make_unique<fetch::Fetcher>();
  Result<fetch::Answer> answer = fetcher->get(request);
  if (!answer) return answer;  // its connection may be in the middle of something
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(fetcher));
  return answer;
}

}  // namespace sotto::client
