"""Makes the demonstration model: learns the vocabulary, trains, and writes the GGUF file.

Usage: OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE /usr/bin/python3 train.py \\
           --out ../../models/demo.gguf

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import copy
import math
import pathlib
import time

import torch

import check
import corpus
import export
import network
import vocabulary

DROPOUT = 0.1


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the GGUF file to write")
    parser.add_argument("--start", type=pathlib.Path, help="go on from this GGUF file")
    parser.add_argument("--epochs", type=int, default=45)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=1500, help="tokens of one batch, about")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--unknown", type=int, default=300, help="unknown questions per epoch")
    parser.add_argument("--export-every", type=int, default=15, help="epochs between exports")
    return parser.parse_args()


def encode(words, examples):
    """(ids, weights of the loss): only the answer counts, its thoughts included."""
    encoded = []
    for prompt, completion in examples:
        asked = words.encode(prompt, special=True)
        answered = words.encode(completion, special=True)
        encoded.append((asked + answered, [0.0] * len(asked) + [1.0] * len(answered)))
    return encoded


def batches(encoded, tokens_max, padding, generator):
    """Examples of like length together, the batches in random order."""
    encoded.sort(key=lambda example: len(example[0]))
    groups = [[]]
    for example in encoded:
        if (len(groups[-1]) + 1) * len(example[0]) > tokens_max:
            groups.append([])
        groups[-1].append(example)
    generator.shuffle(groups)
    for group in filter(None, groups):
        length = max(len(ids) for ids, _ in group)
        yield (torch.tensor([ids + [padding] * (length - len(ids)) for ids, _ in group]),
               torch.tensor([weights + [0.0] * (length - len(weights)) for _, weights in group]))


def make_optimizer(model, rate):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05},
                              {"params": vectors, "weight_decay": 0.0}],
                             lr=rate, betas=(0.9, 0.98))


def rate_factor(progress):
    """A short warm-up, then half a cosine down to a hundredth; progress runs from 0 to 1."""
    if progress < 0.03:
        return max(progress / 0.03, 0.01)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress - 0.03) / 0.97))


@torch.no_grad()
def follow(average, model, keep):
    for slow, fast in zip(average.parameters(), model.parameters()):
        slow.lerp_(fast, 1 - keep)


def train(arguments, data, model, words):
    average = copy.deepcopy(model)
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    optimizer = make_optimizer(model, arguments.rate)
    started, steps = time.time(), 0
    for epoch in range(arguments.epochs):
        encoded = encode(words, data.epoch(arguments.unknown))
        grouped = list(batches(encoded, arguments.tokens, words.padding, data.random))
        total = 0.0
        model.train()
        for index, (ids, weights) in enumerate(grouped):
            factor = rate_factor((epoch + index / len(grouped)) / arguments.epochs)
            for group in optimizer.param_groups:
                group["lr"] = arguments.rate * factor
            # Half the width is twice the speed or more where the processor has AVX512_BF16; the
            # weights themselves stay in float32.
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = model.loss(ids, weights)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            steps += 1
            follow(average, model, min(0.99, steps / (steps + 10)))
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / len(grouped):.4f} "
              f"at {time.time() - started:.0f} s", flush=True)
        if (epoch + 1) % arguments.export_every == 0 or epoch + 1 == arguments.epochs:
            export.save(arguments.out, average, words)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                check.report(average, words, "bfloat16", quick=True)
    return average


def main():
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    data = corpus.Corpus(arguments.seed)
    if arguments.start:
        model, words = export.load(arguments.start)
    else:
        words = vocabulary.Vocabulary.learn(data.texts(), network.Shape().vocabulary)
        model = network.Network(network.Shape(vocabulary=len(words.tokens)))
    model.dropout = DROPOUT
    train(arguments, data, model, words)
    check.report(*export.load(arguments.out), "Q8_0")


if __name__ == "__main__":
    main()
