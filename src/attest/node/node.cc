// Making, keeping and dressing bundles.
// SPDX-License-Identifier: Apache-2.0
#include "attest/node/node.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "attest/node/hints.h"

namespace sotto::attest {

Result<std::unique_ptr<Node>> Node::create(std::unique_ptr<Attester> attester, Statement statement,
                                           std::vector<uint8_t> tls_spki, int64_t now) {
  std::unique_ptr<Node> node(new Node);
  statement.platform = attester->platform();
  statement.started_at = now;
  statement.valid_until = now + kStatementSeconds;
  if (!tls_spki.empty()) {
    const crypto::Sha256Digest digest = crypto::sha256(tls_spki);
    statement.tls_spki_sha256.assign(digest.begin(), digest.end());
  }
  node->stated_ = {statement, serialize(statement)};
  TRY(parse_statement(node->stated_.bytes));  // names may be too long for one
  std::string why;
  if (!attester->measure(statement, why)) node->unmeasured_ = why;
  node->attester_ = std::move(attester);
  node->tls_spki_ = std::move(tls_spki);
  node->roots_ = Roots::pinned();
  node->policy_ = default_policy();
  const AttestRequest request{as_bytes(node->stated_.bytes), {}, node->tls_spki_};
  const Bundle first = TRY(node->attester_->attest(request));
  node->own_ = appraise_bundle(first, node->policy_, node->roots_, now);
  node->cached_ = serialize(first, boost::json::serialize(hints_json(node->own_)));
  node->cached_at_ = now;
  return node;
}

Node::Stated Node::stated() const {
  const std::lock_guard lock(stated_mutex_);
  return stated_;
}

Statement Node::statement() const {
  return stated().statement;
}

std::string Node::statement_bytes() const {
  return stated().bytes;
}

crypto::Sha256Digest Node::statement_sha256() const {
  return crypto::sha256(as_bytes(stated().bytes));
}

Result<void> Node::renew(std::vector<uint8_t> ohttp_keys, int64_t now) {
  Stated next = stated();
  next.statement.ohttp_keys = std::move(ohttp_keys);
  next.statement.started_at = now;
  next.statement.valid_until = now + kStatementSeconds;
  next.bytes = serialize(next.statement);
  const std::lock_guard cache_lock(cache_mutex_);
  cached_ = TRY(make(next, {}, now));
  cached_at_ = now;
  const std::lock_guard lock(stated_mutex_);
  stated_ = std::move(next);
  return {};
}

Result<std::string> Node::bundle(Bytes nonce, int64_t now) {
  if (!nonce.empty() && (nonce.size() < kNonceBytesMin || nonce.size() > kNonceBytesMax)) {
    return fail(ErrorKind::malformed, "a nonce of {} bytes; {} to {}", nonce.size(), kNonceBytesMin,
                kNonceBytesMax);
  }
  if (!nonce.empty()) return make(stated(), nonce, now);
  const std::lock_guard lock(cache_mutex_);
  if (now - cached_at_ >= kCachedSeconds || now < cached_at_) {
    // Older evidence is better than none: it says its time.
    if (Result<std::string> made = make(stated(), {}, now)) cached_ = std::move(*made);
    cached_at_ = now;
  }
  return cached_;
}

Result<std::string> Node::make(const Stated& stated, Bytes nonce, int64_t now) {
  const std::lock_guard lock(attester_mutex_);
  const bool same = std::ranges::equal(nonce, last_nonce_) && stated.bytes == last_statement_;
  if (!nonce.empty() && same) return last_;
  const Bundle bundle = TRY(attester_->attest({as_bytes(stated.bytes), nonce, tls_spki_}));
  const BundleAppraisal own = appraise_bundle(bundle, policy_, roots_, now);
  std::string text = serialize(bundle, boost::json::serialize(hints_json(own)));
  if (!nonce.empty()) {
    last_nonce_.assign(nonce.begin(), nonce.end());
    last_statement_ = stated.bytes;
    last_ = text;
  }
  return text;
}

}  // namespace sotto::attest
