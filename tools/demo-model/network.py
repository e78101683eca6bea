"""The qwen2 architecture in PyTorch, small and plain: training, greedy answers.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Shape:
    vocabulary: int = 2048
    width: int = 256
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    ffn_width: int = 512
    context: int = 1024
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-6

    @property
    def head_width(self):
        return self.width // self.heads


class Norm(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.width))
        self.epsilon = shape.norm_epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


def rotate(x, cos, sin):
    """Rotary embedding on pairs (i, i + half), as qwen2 pairs them."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        kv_width = shape.kv_heads * shape.head_width
        self.shape = shape
        self.attn_norm = Norm(shape)
        self.attn_q = nn.Linear(shape.width, shape.width)
        self.attn_k = nn.Linear(shape.width, kv_width)
        self.attn_v = nn.Linear(shape.width, kv_width)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = Norm(shape)
        self.ffn_gate = nn.Linear(shape.width, shape.ffn_width, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.ffn_width, bias=False)
        self.ffn_down = nn.Linear(shape.ffn_width, shape.width, bias=False)

    def attention(self, x, cos, sin, mask):
        batch, length, _ = x.shape
        size = self.shape

        def split(values, heads):
            return values.view(batch, length, heads, size.head_width).transpose(1, 2)

        query = rotate(split(self.attn_q(x), size.heads), cos, sin)
        key = rotate(split(self.attn_k(x), size.kv_heads), cos, sin)
        value = split(self.attn_v(x), size.kv_heads)
        group = size.heads // size.kv_heads
        key = key.repeat_interleave(group, dim=1)
        value = value.repeat_interleave(group, dim=1)
        scores = query @ key.transpose(-1, -2) * size.head_width ** -0.5 + mask
        mixed = scores.float().softmax(-1).to(value.dtype) @ value
        return self.attn_output(mixed.transpose(1, 2).reshape(batch, length, size.width))

    def forward(self, x, cos, sin, mask, dropout):
        x = x + functional.dropout(self.attention(self.attn_norm(x), cos, sin, mask),
                                   dropout, self.training)
        h = self.ffn_norm(x)
        h = self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))
        return x + functional.dropout(h, dropout, self.training)


class Network(nn.Module):
    """Embedding and output are one matrix."""

    def __init__(self, shape, dropout=0.0):
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape)
        half = shape.head_width // 2
        frequencies = shape.rope_base ** (-torch.arange(half) / half)
        angles = torch.outer(torch.arange(shape.context), frequencies)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                scale = 0.02 if "embd" in name else parameter.shape[1] ** -0.5
                if "output" in name or "down" in name:
                    scale /= (2 * shape.layers) ** 0.5
                nn.init.normal_(parameter, std=scale)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def hidden(self, ids):
        length = ids.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.token_embd(ids)
        for layer in self.blk:
            x = layer(x, cos, sin, mask, self.dropout)
        return self.output_norm(x)

    def forward(self, ids):
        return functional.linear(self.hidden(ids), self.token_embd.weight)

    def loss(self, ids, weights):
        """Mean cross entropy of each next token, weighted; nothing is computed where it is 0."""
        chosen = weights[:, 1:] > 0
        hidden = self.hidden(ids[:, :-1])[chosen]
        logits = functional.linear(hidden, self.token_embd.weight)
        losses = functional.cross_entropy(logits.float(), ids[:, 1:][chosen], reduction="none")
        return (losses * weights[:, 1:][chosen]).sum() / weights[:, 1:][chosen].sum()

    @torch.no_grad()
    def greedy(self, prompts, end, padding, tokens_max=160):
        """The most probable completion of each prompt (lists of ids), without its end token."""
        self.eval()
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        rows = torch.full((len(prompts), int(lengths.max()) + tokens_max), padding)
        for row, prompt in enumerate(prompts):
            rows[row, :len(prompt)] = torch.tensor(prompt)
        begin = lengths.clone()
        live = torch.arange(len(prompts))
        for _ in range(tokens_max):
            ids = rows[live, :int(lengths[live].max())]
            last = self.hidden(ids)[torch.arange(len(live)), lengths[live] - 1]
            chosen = functional.linear(last, self.token_embd.weight).argmax(-1)
            going = chosen != end
            live, chosen = live[going], chosen[going]
            if not len(live):
                break
            rows[live, lengths[live]] = chosen
            lengths[live] += 1
        return [rows[row, begin[row]:lengths[row]].tolist() for row in range(len(prompts))]
