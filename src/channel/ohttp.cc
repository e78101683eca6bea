// Headers, labels and keys of both forms.
// SPDX-License-Identifier: Apache-2.0
#include "channel/ohttp.h"

#include <algorithm>

#include "base/check.h"
#include "channel/varint.h"
#include "crypto/random.h"

namespace sotto::channel {
namespace {

constexpr std::string_view kFinal = "final";
constexpr size_t kHeaderBytes = 7;

Bytes aad_of(Form form, bool last) {
  return form == Form::chunked && last ? as_bytes(kFinal) : Bytes();
}

// [RFC9458 §4.3], [CHUNKED-OHTTP §6.1]
std::vector<uint8_t> info_of(Form form, Bytes header) {
  const std::string_view label =
      form == Form::whole ? "message/bhttp request" : "message/bhttp chunked request";
  std::vector<uint8_t> info(label.begin(), label.end());
  info.push_back(0);
  info.insert(info.end(), header.begin(), header.end());
  return info;
}

std::vector<uint8_t> header_of(uint8_t key_id, crypto::AeadId aead) {
  ByteWriter writer;
  writer.write(key_id);
  for (const uint16_t number :
       {crypto::kHpkeKemX25519, crypto::kHpkeKdfSha256, static_cast<uint16_t>(aead)}) {
    writer.write(static_cast<uint8_t>(number >> 8));
    writer.write(static_cast<uint8_t>(number));
  }
  return writer.release();
}

void append(Secret& to, const Secret& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

std::string_view request_type(Form form) {
  return form == Form::whole ? "message/ohttp-req" : "message/ohttp-chunked-req";
}

std::string_view response_type(Form form) {
  return form == Form::whole ? "message/ohttp-res" : "message/ohttp-chunked-res";
}

size_t response_nonce_bytes(crypto::AeadId aead) {
  return std::max(crypto::aead_key_bytes(aead), crypto::kAeadNonceBytes);
}

ResponseKeys::ResponseKeys(crypto::AeadId aead, const crypto::HpkeContext& request, Bytes enc,
                           Bytes nonce, Form form)
    : aead_(aead), form_(form) {
  const std::string_view label =
      form == Form::whole ? "message/bhttp response" : "message/bhttp chunked response";
  const Secret secret = request.export_secret(as_bytes(label), response_nonce_bytes(aead));
  std::vector<uint8_t> salt(enc.begin(), enc.end());
  salt.insert(salt.end(), nonce.begin(), nonce.end());
  const Secret key = crypto::hkdf_extract(salt, secret);
  key_ = crypto::hkdf_expand(key, as_bytes("key"), crypto::aead_key_bytes(aead));
  const Secret base = crypto::hkdf_expand(key, as_bytes("nonce"), base_nonce_.size());
  std::copy(base.begin(), base.end(), base_nonce_.begin());
}

crypto::AeadNonce ResponseKeys::nonce() const {
  crypto::AeadNonce nonce = base_nonce_;
  for (size_t i = 0; i < 8; ++i) {
    nonce[nonce.size() - 1 - i] ^= static_cast<uint8_t>(counter_ >> (8 * i));
  }
  return nonce;
}

std::vector<uint8_t> ResponseKeys::seal(Bytes plaintext, bool last) {
  std::vector<uint8_t> sealed =
      crypto::aead_seal(aead_, key_, nonce(), aad_of(form_, last), plaintext);
  ++counter_;
  return sealed;
}

Result<Secret> ResponseKeys::open(Bytes sealed, bool last) {
  Secret plaintext = TRY(crypto::aead_open(aead_, key_, nonce(), aad_of(form_, last), sealed));
  ++counter_;
  return plaintext;
}

Result<std::vector<std::vector<uint8_t>>> ChunkSplitter::feed(Bytes bytes) {
  std::vector<std::vector<uint8_t>> chunks;
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  size_t at = 0;
  while (!last_ && at < pending_.size()) {
    const Bytes left = Bytes(pending_).subspan(at);
    if (left.size() < varint_bytes(left.front())) break;
    ByteReader in(left);
    const uint64_t size = TRY(read_varint(in, "chunk"));
    if (size > kChunkBytesMax + crypto::kAeadTagBytes) {
      return fail(ErrorKind::exhausted, "a chunk of {} bytes", size);
    }
    if (size == 0) {
      last_ = true;
    } else if (size <= crypto::kAeadTagBytes) {
      return fail(ErrorKind::malformed, "an empty chunk that is not the last");
    } else if (in.left() < size) {
      break;
    } else {
      const Bytes chunk = TRY(in.take(size, "chunk"));
      chunks.emplace_back(chunk.begin(), chunk.end());
    }
    at += in.offset();
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(at));
  if (pending_.size() > kChunkBytesMax + crypto::kAeadTagBytes + 8) {
    return fail(ErrorKind::exhausted, "the last chunk is too large");
  }
  return chunks;
}

Result<std::vector<uint8_t>> ChunkSplitter::finish() {
  if (!last_) return fail(ErrorKind::malformed, "the message is cut: its last chunk is missing");
  return std::move(pending_);
}

std::vector<uint8_t> frame_chunk(Bytes sealed, bool last) {
  std::vector<uint8_t> out;
  append_varint(out, last ? 0 : sealed.size());
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

ClientExchange::ClientExchange(Form form, crypto::AeadId aead, crypto::HpkeSender sender,
                               std::vector<uint8_t> header)
    : form_(form), aead_(aead), sender_(std::move(sender)), header_(std::move(header)) {}

Result<ClientExchange> ClientExchange::begin(const KeyConfig& config, Form form,
                                             const std::optional<crypto::X25519Key>& ephemeral) {
  if (config.aeads.empty()) return fail(ErrorKind::unsupported, "a key without a suite");
  const crypto::AeadId aead = config.aeads.front();
  std::vector<uint8_t> header = header_of(config.id, aead);
  crypto::HpkeSender sender =
      TRY(crypto::hpke_sender(aead, config.key, info_of(form, header), ephemeral));
  header.insert(header.end(), sender.enc.begin(), sender.enc.end());
  return ClientExchange(form, aead, std::move(sender), std::move(header));
}

Result<std::vector<uint8_t>> ClientExchange::seal_request(Bytes plaintext) {
  CHECK(form_ == Form::whole);
  const std::vector<uint8_t> sealed = TRY(sender_.context.seal({}, plaintext));
  std::vector<uint8_t> out = header_;
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

Result<std::vector<uint8_t>> ClientExchange::seal_chunk(Bytes plaintext, bool last) {
  CHECK(form_ == Form::chunked && plaintext.size() <= kChunkBytesMax);
  CHECK(last || !plaintext.empty());
  return frame_chunk(TRY(sender_.context.seal(aad_of(form_, last), plaintext)), last);
}

Result<Secret> ClientExchange::open_response(Bytes bytes) {
  CHECK(form_ == Form::whole);
  const size_t size = response_nonce_bytes(aead_);
  if (bytes.size() < size) return fail(ErrorKind::malformed, "the response is cut in its nonce");
  ResponseKeys keys(aead_, sender_.context, sender_.enc, bytes.first(size), form_);
  return keys.open(bytes.subspan(size), true);
}

Result<Secret> ClientExchange::feed(Bytes bytes) {
  CHECK(form_ == Form::chunked);
  if (failed_) return fail(ErrorKind::untrusted, "the response was refused before");
  Result<Secret> opened = open_chunks(bytes);
  failed_ = !opened;
  return opened;
}

Result<Secret> ClientExchange::open_chunks(Bytes bytes) {
  const size_t wanted = response_nonce_bytes(aead_);
  const size_t more = std::min(bytes.size(), wanted - nonce_.size());
  nonce_.insert(nonce_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(more));
  if (nonce_.size() < wanted) return Secret();
  if (!keys_) keys_.emplace(aead_, sender_.context, sender_.enc, nonce_, form_);
  Secret out;
  for (const std::vector<uint8_t>& chunk : TRY(splitter_.feed(bytes.subspan(more)))) {
    append(out, TRY(keys_->open(chunk, false)));
  }
  return out;
}

Result<Secret> ClientExchange::finish() {
  if (failed_) return fail(ErrorKind::untrusted, "the response was refused before");
  if (!keys_) return fail(ErrorKind::malformed, "the response is cut in its nonce");
  return keys_->open(TRY(splitter_.finish()), true);
}

Result<GatewayExchange::Header> GatewayExchange::read_header(Bytes bytes) {
  ByteReader in(bytes);
  Header header;
  header.key_id = TRY(in.read<uint8_t>("key id"));
  uint16_t numbers[3];
  for (uint16_t& number : numbers) {
    const Bytes pair = TRY(in.take(2, "algorithms"));
    number = static_cast<uint16_t>(pair[0] << 8 | pair[1]);
  }
  const auto aead = std::ranges::find(crypto::kAeads, static_cast<crypto::AeadId>(numbers[2]));
  if (numbers[0] != crypto::kHpkeKemX25519 || numbers[1] != crypto::kHpkeKdfSha256 ||
      aead == std::end(crypto::kAeads)) {
    return fail(ErrorKind::unsupported, "KEM {:#x}, KDF {:#x}, AEAD {:#x} are not this gateway's",
                numbers[0], numbers[1], numbers[2]);
  }
  header.aead = *aead;
  const Bytes enc = TRY(in.take(header.enc.size(), "encapsulated key"));
  std::copy(enc.begin(), enc.end(), header.enc.begin());
  return header;
}

GatewayExchange::GatewayExchange(const Header& header, Form form, crypto::HpkeContext context)
    : header_(header), form_(form), context_(std::move(context)) {}

Result<GatewayExchange> GatewayExchange::begin(const Header& header, Form form,
                                               const crypto::X25519Key& key) {
  const std::vector<uint8_t> bytes = header_of(header.key_id, header.aead);
  CHECK(bytes.size() == kHeaderBytes);
  crypto::HpkeContext context =
      TRY(crypto::hpke_receiver(header.aead, key, header.enc, info_of(form, bytes)));
  return GatewayExchange(header, form, std::move(context));
}

Result<Secret> GatewayExchange::open_request(Bytes bytes, uint64_t plaintext_max) {
  if (form_ == Form::whole) {
    if (bytes.size() > plaintext_max + crypto::kAeadTagBytes) {
      return fail(ErrorKind::exhausted, "a request beyond {} bytes", plaintext_max);
    }
    return context_.open({}, bytes);
  }
  ChunkSplitter splitter;
  Secret out;
  const auto chunks = TRY(splitter.feed(bytes));
  for (const std::vector<uint8_t>& chunk : chunks) {
    append(out, TRY(context_.open({}, chunk)));
    if (out.size() > plaintext_max) {
      return fail(ErrorKind::exhausted, "a request beyond {} bytes", plaintext_max);
    }
  }
  append(out, TRY(context_.open(as_bytes(kFinal), TRY(splitter.finish()))));
  return out;
}

void GatewayExchange::set_response_nonce(Bytes nonce) {
  CHECK(nonce.size() == response_nonce_bytes(header_.aead) && !keys_);
  nonce_.assign(nonce.begin(), nonce.end());
}

void GatewayExchange::begin_response() {
  if (keys_) return;
  if (nonce_.empty()) {
    nonce_.resize(response_nonce_bytes(header_.aead));
    crypto::fill_random(nonce_);
  }
  keys_.emplace(header_.aead, context_, header_.enc, nonce_, form_);
}

std::vector<uint8_t> GatewayExchange::seal_response(Bytes plaintext) {
  CHECK(form_ == Form::whole && !keys_);
  begin_response();
  std::vector<uint8_t> out = nonce_;
  const std::vector<uint8_t> sealed = keys_->seal(plaintext, true);
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

std::vector<uint8_t> GatewayExchange::seal_chunk(Bytes plaintext, bool last) {
  CHECK(form_ == Form::chunked && plaintext.size() <= kChunkBytesMax);
  CHECK(last || !plaintext.empty());
  const bool first = !keys_;
  begin_response();
  const std::vector<uint8_t> framed = frame_chunk(keys_->seal(plaintext, last), last);
  if (!first) return framed;
  std::vector<uint8_t> out = nonce_;
  out.insert(out.end(), framed.begin(), framed.end());
  return out;
}

}  // namespace sotto::channel
