// Checking a plan against a file, and packing the file's tensors as they are read.
// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <cstring>

#include "base/check.h"
#include "gguf/blocks.h"
#include "kernels/layout.h"
#include "model/split.h"

namespace sotto::model {
namespace {

using kernels::kGroupRows;

uint64_t row_file_bytes(const gguf::TensorInfo& tensor) {
  const gguf::TypeTraits& type = gguf::traits(tensor.type);
  return tensor.row_elements() / type.block_elements * type.block_bytes;
}

uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

uint64_t memory_bytes(const WeightPlan::Item& item) {
  if (item.vector != nullptr) return round_up(item.tensor->elements() * sizeof(float), 64);
  const uint64_t groups = (item.tensor->rows() + kGroupRows - 1) / kGroupRows;
  return groups * kernels::group_bytes(item.tensor->type,
                                       static_cast<uint32_t>(item.tensor->row_elements()));
}

// Takes the pieces of the file as they are read: matrices group by group into their layout, vectors
// as floats.
class Packer : public gguf::TensorSink {
 public:
  Packer(const std::map<std::string, WeightPlan::Item>& items, uint8_t* memory)
      : items_(items), memory_(memory) {}

  uint64_t granule_bytes(const gguf::TensorInfo& tensor) override {
    const WeightPlan::Item& item = items_.at(tensor.name);
    return item.matrix != nullptr ? kGroupRows * row_file_bytes(tensor)
                                  : gguf::traits(tensor.type).block_bytes;
  }

  Result<void> take(const gguf::TensorInfo& tensor, uint64_t offset, Bytes bytes) override {
    const WeightPlan::Item& item = items_.at(tensor.name);
    const gguf::TypeTraits& type = gguf::traits(tensor.type);
    if (item.vector != nullptr) {
      CHECK(bytes.size() % type.block_bytes == 0 && offset % type.block_bytes == 0);
      float* floats = reinterpret_cast<float*>(memory_ + item.offset);
      gguf::dequantize(tensor.type, bytes.data(),
                       bytes.size() / type.block_bytes * type.block_elements,
                       floats + offset / type.block_bytes * type.block_elements);
      return {};
    }
    const uint64_t row_bytes = row_file_bytes(tensor);
    const uint32_t columns = static_cast<uint32_t>(tensor.row_elements());
    CHECK(bytes.size() % row_bytes == 0 && offset % (kGroupRows * row_bytes) == 0);
    uint64_t row = offset / row_bytes;
    for (uint64_t at = 0; at < bytes.size(); at += kGroupRows * row_bytes, row += kGroupRows) {
      const uint64_t rows = std::min<uint64_t>(kGroupRows, (bytes.size() - at) / row_bytes);
      kernels::pack_group(
          tensor.type, columns, bytes.data() + at, static_cast<uint32_t>(rows),
          memory_ + item.offset + row / kGroupRows * kernels::group_bytes(tensor.type, columns));
    }
    return {};
  }

 private:
  const std::map<std::string, WeightPlan::Item>& items_;
  uint8_t* memory_;
};

}  // namespace

const gguf::TensorInfo* WeightPlan::find(const std::string& name, uint32_t rows, uint32_t columns) {
  const gguf::TensorInfo* tensor = description_.find_tensor(name);
  if (tensor == nullptr || !problem_) return tensor;
  if (tensor->row_elements() != columns || tensor->rows() != rows) {
    problem_ = fail(ErrorKind::malformed, "tensor {}: {} x {}, the metadata make it {} x {}", name,
                    tensor->rows(), tensor->row_elements(), rows, columns);
  }
  return tensor;
}

void WeightPlan::add(const gguf::TensorInfo* tensor, Matrix* matrix, Vector* vector) {
  CHECK(items_.emplace(tensor->name, Item{tensor, matrix, vector, 0}).second);
}

void WeightPlan::optional_matrix(const std::string& name, uint32_t rows, uint32_t columns,
                                 Matrix& into) {
  if (const gguf::TensorInfo* tensor = find(name, rows, columns)) add(tensor, &into, nullptr);
}

void WeightPlan::optional_vector(const std::string& name, uint32_t count, Vector& into) {
  if (const gguf::TensorInfo* tensor = find(name, 1, count)) add(tensor, nullptr, &into);
}

void WeightPlan::matrix(const std::string& name, uint32_t rows, uint32_t columns, Matrix& into) {
  if (problem_ && description_.find_tensor(name) == nullptr) {
    problem_ = fail(ErrorKind::malformed, "tensor {} is missing", name);
  }
  optional_matrix(name, rows, columns, into);
}

void WeightPlan::vector(const std::string& name, uint32_t count, Vector& into) {
  if (problem_ && description_.find_tensor(name) == nullptr) {
    problem_ = fail(ErrorKind::malformed, "tensor {} is missing", name);
  }
  optional_vector(name, count, into);
}

Result<Weights> Weights::allocate(const WeightPlan& plan) {
  TRY(plan.problem_);
  for (const gguf::TensorInfo& tensor : plan.description_.tensors) {
    if (!plan.items_.contains(tensor.name)) {
      return fail(ErrorKind::unsupported, "tensor {} is not one that this architecture has",
                  tensor.name);
    }
  }
  Weights weights;
  weights.items_ = plan.items_;
  uint64_t bytes = 0;
  for (auto& [name, item] : weights.items_) {
    item.offset = bytes;
    bytes += memory_bytes(item);
  }
  weights.memory_ = TRY(Memory::allocate(bytes, "the model"));
  for (auto& [name, item] : weights.items_) {
    const uint8_t* data = weights.memory_.data() + item.offset;
    const uint32_t columns = static_cast<uint32_t>(item.tensor->row_elements());
    if (item.vector != nullptr) {
      *item.vector = Vector{reinterpret_cast<const float*>(data), columns};
    } else {
      *item.matrix = Matrix{item.tensor->type, static_cast<uint32_t>(item.tensor->rows()), columns,
                            kernels::group_bytes(item.tensor->type, columns), data};
    }
  }
  return weights;
}

void Weights::place(const ThreadPlan& plan) {
  // A part of a huge page on another node would cost all the others of it their one translation.
  constexpr uint64_t kPageBytes = 2 << 20;
  const auto base = reinterpret_cast<uintptr_t>(memory_.data());
  for (const auto& [name, item] : items_) {
    if (item.matrix == nullptr) continue;
    const Matrix& matrix = *item.matrix;
    for (uint32_t i = 0; i < plan.nodes.size(); ++i) {
      const GroupRange groups = groups_on_node(plan, i, matrix.groups());
      const uint64_t begin = base + item.offset;
      const Span pages = pages_beginning_in(
          {begin + groups.begin * matrix.group_bytes, begin + groups.end * matrix.group_bytes},
          kPageBytes, base + memory_.bytes());
      place_on_node(reinterpret_cast<void*>(pages.begin), pages.end - pages.begin,
                    plan.nodes[i].node);
    }
  }
}

Result<gguf::ModelIdentity> Weights::fill_from(const gguf::Source& source, uint32_t threads,
                                               const Progress& progress) {
  Packer packer(items_, memory_.data());
  return source.read(&packer, threads, progress);
}

}  // namespace sotto::model
