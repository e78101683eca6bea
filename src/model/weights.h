// The weights of a model: what an architecture asks for, and how it gets into memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "base/topology.h"
#include "gguf/load.h"
#include "kernels/kernels.h"

namespace sotto::model {

using kernels::Matrix;

// A one-dimensional tensor, as floats.
struct Vector {
  const float* data = nullptr;
  uint32_t count = 0;
  bool present() const { return data != nullptr; }
};

// An architecture's list of tensors. It names each one it will use, with its shape, and gets it
// into the place it gave; the places must stay where they are until loading is done. The first
// problem is kept and returned by allocate(): a missing tensor, a wrong shape, or one that nobody
// asked for, since ignoring it would compute another model than the file's.
class WeightPlan {
 public:
  explicit WeightPlan(const gguf::Description& description) : description_(description) {}

  void matrix(const std::string& name, uint32_t rows, uint32_t columns, Matrix& into);
  void vector(const std::string& name, uint32_t count, Vector& into);
  // Where the file may leave the tensor out: `into` then stays empty.
  void optional_matrix(const std::string& name, uint32_t rows, uint32_t columns, Matrix& into);
  void optional_vector(const std::string& name, uint32_t count, Vector& into);

  struct Item {
    const gguf::TensorInfo* tensor;
    Matrix* matrix = nullptr;  // one of the two is set
    Vector* vector = nullptr;
    uint64_t offset = 0;  // in the memory
  };

 private:
  friend class Weights;
  const gguf::TensorInfo* find(const std::string& name, uint32_t rows, uint32_t columns);
  void add(const gguf::TensorInfo* tensor, Matrix* matrix, Vector* vector);

  const gguf::Description& description_;
  std::map<std::string, Item> items_;
  Result<void> problem_;
};

// Owns the memory that a plan's places point into. Const once filled.
class Weights {
 public:
  // Checks the plan as a whole, allocates, and sets the places; the contents are still zero.
  static Result<Weights> allocate(const WeightPlan& plan);

  // Asks for each node's part of every matrix [model/split.h] to lie there. Before filling.
  void place(const ThreadPlan& plan);
  // Reads, hashes, packs.
  Result<gguf::ModelIdentity> fill_from(const gguf::Source& source, uint32_t threads,
                                        const Progress& progress);
  // Random weights of a plausible size, for measuring a machine.
  Result<void> fill_random();

  uint64_t bytes() const { return memory_.bytes(); }

 private:
  std::map<std::string, WeightPlan::Item> items_;
  Memory memory_;
};

}  // namespace sotto::model
