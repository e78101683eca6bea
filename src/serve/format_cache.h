// Grammars that were made for earlier requests of the same key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>

#include "api/error.h"
#include "crypto/sha256.h"
#include "text/grammar_matcher.h"

namespace sotto::serve {

// A few, the one used longest ago goes; of what was asked only a digest is kept. Never shared between
// tenants, who could tell from the time whether somebody uses a schema. All methods may be called from
// any thread.
class FormatCache {
 public:
  static constexpr size_t kEntriesMax = 16;

  using Make = std::function<api::ApiResult<text::Grammar>()>;
  // `format` says which grammar it is, `trie` for which model.
  api::ApiResult<std::shared_ptr<text::GrammarTokens>> get(
      uint64_t tenant, std::string_view format, std::shared_ptr<const text::TokenTrie> trie,
      const Make& make);

 private:
  struct Entry {
    crypto::Sha256Digest format;
    uint64_t tenant;
    std::shared_ptr<text::GrammarTokens> grammar;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;  // used last comes first
};

}  // namespace sotto::serve
