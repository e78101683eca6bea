// Runs the pre-tokenizers' patterns with PCRE2.
// SPDX-License-Identifier: Apache-2.0
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pretokenizer.h"

#include <pcre2.h>

#include <string>

#include "base/check.h"
#include "base/free_by.h"
#include "text/pretokenizer_patterns.h"
#include "text/utf8.h"

namespace sotto::text {
namespace {

using Code = std::unique_ptr<pcre2_code, FreeBy<pcre2_code_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, FreeBy<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, FreeBy<pcre2_match_data_free>>;

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

Code compile(std::string_view pattern) {
  const std::string source = with_explicit_classes(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(
      pcre2_compile(units(source), source.size(), PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr));
  CHECK(code != nullptr);  // the patterns are our own
  // Where code may not be made at run time this fails, and matching interprets the pattern instead.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

struct Span {
  PCRE2_SIZE begin;
  PCRE2_SIZE end;
};

// The first match at or after `from`; one that begins at the end of the text when there is none.
Result<Span> next_match(const pcre2_code* code, std::string_view text, PCRE2_SIZE from,
                        pcre2_match_data* data, pcre2_match_context* context) {
  int found = pcre2_match(code, units(text), text.size(), from, PCRE2_NO_UTF_CHECK, data, context);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = pcre2_match(code, units(text), text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                        data, context);
  }
  if (found == PCRE2_ERROR_NOMATCH) return Span{text.size(), text.size()};
  if (found < 0) {
    return fail(ErrorKind::exhausted, "splitting {} bytes of text: PCRE2 error {}", text.size(),
                found);
  }
  const PCRE2_SIZE* const ovector = pcre2_get_ovector_pointer(data);
  CHECK(ovector[0] >= from && ovector[1] > ovector[0]);
  return Span{ovector[0], ovector[1]};
}

}  // namespace

struct PreTokenizer::Compiled {
  std::vector<Code> stages;
  MatchContext context;
  bool whole_pieces_first;
  bool adds_bos;

  // Appends the ends of the pieces of valid text that begins at `offset` of the whole.
  Result<void> split_valid(std::string_view text, size_t offset,
                           std::vector<uint32_t>& ends) const {
    const MatchData data(pcre2_match_data_create(1, nullptr));
    if (data == nullptr) return fail(ErrorKind::exhausted, "splitting text: out of memory");
    std::vector<uint32_t> pieces = {static_cast<uint32_t>(text.size())};
    std::vector<uint32_t> finer;
    for (const Code& stage : stages) {
      finer.clear();
      size_t begin = 0;
      for (const uint32_t end : pieces) {
        const std::string_view piece = text.substr(begin, end - begin);
        for (PCRE2_SIZE at = 0; at < piece.size();) {
          const Span match = TRY(next_match(stage.get(), piece, at, data.get(), context.get()));
          if (match.begin > at) finer.push_back(static_cast<uint32_t>(begin + match.begin));
          if (match.end > match.begin) finer.push_back(static_cast<uint32_t>(begin + match.end));
          at = match.end;
        }
        begin = end;
      }
      std::swap(pieces, finer);
    }
    for (const uint32_t end : pieces) ends.push_back(static_cast<uint32_t>(offset + end));
    return {};
  }
};

PreTokenizer::PreTokenizer(std::unique_ptr<const Compiled> compiled)
    : compiled_(std::move(compiled)) {}
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

Result<PreTokenizer> PreTokenizer::create(std::string_view name) {
  const PreTokenizerFamily* family = find_pre_tokenizer_family(name);
  if (family == nullptr) {
    return fail(ErrorKind::unsupported, "tokenizer.ggml.pre is '{}', which is not known",
                name.substr(0, 64));
  }
  auto compiled = std::make_unique<Compiled>();
  for (const std::string_view pattern : family->patterns) {
    compiled->stages.push_back(compile(pattern));
  }
  compiled->context.reset(pcre2_match_context_create(nullptr));
  CHECK(compiled->context != nullptr);
  // No pattern backtracks by more than the run it stands in, so no input deserves a refusal.
  pcre2_set_match_limit(compiled->context.get(), UINT32_MAX);
  compiled->whole_pieces_first = family->whole_pieces_first;
  compiled->adds_bos = family->adds_bos;
  return PreTokenizer(std::move(compiled));
}

bool PreTokenizer::whole_pieces_first() const {
  return compiled_->whole_pieces_first;
}
bool PreTokenizer::adds_bos() const {
  return compiled_->adds_bos;
}

Result<void> PreTokenizer::split(std::string_view text, std::vector<uint32_t>& ends) const {
  CHECK(text.size() <= UINT32_MAX);
  ends.clear();
  for (size_t at = 0; at < text.size();) {
    if (const size_t valid = valid_utf8_prefix(text.substr(at)); valid > 0) {
      TRY(compiled_->split_valid(text.substr(at, valid), at, ends));
      at += valid;
    }
    const size_t invalid_begin = at;
    while (at < text.size()) {
      const Utf8Sequence next = next_utf8(text.substr(at));
      if (next.state == Utf8Sequence::State::valid) break;
      at += next.bytes;
    }
    if (at > invalid_begin) ends.push_back(static_cast<uint32_t>(at));
  }
  return {};
}

}  // namespace sotto::text
