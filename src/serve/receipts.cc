// Keeping and drafting receipts.
// SPDX-License-Identifier: Apache-2.0
#include "serve/receipts.h"

#include <ctime>

#include "base/check.h"
#include "base/text_encoding.h"
#include "crypto/random.h"

namespace sotto::serve {

std::string ReceiptDesk::issue(channel::Receipt receipt, uint64_t tenant) {
  receipt.issued_at = std::time(nullptr);
  receipt.statement_sha256 = node_.statement_sha256();
  std::string token = channel::sign_receipt(receipt, key_);
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(mutex_);
  while (!order_.empty()) {
    const auto oldest = kept_.find(order_.front());
    if (order_.size() < kKeptMax && now - oldest->second.at < kKept) break;
    kept_.erase(oldest);
    order_.pop_front();
  }
  if (kept_.emplace(receipt.id, Kept{token, tenant, now}).second) order_.push_back(receipt.id);
  return token;
}

std::optional<std::string> ReceiptDesk::find(std::string_view id, uint64_t tenant) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(std::string(id));
  const bool theirs = found != kept_.end() && found->second.tenant == tenant &&
                      Clock::now() - found->second.at < kKept;
  if (!theirs) return std::nullopt;
  return found->second.token;
}

std::vector<uint8_t> receipt_key_bytes(const crypto::KeyPair& key) {
  const std::vector<uint8_t> spki = key.public_key().spki();
  CHECK(key.public_key().type() == crypto::KeyType::ed25519 && spki.size() > 32);
  return {spki.end() - 32, spki.end()};  // [RFC8410 §4]
}

ReceiptDraft::ReceiptDraft(ReceiptDesk& desk, std::vector<uint8_t> salt)
    : desk_(&desk), response_(channel::Direction::response, salt) {}

std::optional<ReceiptDraft> ReceiptDraft::begin(ReceiptDesk& desk, const HttpRequest& request,
                                                std::string id, std::string endpoint) {
  const std::string_view field = request.field("x-sotto-salt");
  std::vector<uint8_t> salt(32);
  if (field.empty()) {
    crypto::fill_random(salt);
  } else {
    Result<std::vector<uint8_t>> given = bytes_of_hex(field);
    const bool good =
        given && given->size() >= channel::kSaltBytesMin && given->size() <= channel::kSaltBytesMax;
    if (!good) return std::nullopt;
    salt = std::move(*given);
  }
  ReceiptDraft draft(desk, salt);
  if (field.empty()) draft.told_salt_ = hex_of(salt);
  draft.facts.id = std::move(id);
  draft.facts.endpoint = std::move(endpoint);
  draft.facts.request_sha256 =
      channel::salted_digest(channel::Direction::request, salt, request.body_text());
  return draft;
}

std::string ReceiptDraft::finish(channel::Outcome outcome, uint32_t status) {
  CHECK(!finished_);
  finished_ = true;
  facts.outcome = outcome;
  facts.status = status;
  facts.response_sha256 = response_.finish();
  return desk_->issue(facts, tenant);
}

}  // namespace sotto::serve
