// Which block format each tensor of a quantised model has, by the name people know the mix by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/types.h"

namespace sotto::cmd {

// What a mix looks at besides the tensor itself.
struct MixModel {
  uint32_t layers = 0;
  uint32_t queries_per_kv = 1;  // query heads that share a key-value head
  bool tied = false;            // the embedding is the output matrix too
};

// A mix such as "Q4_K_M": most tensors in one format, those that matter most in a better one. The
// choices are the customary ones, so that sizes and speeds compare with published files.
class TypeMix {
 public:
  // A name of the list below or of a tensor type; `unsupported` lists the names.
  static Result<TypeMix> by_name(std::string_view name);
  static std::vector<std::string> names();

  // The format of a matrix: `role` is its name without the layer ("attn_v"), `columns` its row
  // length, which decides whether the format's blocks fit. Vectors stay F32: not for this.
  gguf::TensorType choose(std::string_view role, uint32_t layer, uint64_t columns,
                          const MixModel& model) const;

 private:
  enum class Kind { uniform, small, medium, q2_k, q3_k_m, iq4 };
  struct Named {
    std::string_view name;
    gguf::TensorType base;
    Kind kind;
  };
  static const Named kNamed[];

  TypeMix(gguf::TensorType base, Kind kind) : base_(base), kind_(kind) {}
  gguf::TensorType choose_unchecked(std::string_view role, uint32_t layer,
                                    const MixModel& model) const;

  gguf::TensorType base_;
  Kind kind_;
};

}  // namespace sotto::cmd
