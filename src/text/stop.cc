// A stream matcher for many stop strings at once.
// SPDX-License-Identifier: Apache-2.0
#include "text/stop.h"

#include <algorithm>

namespace sotto::text {

StopMatcher::StopMatcher(const std::vector<std::string>& stops) : nodes_(1) {
  for (const std::string& stop : stops) {
    uint32_t node = 0;
    for (const char byte : stop) {
      uint32_t next = child(node, byte);
      if (next == 0) {
        next = static_cast<uint32_t>(nodes_.size());
        nodes_[node].next.emplace_back(byte, next);
        Node added;
        added.bytes = nodes_[node].bytes + 1;
        nodes_.push_back(std::move(added));
      }
      node = next;
    }
    nodes_[node].match_bytes = nodes_[node].bytes;
  }
  link();
}

uint32_t StopMatcher::child(uint32_t node, char byte) const {
  const auto& next = nodes_[node].next;
  const auto found =
      std::find_if(next.begin(), next.end(), [&](const auto& edge) { return edge.first == byte; });
  return found == next.end() ? 0 : found->second;
}

uint32_t StopMatcher::step(uint32_t node, char byte) const {
  while (true) {
    if (const uint32_t next = child(node, byte)) return next;
    if (node == 0) return 0;
    node = nodes_[node].shorter;
  }
}

// Sets `shorter` level by level: a child's lies one step from its parent's.
void StopMatcher::link() {
  std::vector<uint32_t> order = {0};
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t node = order[i];
    for (const auto& [byte, next] : nodes_[node].next) {
      const uint32_t shorter = node == 0 ? 0 : step(nodes_[node].shorter, byte);
      nodes_[next].shorter = shorter;
      nodes_[next].match_bytes = std::max(nodes_[next].match_bytes, nodes_[shorter].match_bytes);
      order.push_back(next);
    }
  }
}

std::string StopMatcher::push(std::string_view text) {
  if (stopped_) return "";
  for (size_t i = 0; i < text.size(); ++i) {
    state_ = step(state_, text[i]);
    const uint32_t match_bytes = nodes_[state_].match_bytes;
    if (match_bytes == 0) continue;
    stopped_ = true;
    std::string before = std::exchange(held_, "");
    before.append(text, 0, i + 1);
    before.resize(before.size() - match_bytes);
    return before;
  }
  std::string certain = std::exchange(held_, "");
  certain += text;
  held_ = certain.substr(certain.size() - nodes_[state_].bytes);
  certain.resize(certain.size() - held_.size());
  return certain;
}

std::string StopMatcher::finish() {
  state_ = 0;
  return std::exchange(held_, "");
}

}  // namespace sotto::text
