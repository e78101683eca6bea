// Writing, signing and reading receipts.
// SPDX-License-Identifier: Apache-2.0
#include "channel/receipt.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "attest/json/strict_json.h"
#include "attest/token/jws.h"
#include "base/text_encoding.h"

namespace sotto::channel {
namespace {

namespace json = boost::json;
using attest::json_integer;
using attest::json_object;
using attest::json_string;

constexpr int64_t kVersion = 1;
constexpr std::string_view kHeader = R"({"alg":"EdDSA","typ":"sotto-receipt+jwt"})";
constexpr std::string_view kWhere = "receipt";
constexpr std::string_view kDone = "data: [DONE]\n\n";

// A seed has 64 bits, more than a JSON number can be trusted with.
json::object sampling_json(const engine::SamplingParams& sampling) {
  json::array bias;
  for (const auto& [token, value] : sampling.logit_bias) {
    bias.push_back(json::array{token, static_cast<double>(value)});
  }
  return {{"temperature", static_cast<double>(sampling.temperature)},
          {"top_k", sampling.top_k},
          {"top_p", static_cast<double>(sampling.top_p)},
          {"min_p", static_cast<double>(sampling.min_p)},
          {"repetition_penalty", static_cast<double>(sampling.repetition_penalty)},
          {"frequency_penalty", static_cast<double>(sampling.frequency_penalty)},
          {"presence_penalty", static_cast<double>(sampling.presence_penalty)},
          {"logit_bias", std::move(bias)},
          {"seed", std::to_string(sampling.seed)}};
}

Result<float> number_of(const json::object& object, std::string_view name) {
  const json::value* value = TRY(attest::json_member(object, name, kWhere));
  if (!value->is_number()) return fail(ErrorKind::malformed, "{}: {} is no number", kWhere, name);
  return static_cast<float>(value->to_number<double>());
}

Result<uint64_t> count_of(const json::object& object, std::string_view name) {
  const int64_t count = TRY(json_integer(object, name, kWhere));
  if (count < 0) return fail(ErrorKind::malformed, "{}: {} is negative", kWhere, name);
  return static_cast<uint64_t>(count);
}

Result<crypto::Sha256Digest> digest_of(const json::object& object, std::string_view name) {
  const std::string_view text = TRY(json_string(object, name, kWhere));
  const Result<std::vector<uint8_t>> bytes = bytes_of_hex(text);
  crypto::Sha256Digest digest;
  if (!bytes || bytes->size() != digest.size()) {
    return fail(ErrorKind::malformed, "{}: {} is no SHA-256 in hexadecimal", kWhere, name);
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Result<uint64_t> seed_of(const json::object& object) {
  const std::string_view text = TRY(json_string(object, "seed", kWhere));
  uint64_t seed = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || at != text.data() + text.size()) {
    return fail(ErrorKind::malformed, "{}: the seed is no number of 64 bits", kWhere);
  }
  return seed;
}

Result<void> read_bias(const json::object& object, engine::SamplingParams& sampling) {
  const json::value* list = TRY(attest::json_member(object, "logit_bias", kWhere));
  if (!list->is_array() || list->get_array().size() > engine::kLogitBiasMax) {
    return fail(ErrorKind::malformed, "{}: logit_bias is no list, or too long", kWhere);
  }
  for (const json::value& pair : list->get_array()) {
    const bool good = pair.is_array() && pair.get_array().size() == 2 &&
                      pair.get_array()[0].is_int64() && pair.get_array()[1].is_number() &&
                      pair.get_array()[0].get_int64() >= 0 &&
                      pair.get_array()[0].get_int64() <= INT32_MAX;
    if (!good) return fail(ErrorKind::malformed, "{}: logit_bias is no list of pairs", kWhere);
    sampling.logit_bias.emplace_back(static_cast<TokenId>(pair.get_array()[0].get_int64()),
                                     static_cast<float>(pair.get_array()[1].to_number<double>()));
  }
  return {};
}

Result<engine::SamplingParams> read_sampling(const json::object& object) {
  engine::SamplingParams sampling;
  sampling.temperature = TRY(number_of(object, "temperature"));
  sampling.top_k = static_cast<uint32_t>(TRY(count_of(object, "top_k")));
  sampling.top_p = TRY(number_of(object, "top_p"));
  sampling.min_p = TRY(number_of(object, "min_p"));
  sampling.repetition_penalty = TRY(number_of(object, "repetition_penalty"));
  sampling.frequency_penalty = TRY(number_of(object, "frequency_penalty"));
  sampling.presence_penalty = TRY(number_of(object, "presence_penalty"));
  TRY(read_bias(object, sampling));
  sampling.seed = TRY(seed_of(object));
  return sampling;
}

json::object payload_of(const Receipt& receipt) {
  json::object out;
  out["version"] = kVersion;
  out["id"] = receipt.id;
  out["iat"] = receipt.issued_at;
  out["statement_sha256"] = hex_of(receipt.statement_sha256);
  out["endpoint"] = receipt.endpoint;
  out["outcome"] = to_string(receipt.outcome);
  out["status"] = receipt.status;
  if (!receipt.model.empty()) {
    out["model"] = {{"name", receipt.model},
                    {"model_root", hex_of(receipt.model_root)},
                    {"context", receipt.context},
                    {"kv", receipt.kv}};
  }
  if (receipt.sampling) out["sampling"] = sampling_json(*receipt.sampling);
  out["usage"] = {{"prompt_tokens", receipt.usage.prompt_tokens},
                  {"completion_tokens", receipt.usage.completion_tokens},
                  {"reasoning_tokens", receipt.usage.reasoning_tokens},
                  {"cached_tokens", receipt.usage.cached_tokens}};
  out["request_sha256"] = hex_of(receipt.request_sha256);
  out["response_sha256"] = hex_of(receipt.response_sha256);
  return out;
}

Result<Receipt> read_payload(const json::object& object) {
  if (const int64_t version = TRY(json_integer(object, "version", kWhere)); version != kVersion) {
    return fail(ErrorKind::unsupported, "receipt: version {}; this program knows {}", version,
                kVersion);
  }
  Receipt receipt;
  receipt.id = std::string(TRY(json_string(object, "id", kWhere)));
  receipt.issued_at = TRY(json_integer(object, "iat", kWhere));
  receipt.statement_sha256 = TRY(digest_of(object, "statement_sha256"));
  receipt.endpoint = std::string(TRY(json_string(object, "endpoint", kWhere)));
  const std::string_view outcome = TRY(json_string(object, "outcome", kWhere));
  constexpr Outcome kOutcomes[] = {Outcome::completed, Outcome::failed, Outcome::aborted};
  const auto found = std::find_if(std::begin(kOutcomes), std::end(kOutcomes),
                                  [&](Outcome one) { return to_string(one) == outcome; });
  if (found == std::end(kOutcomes)) {
    return fail(ErrorKind::malformed, "receipt: an outcome that does not exist");
  }
  receipt.outcome = *found;
  receipt.status = static_cast<uint32_t>(TRY(count_of(object, "status")));
  if (object.contains("model")) {
    const json::object& model = *TRY(json_object(object, "model", kWhere));
    receipt.model = std::string(TRY(json_string(model, "name", kWhere)));
    receipt.model_root = TRY(digest_of(model, "model_root"));
    receipt.context = static_cast<uint32_t>(TRY(count_of(model, "context")));
    receipt.kv = std::string(TRY(json_string(model, "kv", kWhere)));
  }
  if (object.contains("sampling")) {
    receipt.sampling = TRY(read_sampling(*TRY(json_object(object, "sampling", kWhere))));
  }
  const json::object& usage = *TRY(json_object(object, "usage", kWhere));
  receipt.usage.prompt_tokens = TRY(count_of(usage, "prompt_tokens"));
  receipt.usage.completion_tokens = TRY(count_of(usage, "completion_tokens"));
  receipt.usage.reasoning_tokens = TRY(count_of(usage, "reasoning_tokens"));
  receipt.usage.cached_tokens = TRY(count_of(usage, "cached_tokens"));
  receipt.request_sha256 = TRY(digest_of(object, "request_sha256"));
  receipt.response_sha256 = TRY(digest_of(object, "response_sha256"));
  return receipt;
}

Error as_error(const attest::VerifyError& error) {
  const bool signature = error.reason == attest::Reason::bad_signature;
  return {signature ? ErrorKind::untrusted : ErrorKind::malformed, "receipt: " + error.message};
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::completed:
      return "completed";
    case Outcome::failed:
      return "failed";
    case Outcome::aborted:
      return "aborted";
  }
  return "?";
}

SaltedDigest::SaltedDigest(Direction direction, Bytes salt) {
  hash_.update(as_bytes("sotto-receipt-v1"));
  hash_.update(as_bytes(direction == Direction::request ? "request" : "response"));
  const uint8_t length[] = {static_cast<uint8_t>(salt.size())};
  hash_.update(length);
  hash_.update(salt);
}

crypto::Sha256Digest salted_digest(Direction direction, Bytes salt, std::string_view bytes) {
  SaltedDigest digest(direction, salt);
  digest.update(bytes);
  return digest.finish();
}

std::string sign_receipt(const Receipt& receipt, const crypto::KeyPair& key) {
  const std::string payload = json::serialize(payload_of(receipt));
  std::string token = base64_of(as_bytes(kHeader), Base64::url);
  token += ".";
  token += base64_of(as_bytes(payload), Base64::url);
  const std::vector<uint8_t> signature =
      key.sign(crypto::SignatureScheme::ed25519, crypto::HashAlgorithm::sha512, as_bytes(token));
  token += ".";
  token += base64_of(signature, Base64::url);
  return token;
}

Result<Receipt> verify_receipt(std::string_view token, Bytes key) {
  if (token.size() > kReceiptBytesMax) {
    return fail(ErrorKind::exhausted, "receipt: {} bytes; at most {}", token.size(),
                kReceiptBytesMax);
  }
  const auto jws = attest::token::parse_jws(token);
  if (!jws) return std::unexpected(as_error(jws.error()));
  if (jws->algorithm != attest::token::JwsAlgorithm::eddsa ||
      !token.starts_with(base64_of(as_bytes(kHeader), Base64::url) + ".")) {
    return fail(ErrorKind::unsupported, "receipt: it has another header than {}", kHeader);
  }
  const crypto::PublicKey public_key = TRY(crypto::PublicKey::from_ed25519(key));
  const auto verified = attest::token::verify_jws(*jws, public_key);
  if (!verified) return std::unexpected(as_error(verified.error()));
  const json::value payload =
      TRY(attest::parse_strict_json(as_text(jws->payload), kReceiptBytesMax));
  if (!payload.is_object()) return fail(ErrorKind::malformed, "receipt: no JSON object");
  return read_payload(payload.get_object());
}

std::optional<SplitStream> split_receipt(std::string_view stream) {
  const size_t at = stream.starts_with(kReceiptComment)
                        ? 0
                        : stream.find("\n" + std::string(kReceiptComment)) + 1;
  if (at == 0 && !stream.starts_with(kReceiptComment)) return std::nullopt;
  const size_t end = stream.find("\n\n", at);
  if (end == std::string_view::npos) return std::nullopt;
  SplitStream split;
  split.token = std::string(stream.substr(at, end - at).substr(kReceiptComment.size()));
  split.body = std::string(stream.substr(0, at)) + std::string(stream.substr(end + 2));
  const bool more = split.body.starts_with(kReceiptComment) ||
                    split.body.find("\n" + std::string(kReceiptComment)) != std::string::npos;
  if (more) return std::nullopt;
  return split;
}

std::string with_receipt(std::string events, std::string_view token) {
  const bool done = events.ends_with(kDone);
  const size_t at = done ? events.size() - kDone.size() : events.size();
  std::string line(kReceiptComment);
  line += token;
  line += "\n\n";
  events.insert(at, line);
  return events;
}

}  // namespace sotto::channel
