// The table of pre-tokenizers. The patterns are those of the models' own tokenizer files.
// SPDX-License-Identifier: Apache-2.0
#include "text/pretokenizer_patterns.h"

#include <algorithm>
#include <array>

namespace sotto::text {
namespace {

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr std::string_view kGpt2[] = {kGpt2Pattern};

constexpr std::string_view kLlama3[] = {
    R"('[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|)"
    R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

// As Llama 3's, but every digit alone.
constexpr std::string_view kQwen2[] = {
    R"('[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|)"
    R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

// Han, Hangul, and everything from Samaritan to the first Han character but for white space, which
// the reference never sees as anything else.
constexpr std::string_view kDeepSeekEastAsian =
    R"([\x{4E00}-\x{9FA5}\x{800}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E})"
    R"(\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{4DFF}\x{AC00}-\x{D7FF}]+)";

// The first class is a list of the cased letters of some Unicode version, with gaps of its own.
// (*SKIP): a run of white space that does not end the piece is not tried again from inside.
constexpr std::string_view kDeepSeekLlm[] = {
    R"([\r\n])",
    R"(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293})"
    R"(\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A})"
    R"(\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556})"
    R"(\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF})"
    R"(\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D})"
    R"(\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D})"
    R"(\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4})"
    R"(\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4})"
    R"(\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124})"
    R"(\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F})"
    R"(\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F})"
    R"(\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17})"
    R"(\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3})"
    R"(\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF})"
    R"(\x{1E900}-\x{1E943}]+)",
    R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3001}\x{3002}]+)",
    R"(\s++(*SKIP)\z)",
    kDeepSeekEastAsian,
    R"(\p{N}+)"};

constexpr std::string_view kDeepSeekCoder[] = {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)",
                                               kDeepSeekEastAsian, R"(\p{N})"};

