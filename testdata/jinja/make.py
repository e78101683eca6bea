#!/usr/bin/env python3
# Renders snippets.txt with the real Jinja2 (Debian's python3-jinja2), set up as Hugging Face does.
# SPDX-License-Identifier: Apache-2.0
"""Usage: testdata/jinja/make.py, in any folder; rewrites expected.jsonl beside itself."""
import datetime
import json
import pathlib

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_render")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = to_json
    env.globals["raise_exception"] = raise_exception
    now = datetime.datetime(2026, 1, 2, 3, 4, 5)
    env.globals["strftime_now"] = now.strftime
    return env


def main():
    folder = pathlib.Path(__file__).resolve().parent
    variables = json.loads((folder / "input.json").read_text())
    snippets = (folder / "snippets.txt").read_text().rstrip("\n").split("\n---\n")
    env = environment()
    with open(folder / "expected.jsonl", "w") as out:
        for source in snippets:
            case = {"source": source}
            try:
                case["expected"] = env.from_string(source).render(**variables)
            except Exception as error:  # whatever Jinja2 or Python raises is the expectation
                case["error"] = f"{type(error).__name__}: {error}"
            out.write(json.dumps(case, ensure_ascii=False) + "\n")


main()
