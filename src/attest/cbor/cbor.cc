// Taking CBOR apart with libcbor's decoder of single heads, which allocates nothing.
// SPDX-License-Identifier: Apache-2.0
#include "attest/cbor/cbor.h"

#include <cbor.h>

#include <algorithm>
#include <limits>

namespace sotto::attest::cbor {
namespace {

// One head as libcbor's callbacks tell of it.
struct Head {
  enum class Kind : uint8_t { value, end, refused };
  Kind kind = Kind::refused;
  Type type = Type::null;
  bool indefinite = false;
  uint64_t number = 0;
  Bytes content;
  std::string_view refused;
};

void put(void* context, Type type, uint64_t number) {
  Head& head = *static_cast<Head*>(context);
  head.kind = Head::Kind::value;
  head.type = type;
  head.number = number;
}

void put_string(void* context, Type type, cbor_data data, size_t size) {
  put(context, type, size);
  static_cast<Head*>(context)->content = Bytes(data, size);
}

void put_indefinite(void* context, Type type) {
  put(context, type, 0);
  static_cast<Head*>(context)->indefinite = true;
}

void refuse(void* context, std::string_view what) {
  static_cast<Head*>(context)->refused = what;
}

cbor_callbacks make_callbacks() {
  cbor_callbacks on = cbor_empty_callbacks;
  on.uint8 = [](void* c, uint8_t v) { put(c, Type::unsigned_integer, v); };
  on.uint16 = [](void* c, uint16_t v) { put(c, Type::unsigned_integer, v); };
  on.uint32 = [](void* c, uint32_t v) { put(c, Type::unsigned_integer, v); };
  on.uint64 = [](void* c, uint64_t v) { put(c, Type::unsigned_integer, v); };
  on.negint8 = [](void* c, uint8_t v) { put(c, Type::negative_integer, v); };
  on.negint16 = [](void* c, uint16_t v) { put(c, Type::negative_integer, v); };
  on.negint32 = [](void* c, uint32_t v) { put(c, Type::negative_integer, v); };
  on.negint64 = [](void* c, uint64_t v) { put(c, Type::negative_integer, v); };
  on.byte_string = [](void* c, cbor_data d, size_t n) { put_string(c, Type::bytes, d, n); };
  on.string = [](void* c, cbor_data d, size_t n) { put_string(c, Type::text, d, n); };
  on.byte_string_start = [](void* c) { refuse(c, "a byte string in pieces"); };
  on.string_start = [](void* c) { refuse(c, "a text in pieces"); };
  on.array_start = [](void* c, size_t n) { put(c, Type::array, n); };
  on.map_start = [](void* c, size_t n) { put(c, Type::map, n); };
  on.indef_array_start = [](void* c) { put_indefinite(c, Type::array); };
  on.indef_map_start = [](void* c) { put_indefinite(c, Type::map); };
  on.boolean = [](void* c, bool v) { put(c, Type::boolean, v ? 1 : 0); };
  on.null = [](void* c) { put(c, Type::null, 0); };
  on.indef_break = [](void* c) { static_cast<Head*>(c)->kind = Head::Kind::end; };
  on.tag = [](void* c, uint64_t) { refuse(c, "a tag"); };
  on.float2 = [](void* c, float) { refuse(c, "a floating-point number"); };
  on.float4 = [](void* c, float) { refuse(c, "a floating-point number"); };
  on.float8 = [](void* c, double) { refuse(c, "a floating-point number"); };
  on.undefined = [](void* c) { refuse(c, "'undefined'"); };
  return on;
}

Result<Head> read_head(Bytes bytes, uint64_t& offset) {
  static const cbor_callbacks callbacks = make_callbacks();
  Head head;
  const cbor_decoder_result result =
      cbor_stream_decode(bytes.data() + offset, bytes.size() - offset, &callbacks, &head);
  if (result.status == CBOR_DECODER_NEDATA) {
    return fail(ErrorKind::malformed, "CBOR item at offset {} goes on beyond the {} bytes", offset,
                bytes.size());
  }
  if (result.status != CBOR_DECODER_FINISHED || result.read == 0) {
    return fail(ErrorKind::malformed, "byte {:#04x} at offset {} begins no CBOR item",
                bytes[offset], offset);
  }
  if (head.kind == Head::Kind::refused) {
    return fail(ErrorKind::unsupported, "CBOR item at offset {} is {}", offset, head.refused);
  }
  offset += result.read;
  return head;
}

// An array or map that is not complete yet.
struct Open {
  uint32_t node;
  bool indefinite;
  uint64_t left;  // items still to come, unless indefinite
};

bool is_container(Type type) {
  return type == Type::array || type == Type::map;
}

// Keys that are the same value, however they were encoded.
std::strong_ordering compare_keys(const Node& a, const Node& b) {
  if (a.type != b.type) return a.type <=> b.type;
  if (a.type == Type::unsigned_integer || a.type == Type::negative_integer) {
    return a.number <=> b.number;
  }
  return std::lexicographical_compare_three_way(a.content.begin(), a.content.end(),
                                                b.content.begin(), b.content.end());
}

Result<void> check_keys(const std::vector<Node>& nodes, uint32_t map) {
  std::vector<const Node*> keys;
  for (uint32_t key = map + 1; key < nodes[map].next; key = nodes[nodes[key].next].next) {
    const Type type = nodes[key].type;
    if (is_container(type) || type == Type::boolean || type == Type::null) {
      return fail(ErrorKind::malformed, "map key at offset {} is {}", nodes[key].offset,
                  to_string(type));
    }
    keys.push_back(&nodes[key]);
  }
  const auto before = [](const Node* a, const Node* b) { return compare_keys(*a, *b) < 0; };
  std::ranges::sort(keys, before);
  const auto same = [](const Node* a, const Node* b) { return compare_keys(*a, *b) == 0; };
  const auto twice = std::ranges::adjacent_find(keys, same);
  if (twice != keys.end()) {
    return fail(ErrorKind::malformed, "map at offset {} has a key twice, at offset {}",
                nodes[map].offset, std::max((*twice)->offset, (*std::next(twice))->offset));
  }
  return {};
}

// Closes what is complete; `open` is empty when the document is.
Result<void> close(std::vector<Node>& nodes, std::vector<Open>& open) {
  while (!open.empty() && !open.back().indefinite && open.back().left == 0) {
    const uint32_t closed = open.back().node;
    open.pop_back();
    nodes[closed].next = static_cast<uint32_t>(nodes.size());
    if (nodes[closed].type == Type::map) TRY(check_keys(nodes, closed));
    if (!open.empty() && !open.back().indefinite) --open.back().left;
  }
  return {};
}

// The `break` at the end of an array or map of indefinite length.
Result<void> end_indefinite(std::vector<Node>& nodes, std::vector<Open>& open, uint64_t at) {
  if (open.empty() || !open.back().indefinite) {
    return fail(ErrorKind::malformed, "CBOR break at offset {} ends nothing", at);
  }
  Node& node = nodes[open.back().node];
  for (uint32_t child = open.back().node + 1; child < nodes.size(); child = nodes[child].next) {
    ++node.number;
  }
  if (node.type == Type::map) {
    if (node.number % 2 != 0) {
      return fail(ErrorKind::malformed, "map at offset {} ends with a key without value",
                  node.offset);
    }
    node.number /= 2;
  }
  open.back().indefinite = false;
  open.back().left = 0;
  return close(nodes, open);
}

// Adds a head's node; an array or map is then open.
Result<void> add(std::vector<Node>& nodes, std::vector<Open>& open, const Head& head, uint64_t at,
                 uint64_t bytes_left) {
  if (nodes.size() >= kItemsMax) {
    return fail(ErrorKind::exhausted, "CBOR with more than {} items", kItemsMax);
  }
  const auto index = static_cast<uint32_t>(nodes.size());
  nodes.push_back({head.type, index + 1, at, head.number, head.content});
  if (!is_container(head.type)) {
    if (!open.empty() && !open.back().indefinite) --open.back().left;
    return close(nodes, open);
  }
  if (open.size() >= kDepthMax) {
    return fail(ErrorKind::exhausted, "CBOR at offset {} is nested more than {} deep", at,
                kDepthMax);
  }
  const uint64_t bytes_each = head.type == Type::map ? 2 : 1;
  if (head.number > bytes_left / bytes_each) {
    return fail(ErrorKind::malformed, "{} at offset {} announces {} items, {} bytes are left",
                to_string(head.type), at, head.number, bytes_left);
  }
  open.push_back({index, head.indefinite, head.number * bytes_each});
  return close(nodes, open);
}

}  // namespace

std::string_view to_string(Type type) {
  switch (type) {
    case Type::unsigned_integer:
      return "an unsigned integer";
    case Type::negative_integer:
      return "a negative integer";
    case Type::bytes:
      return "a byte string";
    case Type::text:
      return "a text";
    case Type::array:
      return "an array";
    case Type::map:
      return "a map";
    case Type::boolean:
      return "a boolean";
    case Type::null:
      return "null";
  }
  return "?";
}

Result<Document> Document::read(Bytes bytes) {
  if (bytes.size() > kDocumentBytesMax) {
    return fail(ErrorKind::exhausted, "CBOR of {} bytes, {} are allowed", bytes.size(),
                kDocumentBytesMax);
  }
  Document document;
  std::vector<Open> open;
  uint64_t offset = 0;
  do {
    if (offset == bytes.size()) {
      return fail(ErrorKind::malformed, "CBOR ends at offset {}, inside an item", offset);
    }
    const uint64_t at = offset;
    const Head head = TRY(read_head(bytes, offset));
    if (head.kind == Head::Kind::end) {
      TRY(end_indefinite(document.nodes_, open, at));
    } else {
      TRY(add(document.nodes_, open, head, at, bytes.size() - offset));
    }
  } while (!open.empty());
  document.bytes_ = offset;
  return document;
}

const Node& Item::node() const {
  return document_->nodes_[index_];
}

Type Item::type() const {
  return node().type;
}

uint64_t Item::count() const {
  return is_container(type()) ? node().number : 0;
}

std::vector<Item> Item::items() const {
  std::vector<Item> items;
  if (type() != Type::array) return items;
  for (uint32_t at = index_ + 1; at < node().next; at = document_->nodes_[at].next) {
    items.push_back(Item(document_, at));
  }
  return items;
}

std::vector<Item::Pair> Item::pairs() const {
  std::vector<Pair> pairs;
  if (type() != Type::map) return pairs;
  const std::vector<Node>& nodes = document_->nodes_;
  for (uint32_t key = index_ + 1; key < node().next; key = nodes[nodes[key].next].next) {
    pairs.push_back({Item(document_, key), Item(document_, nodes[key].next)});
  }
  return pairs;
}

std::optional<Item> Item::find(std::string_view text_key) const {
  for (const Pair& pair : pairs()) {
    const auto key = pair.key.text("key");
    if (key && *key == text_key) return pair.value;
  }
  return std::nullopt;
}

std::optional<Item> Item::find(uint64_t key) const {
  for (const Pair& pair : pairs()) {
    const Node& node = pair.key.node();
    if (node.type == Type::unsigned_integer && node.number == key) return pair.value;
  }
  return std::nullopt;
}

std::unexpected<Error> Item::wrong_type(std::string_view field, std::string_view wanted) const {
  return fail(ErrorKind::malformed, "{} at offset {} is {}, not {}", field, node().offset,
              to_string(type()), wanted);
}

Result<uint64_t> Item::unsigned_integer(std::string_view field) const {
  if (type() != Type::unsigned_integer) return wrong_type(field, "an unsigned integer");
  return node().number;
}

Result<int64_t> Item::integer(std::string_view field) const {
  const bool negative = type() == Type::negative_integer;
  if (!negative && type() != Type::unsigned_integer) return wrong_type(field, "an integer");
  const uint64_t number = node().number;
  if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return fail(ErrorKind::malformed, "{} at offset {} is beyond 64 bits", field, node().offset);
  }
  const auto value = static_cast<int64_t>(number);
  return negative ? -1 - value : value;
}

Result<bool> Item::boolean(std::string_view field) const {
  if (type() != Type::boolean) return wrong_type(field, "a boolean");
  return node().number != 0;
}

Result<Bytes> Item::bytes(std::string_view field) const {
  if (type() != Type::bytes) return wrong_type(field, "a byte string");
  return node().content;
}

Result<std::string_view> Item::text(std::string_view field) const {
  if (type() != Type::text) return wrong_type(field, "a text");
  const Bytes raw = node().content;
  return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
}

}  // namespace sotto::attest::cbor