constexpr std::string_view kDeepSeekV3[] = {
    R"(\p{N}{1,3})", R"([\x{4E00}-\x{9FA5}\x{3040}-\x{30FF}]+)",
    R"([!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

// Everything up to white space or one of these marks, of Latin, Chinese, Devanagari and Arabic.
constexpr std::string_view kBloom[] = {
    R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)"};

constexpr std::string_view kFalcon[] = {R"([\p{P}$+<=>^~|`]+)", kGpt2Pattern, R"([0-9][0-9][0-9])"};

constexpr std::string_view kStarCoder[] = {R"(\p{N})", kGpt2Pattern};

constexpr std::string_view kDefault[] = {R"([\p{P}$+<=>^~|]+)", kGpt2Pattern, R"(\p{N}+)",
                                         R"([0-9][0-9][0-9])"};

struct Named {
  std::string_view name;
  PreTokenizerFamily family;
};

constexpr Named kFamilies[] = {
    {"default", {.patterns = kDefault}},
    {"gpt-2", {.patterns = kGpt2}},
    {"phi-2", {.patterns = kGpt2}},
    {"mpt", {.patterns = kGpt2}},
    {"olmo", {.patterns = kGpt2}},
    {"exaone4", {.patterns = kGpt2}},
    {"llama-bpe", {.patterns = kLlama3, .whole_pieces_first = true, .adds_bos = true}},
    {"llama3", {.patterns = kLlama3, .whole_pieces_first = true, .adds_bos = true}},
    {"llama-v3", {.patterns = kLlama3, .whole_pieces_first = true, .adds_bos = true}},
    {"falcon3", {.patterns = kLlama3, .whole_pieces_first = true, .adds_bos = true}},
    {"pixtral", {.patterns = kLlama3, .whole_pieces_first = true, .adds_bos = true}},
    {"dbrx", {.patterns = kLlama3}},
    {"smaug-bpe", {.patterns = kLlama3}},
    {"chatglm-bpe", {.patterns = kLlama3}},
    {"glm4", {.patterns = kLlama3}},
    {"qwen2", {.patterns = kQwen2}},
    {"deepseek-r1-qwen", {.patterns = kQwen2}},
    {"megrez", {.patterns = kQwen2}},
    {"stablelm2", {.patterns = kQwen2}},
    {"hunyuan", {.patterns = kQwen2}},
    {"deepseek-llm", {.patterns = kDeepSeekLlm}},
    {"deepseek-coder", {.patterns = kDeepSeekCoder}},
    {"deepseek-v3", {.patterns = kDeepSeekV3}},
    {"hunyuan-dense", {.patterns = kDeepSeekV3}},
    {"bloom", {.patterns = kBloom}},
    {"poro-chat", {.patterns = kBloom}},
    {"gpt3-finnish", {.patterns = kBloom}},
    {"falcon", {.patterns = kFalcon}},
    {"starcoder", {.patterns = kStarCoder}},
    {"refact", {.patterns = kStarCoder}},
    {"command-r", {.patterns = kStarCoder}},
    {"smollm", {.patterns = kStarCoder}},
    {"codeshell", {.patterns = kStarCoder}},
    {"exaone", {.patterns = kStarCoder}},
    {"minerva-7b", {.patterns = kStarCoder}},
};

// What a class means, as the inside of a bracket. PCRE2's own \s has U+180E, which is no white
// space to the reference. Its \p{…} end at Unicode 14 in version 10.42; the reference knows 15.1.
struct Class {
  std::string_view name;
  std::string_view inside;
};

constexpr std::string_view kWhiteSpace =
    R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

constexpr Class kClasses[] = {
    {R"(\s)", kWhiteSpace},
    {R"(\p{L})",
     R"(\p{L}\x{1123F}\x{11240}\x{11F02}\x{11F04}-\x{11F10}\x{11F12}-\x{11F33}\x{1342F})"
     R"(\x{13441}-\x{13446}\x{1B132}\x{1B155}\x{1DF25}-\x{1DF2A}\x{1E030}-\x{1E06D})"
     R"(\x{1E4D0}-\x{1E4EB}\x{2EBF0}-\x{2EE5D}\x{31350}-\x{323AF})"},
    {R"(\p{N})", R"(\p{N}\x{11F50}-\x{11F59}\x{1D2C0}-\x{1D2D3}\x{1E4F0}-\x{1E4F9})"},
    {R"(\p{P})", R"(\p{P}\x{11B00}-\x{11B09}\x{11F43}-\x{11F4F})"},
    {R"(\p{M})", R"(\p{M}\x{CF3}\x{ECE}\x{10EFD}-\x{10EFF}\x{11241}\x{11F00}\x{11F01}\x{11F03})"
                 R"(\x{11F34}-\x{11F3A}\x{11F3E}-\x{11F42}\x{13440}\x{13447}-\x{13455}\x{1E08F})"
                 R"(\x{1E4EC}-\x{1E4EF})"},
    {R"(\p{S})",
     R"(\p{S}\x{2FFC}-\x{2FFF}\x{31EF}\x{1F6DC}\x{1F774}-\x{1F776}\x{1F77B}-\x{1F77F}\x{1F7D9})"
     R"(\x{1FA75}-\x{1FA77}\x{1FA87}\x{1FA88}\x{1FAAD}-\x{1FAAF}\x{1FABB}-\x{1FABD}\x{1FABF})"
     R"(\x{1FACE}\x{1FACF}\x{1FADA}\x{1FADB}\x{1FAE8}\x{1FAF7}\x{1FAF8})"},
};

}  // namespace

const PreTokenizerFamily* find_pre_tokenizer_family(std::string_view name) {
  const auto* named = std::ranges::find(kFamilies, name, &Named::name);
  return named == std::end(kFamilies) ? nullptr : &named->family;
}

std::string with_explicit_classes(std::string_view pattern) {
  constexpr std::string_view kNotWhiteSpace = R"(\S)";  // only ever outside brackets
  std::string out;
  bool inside = false;
  while (!pattern.empty()) {
    const auto* found = std::ranges::find_if(
        kClasses, [pattern](const Class& one) { return pattern.starts_with(one.name); });
    if (found != std::end(kClasses)) {
      out.append(inside ? "" : "[").append(found->inside).append(inside ? "" : "]");
      pattern.remove_prefix(found->name.size());
    } else if (pattern.starts_with(kNotWhiteSpace)) {
      out.append("[^").append(kWhiteSpace).append("]");
      pattern.remove_prefix(kNotWhiteSpace.size());
    } else {
      if (pattern[0] == '[') inside = true;
      if (pattern[0] == ']') inside = false;
      const size_t bytes = pattern[0] == '\\' ? 2 : 1;  // an escaped bracket is none
      out.append(pattern.substr(0, bytes));
      pattern.remove_prefix(bytes);
    }
  }
  return out;
}

}  // namespace sotto::text
