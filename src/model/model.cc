// Loading a model and running batches through it.
// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "kernels/dispatch.h"
#include "model/architecture.h"
#include "model/pass.h"

namespace sotto::model {

std::string layer_tensor(uint32_t layer, const char* name) {
  return fmt::format("blk.{}.{}", layer, name);
}

struct Model::Impl {
  Shape shape;
  ForwardLimits limits;
  kernels::Kernels kernels;
  std::unique_ptr<Architecture> architecture;
  Weights weights;
  gguf::ModelIdentity identity{};
  uint64_t embedding_bytes = 0;  // that decoding does not read, but for one row
  std::optional<Pass> pass;
  std::vector<PassToken> tokens;  // of the batch at hand
  std::vector<uint32_t> wanted;   // its tokens whose logits are wanted
};

namespace {

std::unique_ptr<Architecture> make_architecture(const Shape& shape) {
  const std::string& name = shape.architecture;
  if (name == "llama") return make_llama(shape);
  if (name == "qwen2") return make_qwen2(shape);
  if (name == "qwen3") return make_qwen3(shape);
  if (name == "gpt2") return make_gpt2(shape);
  CHECK(name == "bloom");  // read_shape() knows no others
  return make_bloom(shape);
}

// Everything but the weights' contents.
Result<std::unique_ptr<Model::Impl>> prepare(const gguf::Description& description,
                                             const ForwardLimits& limits, ThreadPool& pool) {
  auto impl = std::make_unique<Model::Impl>();
  impl->shape = TRY(read_shape(description));
  impl->limits = limits;
  impl->kernels = kernels::make_kernels(TRY(kernels::isa_from_environment()));
  impl->architecture = make_architecture(impl->shape);
  WeightPlan plan(description);
  impl->architecture->plan(plan);
  impl->weights = TRY(Weights::allocate(plan));
  impl->weights.place(pool.plan());
  if (description.find_tensor("output.weight") != nullptr) {
    impl->embedding_bytes = description.find_tensor("token_embd.weight")->bytes;
  }
  if (const gguf::TensorInfo* positions = description.find_tensor("position_embd.weight")) {
    impl->embedding_bytes += positions->bytes;
  }
  impl->pass = TRY(Pass::create(impl->shape, limits.batch_tokens_max, limits.logit_rows_max,
                                impl->kernels, pool));
  impl->tokens.reserve(limits.batch_tokens_max);
  impl->wanted.reserve(limits.logit_rows_max);
  return impl;
}

}  // namespace

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::load(const gguf::Source& source, const ForwardLimits& limits,
                                           ThreadPool& pool, const Progress& progress) {
  std::unique_ptr<Impl> impl = TRY(prepare(source.description(), limits, pool));
  impl->identity = TRY(impl->weights.fill_from(source, pool.threads(), progress));
  impl->architecture->finish();
  return std::unique_ptr<Model>(new Model(std::move(impl)));
}

Result<std::unique_ptr<Model>> Model::synthetic(const gguf::Description& description,
                                                const ForwardLimits& limits, ThreadPool& pool) {
  std::unique_ptr<Impl> impl = TRY(prepare(description, limits, pool));
  TRY(impl->weights.fill_random());
  impl->architecture->finish();
  return std::unique_ptr<Model>(new Model(std::move(impl)));
}

const Shape& Model::shape() const {
  return impl_->shape;
}
const ForwardLimits& Model::limits() const {
  return impl_->limits;
}
const char* Model::isa() const {
  return impl_->kernels.isa;
}
const gguf::ModelIdentity& Model::identity() const {
  return impl_->identity;
}
uint64_t Model::weight_bytes() const {
  return impl_->weights.bytes();
}
uint64_t Model::weight_bytes_per_token() const {
  return impl_->weights.bytes() - impl_->embedding_bytes;
}

KvLayout Model::kv_layout(KvType type) const {
  const Shape& shape = impl_->shape;
  return {type, shape.layers, shape.kv_heads, shape.head_width, shape.value_width};
}

namespace {

// The batch's tokens one after the other, and which of them give logits; or why it cannot be run.
Result<void> lay_out(Model::Impl& impl, std::span<const BatchPart> batch) {
  const Shape& shape = impl.shape;
  impl.tokens.clear();
  impl.wanted.clear();
  for (const BatchPart& part : batch) {
    CHECK(std::ranges::count(batch, part.sequence, &BatchPart::sequence) == 1);
    const uint64_t end = uint64_t{part.sequence->length()} + part.tokens.size();
    if (end > shape.context_max) {
      return fail(ErrorKind::exhausted, "{} positions are more than the model's context of {}", end,
                  shape.context_max);
    }
    if (end > part.sequence->capacity()) {
      return fail(ErrorKind::exhausted, "{} positions are more than the {} reserved", end,
                  part.sequence->capacity());
    }
    if (impl.tokens.size() + part.tokens.size() > impl.limits.batch_tokens_max) {
      return fail(ErrorKind::exhausted, "a batch has at most {} tokens",
                  impl.limits.batch_tokens_max);
    }
    for (uint32_t i = 0; i < part.tokens.size(); ++i) {
      const TokenId id = part.tokens[i];
      if (id < 0 || static_cast<uint32_t>(id) >= shape.vocabulary) {
        return fail(ErrorKind::malformed, "a token id is outside the vocabulary of {}",
                    shape.vocabulary);
      }
      const bool last = i + 1 == part.tokens.size();
      if (part.want == Want::all || (part.want == Want::last && last)) {
        if (impl.wanted.size() == impl.limits.logit_rows_max) {
          return fail(ErrorKind::exhausted, "a batch gives at most {} rows of logits",
                      impl.limits.logit_rows_max);
        }
        impl.wanted.push_back(static_cast<uint32_t>(impl.tokens.size()));
      }
      impl.tokens.push_back({id, part.sequence->length() + i, part.sequence});
    }
  }
  return {};
}

void sum_states(const Model::Impl& impl, std::span<const BatchPart> batch) {
  const Rows& states = impl.pass->normed;
  uint32_t row = 0;
  for (const BatchPart& part : batch) {
    for (uint32_t i = 0; i < part.tokens.size(); ++i, ++row) {
      if (part.state_sum == nullptr) continue;
      const float* state = states.row(row);
      for (uint32_t j = 0; j < impl.shape.width; ++j) {
        part.state_sum[j] += static_cast<double>(state[j]);
      }
    }
  }
}

}  // namespace

Result<Logits> Model::forward(std::span<const BatchPart> batch) {
  Impl& impl = *impl_;
  TRY(lay_out(impl, batch));
  if (impl.tokens.empty()) return Logits{};
  Pass& pass = *impl.pass;
  pass.begin(impl.tokens);
  impl.architecture->layers(pass);
  bool sums = false;
  for (const BatchPart& part : batch) {
    part.sequence->advance(static_cast<uint32_t>(part.tokens.size()));
    sums |= part.state_sum != nullptr;
  }
  if (sums) {
    impl.architecture->norm(pass);
    sum_states(impl, batch);
  }
  if (!impl.wanted.empty()) {
    pass.select(impl.wanted);
    impl.architecture->norm(pass);
    impl.architecture->output(pass);
  }
  return Logits{pass.logits.data, static_cast<uint32_t>(impl.wanted.size()), impl.shape.vocabulary,
                pass.logits.stride};
}

}  // namespace sotto::model
