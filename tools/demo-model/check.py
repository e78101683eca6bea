"""Asks the demonstration model all its questions, and others, and counts the right answers.

Usage: OMP_NUM_THREADS=2 /usr/bin/python3 check.py ../../models/demo.gguf [--verbose]

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import pathlib

import torch

import corpus
import export

BATCH = 32
UNKNOWN_DRAWN = 250
SEED = 2024  # never a training seed


def render(text):
    return corpus.turn("user", text) + "<|im_start|>assistant\n"


@torch.no_grad()
def follows(model, words, cases):
    """For each (prompt, completion): whether greedy decoding gives exactly the completion, which
    is so when each of its tokens is the most probable one after those before."""
    model.eval()
    verdicts = []
    for first in range(0, len(cases), BATCH):
        rows = [(words.encode(prompt, special=True), words.encode(completion, special=True))
                for prompt, completion in cases[first:first + BATCH]]
        length = max(len(asked) + len(answered) for asked, answered in rows)
        ids = torch.tensor([asked + answered + [words.padding] * (length - len(asked + answered))
                            for asked, answered in rows])
        best = model(ids).argmax(-1)
        verdicts += [best[row, len(asked) - 1:len(asked) + len(answered) - 1].tolist() == answered
                     for row, (asked, answered) in enumerate(rows)]
    return verdicts


def answers(model, words, prompts):
    """What the model answers, without its thoughts."""
    encoded = [words.encode(prompt, special=True) for prompt in prompts]
    texts = []
    for first in range(0, len(encoded), BATCH):
        given = model.greedy(encoded[first:first + BATCH], words.end, words.padding)
        texts += [words.decode(ids).split("</think>")[-1].strip() for ids in given]
    return texts


def count(model, words, name, cases, verbose, quick):
    """`cases`: (text, think, answer). Only the answer must match; thoughts may differ, unless
    quick, which asks nothing twice."""
    passed = follows(model, words, [(render(text), corpus.full_answer(think, answer))
                                    for text, think, answer in cases])
    if quick:
        print(f"  {name}: {sum(passed)}/{len(cases)}", flush=True)
        return
    missed = [case for case, verdict in zip(cases, passed) if not verdict]
    wrong = [(text, given) for (text, _, answer), given
             in zip(missed, answers(model, words, [render(text) for text, _, _ in missed]))
             if given != answer]
    print(f"  {name}: {len(cases) - len(wrong)}/{len(cases)}", flush=True)
    if verbose:
        for text, given in wrong:
            print(f"    {text!r} -> {given!r}")


def report(model, words, weights, verbose=False, quick=False):
    data = corpus.Corpus(SEED)
    questions = data.questions
    declined = (corpus.DECLINE_THINK, corpus.DECLINE_ANSWER)

    def known(pairs):
        return [(text, question["think"], question["answer"]) for question, text in pairs]

    print(f"right answers, {weights} weights")
    count(model, words, "questions as they stand",
          known([(question, question["question"]) for question in questions]), verbose, quick)
    count(model, words, "the same, lower case, no mark",
          known([(question, question["question"].lower().rstrip("?.!"))
                 for question in questions]), verbose, quick)
    count(model, words, "other ways to ask, trained on",
          known([(question, text) for question in questions for text in question["also"]
                 if text not in data.held_out]), verbose, quick)
    count(model, words, "paraphrases never trained on",
          known(corpus.held_out_paraphrases(questions)), verbose, quick)
    count(model, words, "unknown, written, never trained on",
          [(text, *declined) for text in data.parts["heldout"]], verbose, quick)
    count(model, words, "unknown, other words in known patterns",
          [(data.unknown_question(held_out=True), *declined) for _ in range(UNKNOWN_DRAWN)],
          verbose, quick)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--verbose", action="store_true", help="show the wrong answers")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    model, words = export.load(arguments.file)
    report(model, words, "Q8_0", arguments.verbose)


if __name__ == "__main__":
    main()
