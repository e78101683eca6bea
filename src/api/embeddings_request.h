// The body of POST /v1/embeddings, and its answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <vector>

#include "api/completion_request.h"

namespace sotto::api {

inline constexpr size_t kEmbeddingInputsMax = 64;

struct EmbeddingsRequest {
  std::string model;  // empty: the default one
  std::vector<PromptInput> inputs;
  bool base64 = false;  // vectors as little-endian floats in base64, not as numbers
};

ApiResult<EmbeddingsRequest> read_embeddings_request(const boost::json::object& body);

boost::json::object embeddings_json(const std::string& model,
                                    std::span<const std::vector<float>> vectors, bool base64,
                                    uint64_t prompt_tokens);

}  // namespace sotto::api
