"""The demonstration model's own vocabulary: byte-level BPE learned from the project's questions.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import re

# The pre-tokenizer that GGUF names "qwen2", in the terms of Python's `re`. The two agree on the
# ASCII text that the model is trained on.
PRE_TOKENIZER = re.compile(
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    r"|(?:[^\r\n\w]|_)?[^\W\d_]+"
    r"|\d"
    r"| ?(?:[^\s\w]|_)+[\r\n]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+")

CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
USER_DEFINED_TOKENS = ["<think>", "</think>"]
SPECIAL_TOKENS = CONTROL_TOKENS + USER_DEFINED_TOKENS
SPECIAL_SPLIT = re.compile("(" + "|".join(re.escape(token) for token in SPECIAL_TOKENS) + ")")


def byte_characters():
    """The printable character that stands for each byte in a byte-level vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {}
    spare = 0x100
    for byte in range(256):
        if byte in printable:
            table[byte] = chr(byte)
        else:
            table[byte] = chr(spare)
            spare += 1
    return table


def learn_merges(texts, count):
    """The `count` most useful merges, most frequent pair first, ties in text order."""
    characters = byte_characters()
    words = collections.Counter()
    for text in texts:
        words.update(PRE_TOKENIZER.findall(text))
    pieces = [([characters[byte] for byte in word.encode()], times)
              for word, times in sorted(words.items())]
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, times in pieces:
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word, _ in pieces:
            merge_pair(word, best)
    return merges


def merge_pair(word, pair):
    """Joins every occurrence of the pair in the list of pieces, in place."""
    index = 0
    while index + 1 < len(word):
        if word[index] == pair[0] and word[index + 1] == pair[1]:
            word[index:index + 2] = [pair[0] + pair[1]]
        index += 1


class Vocabulary:
    """Tokens, merges and the way between text and ids."""

    def __init__(self, merges):
        self.merges = merges
        self.characters = byte_characters()
        self.bytes_of = {character: byte for byte, character in self.characters.items()}
        self.tokens = [self.characters[byte] for byte in range(256)]
        self.tokens += [first + second for first, second in merges]
        self.tokens += SPECIAL_TOKENS
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        assert len(self.ids) == len(self.tokens), "two merges give the same token"
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.end = self.ids["<|im_end|>"]
        self.padding = self.ids["<|endoftext|>"]
        self.words = {}

    @classmethod
    def learn(cls, texts, size):
        return cls(learn_merges(texts, size - 256 - len(SPECIAL_TOKENS)))

    def token_types(self):
        """GGUF's token types: 1 normal, 3 control, 4 user-defined."""
        normal = len(self.tokens) - len(SPECIAL_TOKENS)
        return [1] * normal + [3] * len(CONTROL_TOKENS) + [4] * len(USER_DEFINED_TOKENS)

    def encode(self, text, special=False):
        """Ids of the text; special tokens are recognised in it only where asked for."""
        if not special:
            return [i for word in PRE_TOKENIZER.findall(text) for i in self.encode_word(word)]
        ids = []
        for part in SPECIAL_SPLIT.split(text):
            if part in SPECIAL_TOKENS:
                ids.append(self.ids[part])
            else:
                ids += self.encode(part)
        return ids

    def encode_word(self, word):
        if word not in self.words:
            pieces = [self.characters[byte] for byte in word.encode()]
            while len(pieces) > 1:
                rank, pair = min((self.ranks.get(pair, len(self.ranks)), pair)
                                 for pair in zip(pieces, pieces[1:]))
                if rank == len(self.ranks):
                    break
                merge_pair(pieces, pair)
            self.words[word] = [self.ids[piece] for piece in pieces]
        return self.words[word]

    def decode(self, ids):
        """The text of the ids, special tokens spelled out."""
        data = b""
        for index in ids:
            token = self.tokens[index]
            if token in SPECIAL_TOKENS:
                data += token.encode()
            else:
                data += bytes(self.bytes_of[character] for character in token)
        return data.decode(errors="replace")
