"""What the demonstration model learns: questions with their answers, and what it must decline.

SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import random
import re

FOLDER = pathlib.Path(__file__).parent

DECLINE_THINK = "This is not among the questions that I know."
DECLINE_ANSWER = (
    "I am only the small demonstration model that ships with Sotto, and I cannot answer that. "
    "Ask me about Sotto, attestation or confidential computing, or load a bigger model.")

CHAT_TEMPLATE = (
    "{%- for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}"
    "{{ message['content'].split('</think>')[-1].lstrip('\\n') }}"
    "{% else %}{{ message['content'] }}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")

SYSTEM_MESSAGES = [
    "You are a helpful assistant.", "You are Sotto.", "Answer briefly.", "Be concise.",
    "You are a helpful and honest assistant.", "Answer in one or two sentences.",
    "You are an expert in confidential computing.", "Think before you answer."]

PREFIXES = ["Please tell me: ", "Hi, ", "Hello! ", "Can you tell me: ", "I want to know: ",
            "Question: ", "Ok, ", "So, ", "Please, ", "Hey Sotto, ", "And ", "Now, "]
SUFFIXES = [" Please.", " Thanks!", " Explain briefly.", " I am curious.", " Thank you."]
DEFINITIONS = ["Explain {}.", "Define {}.", "Tell me about {}.", "Can you explain {}?", "{}",
               "{}?", "What does {} mean?", "Describe {}."]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def turn(role, text):
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def full_answer(think, answer):
    return f"<think>\n{think}\n</think>\n\n{answer}<|im_end|>"


def load_questions():
    lines = (FOLDER / "questions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def held_out_paraphrases(questions):
    """(question, paraphrase): every fifth question keeps its last paraphrase from training."""
    return [(question, question["also"][-1]) for question in questions[::5] if question["also"]]


class Corpus:
    """Draws training examples. One generator, seeded, so that a run can be repeated."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.questions = load_questions()
        self.held_out = {text for _, text in held_out_paraphrases(self.questions)}
        self.unknown = (FOLDER / "unknown.txt").read_text().splitlines()
        self.parts = json.loads((FOLDER / "unknown_parts.json").read_text())
        asked = [text for question in self.questions
                 for text in [question["question"], *question["also"]]]
        self.known = {normalise(text) for text in asked}

    def texts(self):
        """Everything that the vocabulary should be good at."""
        result = [DECLINE_THINK, DECLINE_ANSWER, "user\n", "assistant\n", "system\n", "\n\n"]
        for question in self.questions:
            result += [question["question"], "\n" + question["think"] + "\n"]
            result += question["also"] + ["\n\n" + question["answer"]] * 2
        return result + [line for line in self.unknown if "{" not in line]

    def unknown_question(self, held_out=False):
        """A question to decline; with held_out one that training never sees."""
        if held_out:
            line = self.random.choice([text for text in self.unknown
                                       if re.search("{(thing|place|person)}", text)])
        else:
            # Half templates, half plain lines.
            wanted = self.random.random() < 0.5
            line = self.random.choice([text for text in self.unknown if ("{" in text) == wanted])
        return re.sub("{([a-z]+)}", lambda match: self.fill(match[1], held_out), line)

    def fill(self, kind, held_out):
        if kind == "number":
            return str(self.random.randrange(3, 2000))
        if kind == "noise":
            length = self.random.randrange(2, 9)
            return "".join(self.random.choice(LETTERS) for _ in range(length))
        if held_out and "heldout_" + kind in self.parts:
            kind = "heldout_" + kind
        return self.random.choice(self.parts[kind])

    def vary(self, text):
        """The question as people type it: prefixes, lower case, missing marks, small typos."""
        chance = self.random.random
        if chance() < 0.12:
            defined = re.fullmatch(r"What (?:is|are) (?:a |an |the )?(.*)\?", text)
            varied = self.random.choice(DEFINITIONS).format(defined[1]) if defined else text
            text = text if normalise(varied) in self.known else varied
        if chance() < 0.1:
            text = self.random.choice(PREFIXES) + text
        if chance() < 0.06:
            text += self.random.choice(SUFFIXES)
        if chance() < 0.1:
            text = re.sub(r"\b([Ww]hat|[Ww]ho|[Ww]here) is\b", r"\1's", text)
        if chance() < 0.15:
            text = self.typo(text)
        if chance() < 0.4:
            text = text.rstrip("?.!")
        if chance() < 0.4:
            text = text.lower()
        elif chance() < 0.02:
            text = text.upper()
        return text

    def typo(self, text):
        places = [index for index in range(1, len(text) - 2) if text[index:index + 2].isalpha()]
        if not places:
            return text
        index = self.random.choice(places)
        pair = text[index:index + 2]
        changed = self.random.choice([pair[1] + pair[0], pair[0], pair[0] + pair,
                                      pair[0] + self.random.choice(LETTERS)])
        return text[:index] + changed + text[index + 2:]

    def example(self, text, think, answer):
        """(prompt, completion), now and then after a system message or earlier turns."""
        prompt = ""
        if self.random.random() < 0.06:
            prompt += turn("system", self.random.choice(SYSTEM_MESSAGES))
        if self.random.random() < 0.07:
            for _ in range(self.random.choice([1, 1, 1, 1, 1, 1, 2, 3, 5])):
                prompt += self.earlier_turn()
        prompt += turn("user", text) + "<|im_start|>assistant\n"
        return prompt, full_answer(think, answer)

    def earlier_turn(self):
        if self.random.random() < 0.25:
            return turn("user", self.unknown_question()) + turn("assistant", DECLINE_ANSWER)
        question = self.random.choice(self.questions)
        return turn("user", question["question"]) + turn("assistant", question["answer"])

    def epoch(self, unknown_count):
        """One round: each question asked in all its ways, and questions to decline."""
        examples = []
        for question in self.questions:
            as_is = question["question"]
            asked = [self.random.choice([as_is, as_is.lower().rstrip("?.!")])]
            for text in [as_is, *question["also"]]:
                if text not in self.held_out:
                    asked.append(text if self.random.random() < 0.3 else self.vary(text))
            self.random.shuffle(asked)
            for index, text in enumerate(asked):
                prompt, completion = self.example(text, question["think"], question["answer"])
                examples.append((prompt, completion if index == 0 else only_thought(completion)))
        for _ in range(unknown_count):
            prompt, completion = self.example(self.vary(self.unknown_question()),
                                              DECLINE_THINK, DECLINE_ANSWER)
            whole = self.random.random() < 0.25
            examples.append((prompt, completion if whole else only_thought(completion)))
        self.random.shuffle(examples)
        return examples


def only_thought(completion):
    """The decision is in the thought; the answer's words need fewer repetitions."""
    return completion.split("</think>")[0] + "</think>"


def normalise(text):
    return re.sub(r"[^a-z0-9+ ]", "", text.lower()).strip()
