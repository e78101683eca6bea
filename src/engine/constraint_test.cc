// Answers of an engine that are held to a constraint, among others that are not.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engine/engine_for_testing.h"

namespace sotto::engine {
namespace {

// Every token is 3 more than the last; an error after `tokens`.
class Steps final : public Constraint {
 public:
  explicit Steps(uint32_t tokens) : left_(tokens) {}
  Result<bool> mask(std::span<uint64_t> allowed) override {
    if (left_ == 0) return fail(ErrorKind::unsupported, "no more");
    std::fill(allowed.begin(), allowed.end(), 0);
    allowed[next_ / 64] |= uint64_t{1} << (next_ % 64);
    return true;
  }
  Result<void> accept(TokenId id) override {
    EXPECT_EQ(id, static_cast<TokenId>(next_));
    next_ = (next_ + 3) % 90;
    --left_;
    return {};
  }

 private:
  uint32_t next_ = 1;
  uint32_t left_;
};

TEST(EngineConstraint, decides_what_is_sampled) {
  for (const Speculation speculation : {Speculation::off, Speculation::always}) {
    const std::unique_ptr<Engine> engine = make_engine({.speculation = speculation});
    TokenStream other = submit(*engine, make_request(20, 40, 5));
    for (const float temperature : {0.0f, 1.5f}) {
      Request request = make_request(10, 60);
      request.sampling.temperature = temperature;
      request.sampling.top_p = 0.9f;
      request.sampling.repetition_penalty = 1.1f;
      request.constraint = std::make_shared<Steps>(100);
      TokenStream stream = submit(*engine, request);
      const Read read = read_all(stream);
      ASSERT_EQ(read.ids.size(), 60u);
      for (size_t i = 0; i < read.ids.size(); ++i) {
        EXPECT_EQ(read.ids[i], static_cast<TokenId>((1 + 3 * i) % 90));
      }
    }
    EXPECT_EQ(read_all(other).ids, answer_alone(make_request(20, 40, 5)).ids);
  }
}

TEST(EngineConstraint, ends_the_answer_with_its_error) {
  const std::unique_ptr<Engine> engine = make_engine({});
  Request request = make_request(10, 60);
  request.constraint = std::make_shared<Steps>(5);
  TokenStream stream = submit(*engine, request);
  const Read read = read_all(stream);
  EXPECT_EQ(read.ids.size(), 5u);
  ASSERT_TRUE(read.error.has_value());
  EXPECT_EQ(read.error->message, "no more");
  EXPECT_TRUE(becomes_idle(*engine));
}

class Nothing final : public Constraint {
 public:
  Result<bool> mask(std::span<uint64_t> allowed) override {
    std::fill(allowed.begin(), allowed.end(), 0);
    return true;
  }
  Result<void> accept(TokenId) override { return {}; }
};

TEST(EngineConstraint, is_an_error_where_it_allows_nothing) {
  const std::unique_ptr<Engine> engine = make_engine({});
  Request request = make_request(10, 60);
  request.constraint = std::make_shared<Nothing>();
  TokenStream stream = submit(*engine, request);
  EXPECT_TRUE(read_all(stream).error.has_value());
}

}  // namespace
}  // namespace sotto::engine
