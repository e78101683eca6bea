// Framing, field lines, content.
// SPDX-License-Identifier: Apache-2.0
#include "channel/binary_http.h"

#include <algorithm>

#include "channel/varint.h"

namespace sotto::channel {
namespace {

constexpr uint64_t kKnownRequest = 0, kKnownResponse = 1;
constexpr uint64_t kIndeterminateRequest = 2, kIndeterminateResponse = 3;

void append(Secret& to, std::string_view text) {
  to.insert(to.end(), text.begin(), text.end());
}

void append_sized(Secret& to, std::string_view text) {
  std::vector<uint8_t> size;
  append_varint(size, text.size());
  to.insert(to.end(), size.begin(), size.end());
  append(to, text);
}

bool is_token(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  return letter || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

Result<void> check_field(std::string_view name, std::string_view value) {
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token)) {
    return fail(ErrorKind::malformed, "binary HTTP: a field's name that is none");
  }
  const bool good = std::none_of(value.begin(), value.end(),
                                 [](char c) { return c == '\0' || c == '\r' || c == '\n'; });
  if (!good) return fail(ErrorKind::malformed, "binary HTTP: a field's value with a line end");
  return {};
}

Result<std::string> read_text(ByteReader& in, std::string_view what, uint64_t max) {
  const uint64_t size = TRY(read_varint(in, what));
  if (size > max) {
    return fail(ErrorKind::exhausted, "binary HTTP: {} of {} bytes; at most {}", what, size, max);
  }
  const Bytes bytes = TRY(in.take(size, what));
  return std::string(bytes.begin(), bytes.end());
}

// One line, whose name's length was read already.
Result<void> read_field(ByteReader& in, uint64_t name_size, Fields& fields, uint64_t& left) {
  if (name_size > left) return fail(ErrorKind::exhausted, "binary HTTP: fields beyond their limit");
  const Bytes name = TRY(in.take(name_size, "field name"));
  left -= name_size;
  std::string value = TRY(read_text(in, "field value", left));
  left -= value.size();
  TRY(check_field(as_text(name), value));
  if (fields.size() == kFieldsMax)
    return fail(ErrorKind::exhausted, "binary HTTP: too many fields");
  fields.emplace_back(std::string(as_text(name)), std::move(value));
  return {};
}

Result<Fields> read_known_fields(ByteReader& in) {
  Fields fields;
  if (in.left() == 0) return fields;  // it may be missing at the end
  const uint64_t size = TRY(read_varint(in, "field section"));
  if (size > kFieldBytesMax) {
    return fail(ErrorKind::exhausted, "binary HTTP: fields of {} bytes; at most {}", size,
                kFieldBytesMax);
  }
  ByteReader section(TRY(in.take(size, "field section")));
  uint64_t left = kFieldBytesMax;
  while (section.left() != 0) {
    const uint64_t name = TRY(read_varint(section, "field name"));
    TRY(read_field(section, name, fields, left));
  }
  return fields;
}

Result<Fields> read_terminated_fields(ByteReader& in) {
  Fields fields;
  uint64_t left = kFieldBytesMax;
  while (in.left() != 0) {
    const uint64_t name = TRY(read_varint(in, "field name"));
    if (name == 0) return fields;
    TRY(read_field(in, name, fields, left));
  }
  if (fields.empty()) return fields;
  return fail(ErrorKind::malformed, "binary HTTP: it ends in the middle of its fields");
}

Result<void> no_trailers(const Fields& fields) {
  if (fields.empty()) return {};
  return fail(ErrorKind::unsupported, "binary HTTP: trailers");
}

Result<void> only_zeros(ByteReader& in) {
  for (const uint8_t byte : TRY(in.take(in.left(), "padding"))) {
    if (byte != 0) return fail(ErrorKind::malformed, "binary HTTP: bytes behind its end");
  }
  return {};
}

Result<void> add(Secret& content, Bytes bytes, uint64_t content_max) {
  if (bytes.size() > content_max - content.size()) {
    return fail(ErrorKind::exhausted, "binary HTTP: content beyond {} bytes", content_max);
  }
  content.insert(content.end(), bytes.begin(), bytes.end());
  return {};
}

Result<void> check_control(const BinaryRequest& request) {
  const auto upper = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; };
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  const bool method =
      !request.method.empty() && std::all_of(request.method.begin(), request.method.end(), upper);
  const bool scheme = request.scheme == "https" || request.scheme == "http";
  const bool path = request.path.starts_with("/") &&
                    std::all_of(request.path.begin(), request.path.end(), visible);
  const bool authority = std::all_of(request.authority.begin(), request.authority.end(), visible);
  if (method && scheme && path && authority) return {};
  return fail(ErrorKind::malformed, "binary HTTP: {} that is none",
              !method   ? "a method"
              : !scheme ? "a scheme"
              : !path   ? "a path"
                        : "an authority");
}

}  // namespace

Secret encode(const BinaryRequest& request) {
  Secret out;
  out.push_back(kKnownRequest);
  for (const std::string* text :
       {&request.method, &request.scheme, &request.authority, &request.path}) {
    append_sized(out, *text);
  }
  Secret fields;
  for (const auto& [name, value] : request.fields) {
    append_sized(fields, name);
    append_sized(fields, value);
  }
  append_sized(out, as_text(fields));
  append_sized(out, as_text(request.content));
  out.push_back(0);  // no trailers
  return out;
}

