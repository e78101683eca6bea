// Pages of past prompts and answers, kept for requests of the same tenant that begin alike.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/secret_vector.h"
#include "base/token.h"
#include "model/kv_cache.h"

namespace sotto::engine {

// A tree of whole pages for each tenant: a page's place says all tokens before it, so keys and values
// are the same bits that computing them anew would give [docs/protocols/numerics.md]. Nothing is ever
// found for another tenant: that something was cached can be told from how fast an answer comes.
//
// It holds pages of the sequences' own pool, which are given up, least recently used first, when
// requests need the room. Lives on the engine's thread; the cache must outlive it.
class PrefixCache {
 public:
  explicit PrefixCache(model::KvCache& cache) : cache_(cache) {}
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;
  ~PrefixCache();

  // The pages of the longest beginning of `tokens` that is here, which may be none.
  std::vector<uint32_t> find(uint64_t tenant, std::span<const TokenId> tokens) const;
  // Keeps the pages that `tokens` fill, and counts them as used now.
  void keep(uint64_t tenant, std::span<const TokenId> tokens, std::span<const uint32_t> pages);

  // Pages that nobody else holds, besides those of `spared`: what make_room() could free.
  uint32_t idle(std::span<const uint32_t> spared) const;
  // Gives pages up until the pool has `wanted` free ones, or there are none left.
  void make_room(uint32_t wanted);

  uint32_t pages() const { return pages_; }

 private:
  struct Earlier {
    using is_transparent = void;
    bool operator()(std::span<const TokenId> a, std::span<const TokenId> b) const;
  };
  struct Node;
  using Children = std::map<SecretVector<TokenId>, std::unique_ptr<Node>, Earlier>;
  struct Node {
    Children children;
    Children* siblings = nullptr;  // where it stands
    Node* parent = nullptr;        // none: a tenant's first page
    uint64_t tenant = 0;
    uint32_t page = 0;
    uint64_t used = 0;
  };

  Node& add(uint64_t tenant, Node* parent, std::span<const TokenId> tokens, uint32_t page);
  void remove(Node& leaf);

  model::KvCache& cache_;
  std::map<uint64_t, Children> tenants_;
  std::map<uint64_t, Node*> leaves_;  // by when they were used last; times are unique
  uint64_t now_ = 0;
  uint32_t pages_ = 0;
};

}  // namespace sotto::engine
