"""Between the trained network and its GGUF file, with the names that qwen2 models have.

SPDX-License-Identifier: Apache-2.0
"""

import os

import torch

import corpus
import gguf
import network
import vocabulary

MOSTLY_Q8_0 = 7


def metadata(shape, words):
    return {
        "general.architecture": "qwen2",
        "general.type": "model",
        "general.name": "Sotto demonstration model",
        "general.description": "Answers a few hundred questions about Sotto and confidential "
                               "computing; for trying the program out, not for real work.",
        "general.license": "apache-2.0",
        "general.languages": ["en"],
        "general.file_type": MOSTLY_Q8_0,
        "general.quantization_version": 2,
        "qwen2.block_count": shape.layers,
        "qwen2.context_length": shape.context,
        "qwen2.embedding_length": shape.width,
        "qwen2.feed_forward_length": shape.ffn_width,
        "qwen2.attention.head_count": shape.heads,
        "qwen2.attention.head_count_kv": shape.kv_heads,
        "qwen2.attention.layer_norm_rms_epsilon": shape.norm_epsilon,
        "qwen2.rope.freq_base": shape.rope_base,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": words.tokens,
        "tokenizer.ggml.token_type": words.token_types(),
        "tokenizer.ggml.merges": [" ".join(pair) for pair in words.merges],
        "tokenizer.ggml.eos_token_id": words.end,
        "tokenizer.ggml.padding_token_id": words.padding,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": corpus.CHAT_TEMPLATE,
    }


def save(path, model, words):
    """Replaces the file at once, so that nobody ever reads half of it."""
    tensors = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    beside = path.with_name(path.name + ".part")
    gguf.write(beside, metadata(model.shape, words), tensors)
    os.replace(beside, path)


def load(path):
    """(network, vocabulary) as the file has them, weights dequantised."""
    reader = gguf.Reader(path)
    data = reader.metadata
    shape = network.Shape(
        vocabulary=len(data["tokenizer.ggml.tokens"]),
        width=data["qwen2.embedding_length"], layers=data["qwen2.block_count"],
        heads=data["qwen2.attention.head_count"], kv_heads=data["qwen2.attention.head_count_kv"],
        ffn_width=data["qwen2.feed_forward_length"], context=data["qwen2.context_length"],
        rope_base=data["qwen2.rope.freq_base"],
        norm_epsilon=data["qwen2.attention.layer_norm_rms_epsilon"])
    words = vocabulary.Vocabulary([tuple(pair.split(" "))
                                   for pair in data["tokenizer.ggml.merges"]])
    assert words.tokens == data["tokenizer.ggml.tokens"], "tokens and merges disagree"
    model = network.Network(shape)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(reader.tensors[name].copy()))
    return model, words
