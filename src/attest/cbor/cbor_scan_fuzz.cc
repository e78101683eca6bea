// Fuzzes cbor::Document::read() and read_cose_sign1(): no input may crash them, what is read lies
// inside the input, and every walk over it ends.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/cbor/cbor.h"
#include "attest/cbor/cose_sign1.h"
#include "base/check.h"

namespace {

using namespace sotto;
using namespace sotto::attest;

bool lies_inside(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// How many items there are, visiting each.
uint64_t walk(const cbor::Item& item, Bytes whole) {
  uint64_t count = 1;
  if (const auto bytes = item.bytes("bytes")) CHECK(lies_inside(*bytes, whole));
  if (const auto text = item.text("text")) CHECK(lies_inside(as_bytes(*text), whole));
  (void)item.integer("integer");
  const auto items = item.items();
  const auto pairs = item.pairs();
  CHECK(item.count() == items.size() + pairs.size());
  for (const cbor::Item& child : items) count += walk(child, whole);
  for (const cbor::Item::Pair& pair : pairs) {
    count += walk(pair.key, whole) + walk(pair.value, whole);
    if (const auto key = pair.key.text("key")) CHECK(item.find(*key).has_value());
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes(data, size);
  if (const auto document = cbor::Document::read(bytes)) {
    CHECK(document->bytes() >= 1 && document->bytes() <= size);
    CHECK(walk(document->root(), bytes) <= cbor::kItemsMax);
    // Nothing behind it was needed.
    CHECK(cbor::Document::read(bytes.first(document->bytes())).has_value());
    CHECK(!cbor::Document::read(bytes.first(document->bytes() - 1)).has_value());
  }
  if (const auto message = cbor::read_cose_sign1(bytes)) {
    CHECK(message->bytes <= size && lies_inside(message->payload, bytes));
    const auto covered = cbor::cose_signed_bytes(message->protected_header, message->payload);
    CHECK(cbor::Document::read(covered).has_value() || covered.size() > cbor::kDocumentBytesMax);
  }
  return 0;
}
