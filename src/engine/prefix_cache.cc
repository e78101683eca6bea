// The tree of pages: looking up, keeping, and giving up what was used longest ago.
// SPDX-License-Identifier: Apache-2.0
#include "engine/prefix_cache.h"

#include <algorithm>

#include "base/check.h"

namespace sotto::engine {

using model::kPagePositions;

bool PrefixCache::Earlier::operator()(std::span<const TokenId> a,
                                      std::span<const TokenId> b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

PrefixCache::~PrefixCache() {
  while (!leaves_.empty()) remove(*leaves_.begin()->second);
}

std::vector<uint32_t> PrefixCache::find(uint64_t tenant, std::span<const TokenId> tokens) const {
  std::vector<uint32_t> pages;
  const auto root = tenants_.find(tenant);
  if (root == tenants_.end()) return pages;
  const Children* level = &root->second;
  for (size_t at = 0; at + kPagePositions <= tokens.size(); at += kPagePositions) {
    const auto child = level->find(tokens.subspan(at, kPagePositions));
    if (child == level->end()) break;
    pages.push_back(child->second->page);
    level = &child->second->children;
  }
  return pages;
}

void PrefixCache::keep(uint64_t tenant, std::span<const TokenId> tokens,
                       std::span<const uint32_t> pages) {
  Node* node = nullptr;
  for (size_t i = 0; (i + 1) * kPagePositions <= tokens.size(); ++i) {
    CHECK(i < pages.size());
    const auto part = tokens.subspan(i * kPagePositions, kPagePositions);
    Children& level = node == nullptr ? tenants_[tenant] : node->children;
    const auto child = level.find(part);
    // Of two pages with the same content the first stays.
    node = child != level.end() ? child->second.get() : &add(tenant, node, part, pages[i]);
    if (node->children.empty()) leaves_.erase(node->used);
    node->used = ++now_;
    if (node->children.empty()) leaves_[node->used] = node;
  }
}

PrefixCache::Node& PrefixCache::add(uint64_t tenant, Node* parent, std::span<const TokenId> tokens,
                                    uint32_t page) {
  if (parent != nullptr && parent->children.empty()) leaves_.erase(parent->used);
  auto made = std::make_unique<Node>();
  made->siblings = parent == nullptr ? &tenants_[tenant] : &parent->children;
  made->parent = parent;
  made->tenant = tenant;
  made->page = page;
  made->used = ++now_;
  cache_.hold(page);
  ++pages_;
  Node& node = *made;
  leaves_[node.used] = &node;
  made->siblings->emplace(SecretVector<TokenId>(tokens.begin(), tokens.end()), std::move(made));
  return node;
}

void PrefixCache::remove(Node& leaf) {
  CHECK(leaf.children.empty());
  leaves_.erase(leaf.used);
  cache_.release(leaf.page);
  --pages_;
  Node* parent = leaf.parent;
  const uint64_t tenant = leaf.tenant;
  Children& siblings = *leaf.siblings;
  std::erase_if(siblings, [&](const auto& entry) { return entry.second.get() == &leaf; });
  if (!siblings.empty()) return;
  if (parent == nullptr) {
    tenants_.erase(tenant);
  } else {
    leaves_[parent->used] = parent;
  }
}

uint32_t PrefixCache::idle(std::span<const uint32_t> spared) const {
  uint32_t count = 0;
  std::vector<const Children*> levels;
  for (const auto& [tenant, children] : tenants_) levels.push_back(&children);
  while (!levels.empty()) {
    const Children* level = levels.back();
    levels.pop_back();
    for (const auto& [tokens, node] : *level) {
      count += cache_.holders(node->page) == 1 ? 1 : 0;
      if (!node->children.empty()) levels.push_back(&node->children);
    }
  }
  for (const uint32_t page : spared) count -= cache_.holders(page) == 1 ? 1 : 0;
  return count;
}

void PrefixCache::make_room(uint32_t wanted) {
  auto leaf = leaves_.begin();
  while (cache_.pages_free() < wanted && leaf != leaves_.end()) {
    if (cache_.holders(leaf->second->page) > 1) {
      ++leaf;
      continue;
    }
    // Its parent may become a leaf, and one that was used earlier than where we are.
    remove(*leaf->second);
    leaf = leaves_.begin();
  }
  // What is left stands before pages that are in use: two sequences that began alike at the same
  // time, of which one has ended.
  while (cache_.pages_free() < wanted && !leaves_.empty()) remove(*leaves_.begin()->second);
}

}  // namespace sotto::engine
