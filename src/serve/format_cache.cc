// Looking a grammar up, or making it.
// SPDX-License-Identifier: Apache-2.0
#include "serve/format_cache.h"

#include <algorithm>
#include <utility>

namespace sotto::serve {

api::ApiResult<std::shared_ptr<text::GrammarTokens>> FormatCache::get(
    uint64_t tenant, std::string_view format, std::shared_ptr<const text::TokenTrie> trie,
    const Make& make) {
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(format));
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.format == digest && entry.tenant == tenant &&
             &entry.grammar->trie() == trie.get();
    });
    if (known != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, known);
      return known->grammar;
    }
  }
  auto grammar = std::make_shared<const text::Grammar>(TRY(make()));
  auto made = std::make_shared<text::GrammarTokens>(std::move(grammar), std::move(trie));
  const std::lock_guard lock(mutex_);
  entries_.push_front({digest, tenant, made});
  if (entries_.size() > kEntriesMax) entries_.pop_back();
  return made;
}

}  // namespace sotto::serve
