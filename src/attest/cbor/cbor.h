// CBOR from strangers [RFC8949]: one item taken apart within limits, nothing copied.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::cbor {

inline constexpr uint32_t kDepthMax = 16;
inline constexpr uint32_t kItemsMax = 4096;
inline constexpr uint64_t kDocumentBytesMax = 1 << 20;

enum class Type : uint8_t {
  unsigned_integer,
  negative_integer,
  bytes,
  text,
  array,
  map,
  boolean,
  null
};

std::string_view to_string(Type type);

class Document;
struct Node;

// One item of a Document, which must outlive it; so must the document's bytes. Cheap to copy.
class Item {
 public:
  Type type() const;
  // Arrays have this many items, maps this many pairs; everything else none.
  uint64_t count() const;
  // Keys and values in the order of the bytes.
  struct Pair;
  std::vector<Item> items() const;
  std::vector<Pair> pairs() const;
  // The pair's value, or nothing where this is no map or has no such key.
  std::optional<Item> find(std::string_view text_key) const;
  std::optional<Item> find(uint64_t key) const;

  // The value, or `malformed` naming `field` where the item is of another type.
  Result<uint64_t> unsigned_integer(std::string_view field) const;
  // Of either sign; `malformed` beyond int64_t.
  Result<int64_t> integer(std::string_view field) const;
  Result<bool> boolean(std::string_view field) const;
  Result<Bytes> bytes(std::string_view field) const;
  // Valid UTF-8 is not promised.
  Result<std::string_view> text(std::string_view field) const;

 private:
  friend class Document;
  Item(const Document* document, uint32_t index) : document_(document), index_(index) {}
  const Node& node() const;
  std::unexpected<Error> wrong_type(std::string_view field, std::string_view wanted) const;

  const Document* document_;
  uint32_t index_;
};

struct Item::Pair {
  Item key;
  Item value;
};

// What is kept of an item: `number` is an integer's value (of a negative one, -1 - value), a
// boolean's, or how many items are directly inside; `next` is the index of the first node behind it.
struct Node {
  Type type;
  uint32_t next;
  uint64_t offset;
  uint64_t number;
  Bytes content;
};

// The first item of some bytes, whole.
class Document {
 public:
  // Definite and indefinite arrays and maps; strings of definite length. `malformed` where the bytes
  // end early or break the format, a map names a key twice or has a key that is neither number nor
  // string; `unsupported` for tags, floating point, `undefined` and strings in pieces; `exhausted`
  // beyond the limits above. Time and memory grow with the bytes read, whatever these announce.
  static Result<Document> read(Bytes bytes);

  Item root() const { return Item(this, 0); }
  // What the first item takes; the rest of the bytes was not looked at.
  uint64_t bytes() const { return bytes_; }

 private:
  friend class Item;
  std::vector<Node> nodes_;
  uint64_t bytes_ = 0;
};

}  // namespace sotto::attest::cbor
