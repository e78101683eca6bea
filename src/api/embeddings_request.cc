// Embeddings: texts in, vectors out.
// SPDX-License-Identifier: Apache-2.0
#include "api/embeddings_request.h"

#include <bit>
#include <boost/json/array.hpp>

namespace sotto::api {

namespace json = boost::json;

static_assert(std::endian::native == std::endian::little);

ApiResult<EmbeddingsRequest> read_embeddings_request(const json::object& body) {
  Fields fields(body, "");
  EmbeddingsRequest request;
  fields.harmless({"user"});
  request.model = TRY(fields.string("model", kModelBytesMax)).value_or("");
  request.inputs = TRY(read_prompts(fields, "input", kEmbeddingInputsMax));
  const auto format = TRY(fields.word("encoding_format", {"float", "base64"}));
  request.base64 = format == "base64";
  TRY(fields.refuse("dimensions", "vectors are as wide as the model"));
  TRY(fields.done());
  return request;
}

namespace {

std::string base64_of(std::span<const float> vector) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* bytes = reinterpret_cast<const uint8_t*>(vector.data());
  const size_t size = vector.size_bytes();
  std::string text;
  text.reserve((size + 2) / 3 * 4);
  for (size_t i = 0; i < size; i += 3) {
    const size_t count = std::min<size_t>(3, size - i);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < count ? bytes[i + j] : 0);
    for (size_t j = 0; j < 4; ++j) {
      text += j <= count ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

json::object embeddings_json(const std::string& model, std::span<const std::vector<float>> vectors,
                             bool base64, uint64_t prompt_tokens) {
  json::array data;
  for (size_t i = 0; i < vectors.size(); ++i) {
    json::object entry;
    entry["object"] = "embedding";
    entry["index"] = i;
    if (base64) {
      entry["embedding"] = base64_of(vectors[i]);
    } else {
      entry["embedding"] = json::array(vectors[i].begin(), vectors[i].end());
    }
    data.push_back(std::move(entry));
  }
  json::object usage, out;
  usage["prompt_tokens"] = prompt_tokens;
  usage["total_tokens"] = prompt_tokens;
  out["object"] = "list";
  out["data"] = std::move(data);
  out["model"] = model;
  out["usage"] = std::move(usage);
  return out;
}

}  // namespace sotto::api