Result<BinaryRequest> decode_request(Bytes bytes, uint64_t content_max) {
  ByteReader in(bytes);
  const uint64_t framing = TRY(read_varint(in, "framing"));
  if (framing != kKnownRequest && framing != kIndeterminateRequest) {
    return fail(ErrorKind::malformed, "binary HTTP: it is no request");
  }
  BinaryRequest request;
  for (std::string* text : {&request.method, &request.scheme, &request.authority, &request.path}) {
    *text = TRY(read_text(in, "control data", kControlBytesMax));
  }
  TRY(check_control(request));
  if (framing == kKnownRequest) {
    request.fields = TRY(read_known_fields(in));
    if (in.left() != 0) {
      const uint64_t size = TRY(read_varint(in, "content"));
      TRY(add(request.content, TRY(in.take(size, "content")), content_max));
    }
    TRY(no_trailers(TRY(read_known_fields(in))));
  } else {
    request.fields = TRY(read_terminated_fields(in));
    while (in.left() != 0) {
      const uint64_t size = TRY(read_varint(in, "content chunk"));
      if (size == 0) break;
      TRY(add(request.content, TRY(in.take(size, "content chunk")), content_max));
    }
    TRY(no_trailers(TRY(read_terminated_fields(in))));
  }
  TRY(only_zeros(in));
  return request;
}

std::vector<uint8_t> encode_head(uint32_t status, const Fields& fields) {
  std::vector<uint8_t> out;
  out.push_back(kIndeterminateResponse);
  append_varint(out, status);
  for (const auto& [name, value] : fields) {
    for (const std::string* text : {&name, &value}) {
      append_varint(out, text->size());
      out.insert(out.end(), text->begin(), text->end());
    }
  }
  out.push_back(0);
  return out;
}

std::vector<uint8_t> encode_content(std::string_view content) {
  std::vector<uint8_t> out;
  if (content.empty()) return out;
  append_varint(out, content.size());
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

std::vector<uint8_t> encode_end(size_t padding) {
  return std::vector<uint8_t>(2 + padding);
}

Result<void> BinaryResponseReader::feed(Bytes bytes) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  while (!pending_.empty()) {
    const bool more = TRY(step());
    if (!more) break;
  }
  return {};
}

Result<bool> BinaryResponseReader::step() {
  switch (state_) {
    case State::head:
      return read_head();
    case State::content:
      return read_content();
    case State::trailers:
      return read_trailers();
    case State::padding: {
      ByteReader in(pending_);
      TRY(only_zeros(in));
      pending_.clear();
      return true;
    }
  }
  return fail(ErrorKind::internal, "a state that is none");
}

// A head is read again from its beginning until it is there as a whole; it is small.
Result<bool> BinaryResponseReader::read_head() {
  constexpr uint64_t kHeadBytesMax = kFieldBytesMax + (32 << 10);
  ByteReader in(pending_);
  const auto attempt = [&]() -> Result<void> {
    const uint64_t framing = TRY(read_varint(in, "framing"));
    known_length_ = framing == kKnownResponse;
    if (framing != kKnownResponse && framing != kIndeterminateResponse) {
      return fail(ErrorKind::unsupported, "binary HTTP: it is no response");
    }
    const uint64_t status = TRY(read_varint(in, "status"));
    if (status < 200 || status > 599) {
      return fail(ErrorKind::unsupported, "binary HTTP: status {}", status);
    }
    status_ = static_cast<uint32_t>(status);
    if (in.left() == 0) return fail(ErrorKind::malformed, "fields are missing");
    fields_ = TRY(known_length_ ? read_known_fields(in) : read_terminated_fields(in));
    return {};
  };
  const Result<void> read = attempt();
  if (!read && read.error().kind != ErrorKind::malformed) return std::unexpected(read.error());
  if (!read) {
    if (pending_.size() > kHeadBytesMax) return std::unexpected(read.error());
    return false;  // cut, or wrong: finish() says so
  }
  has_head_ = true;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(in.offset()));
  state_ = State::content;
  return true;
}

Result<bool> BinaryResponseReader::read_content() {
  if (!in_chunk_) {
    if (pending_.size() < varint_bytes(pending_.front())) return false;
    ByteReader in(pending_);
    chunk_left_ = TRY(read_varint(in, "content"));
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(in.offset()));
    in_chunk_ = true;
    if (chunk_left_ == 0) state_ = State::trailers;
    if (chunk_left_ > content_max_ - content_seen_) {
      return fail(ErrorKind::exhausted, "binary HTTP: content beyond {} bytes", content_max_);
    }
    if (chunk_left_ == 0) return true;
  }
  const size_t size = std::min<uint64_t>(chunk_left_, pending_.size());
  TRY(add_content(Bytes(pending_).first(size)));
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(size));
  chunk_left_ -= size;
  if (chunk_left_ != 0) return false;
  in_chunk_ = known_length_;
  if (known_length_) state_ = State::trailers;
  return true;
}

Result<void> BinaryResponseReader::add_content(Bytes bytes) {
  content_seen_ += bytes.size();
  content_.insert(content_.end(), bytes.begin(), bytes.end());
  return {};
}

// Both forms of no trailers are one zero.
Result<bool> BinaryResponseReader::read_trailers() {
  if (pending_.front() != 0) return fail(ErrorKind::unsupported, "binary HTTP: trailers");
  pending_.erase(pending_.begin());
  state_ = State::padding;
  return true;
}

Result<void> BinaryResponseReader::finish() {
  const bool between = state_ == State::content && !in_chunk_ && pending_.empty() && has_head_;
  const bool over = state_ == State::trailers || state_ == State::padding;
  if (over || between) return {};
  if (state_ == State::head) {
    // The fields, too, may be missing at the end.
    pending_.push_back(0);
    if (TRY(read_head()) && pending_.empty()) return {};
  }
  return fail(ErrorKind::malformed, "binary HTTP: the response is cut");
}

Secret BinaryResponseReader::take_content() {
  Secret taken;
  taken.swap(content_);
  return taken;
}

}  // namespace sotto::channel
