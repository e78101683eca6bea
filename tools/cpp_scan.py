# A small reader of C++ text for tools/check: comments, code without them, and function sizes.
# SPDX-License-Identifier: Apache-2.0
"""It knows our own clang-format'ed style, not the whole language. What it cannot follow it reports
as an error (ScanError) instead of passing over it."""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r'(?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)'
    r'|(?P<raw>\b(?:u8|[uUL])?R"(?P<delimiter>[^(\s\\]{0,16})\(.*?\)(?P=delimiter)")'
    r'|(?P<string>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<number>\b[0-9](?:'?[0-9a-zA-Z_.])*)"
    r"|(?P<char>'(?:[^'\\\n]|\\.)+')",
    re.DOTALL)
DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', re.MULTILINE | re.DOTALL)


class ScanError(Exception):
    """The braces do not add up at this line."""

    def __init__(self, line, message):
        super().__init__(message)
        self.line = line


@dataclass
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.first_line + 1


def blank(text):
    """The same number of lines and characters, nothing else."""
    return re.sub(r'[^\n]', ' ', text)


def split_comments(text):
    """Returns (code, comments): each the text with everything else blanked, line for line. String
    and character literals are blank in both."""
    code, comments, end = [], [], 0
    for match in TOKEN.finditer(text):
        before = text[end:match.start()]
        code.append(before)
        comments.append(blank(before))
        found = match.group()
        code.append(found if match.lastgroup == 'number' else blank(found))
        comments.append(found if match.group('comment') else blank(found))
        end = match.end()
    return ''.join(code) + text[end:], ''.join(comments) + blank(text[end:])


def without_templates_and_attributes(head):
    """`template <…>` prefixes and `[[…]]` carry keywords and parentheses of their own."""
    head = re.sub(r'\[\[.*?\]\]|\balignas\s*\([^()]*\)', ' ', head, flags=re.DOTALL)
    while match := re.search(r'\btemplate\s*<', head):
        depth, at = 1, match.end()
        while at < len(head) and depth > 0:
            depth += {'<': 1, '>': -1}.get(head[at], 0)
            at += 1
        head = head[:match.start()] + ' ' + head[at:]
    # A parenthesised constraint is the only kind that looks like a function's parameters.
    return re.sub(r'^\s*requires\s*\((?:[^()]|\([^()]*\))*\)', ' ', head).strip()


def opens_scope(head):
    """Whether a `{` after this text opens a namespace or a class, whose members are looked at."""
    head = without_templates_and_attributes(head)
    if re.match(r'(inline\s+)?namespace\b|extern\s*$|export\b', head):
        return True
    kind = re.match(r'((static|inline|constexpr|const|typedef)\s+)*(class|struct|union)\b', head)
    return bool(kind and not re.search(r'\)\s*(const|noexcept|override|final)?\s*$', head))


def function_name(head):
    """The name that a function's head declares; nothing when the head is not a function's."""
    head = without_templates_and_attributes(head)
    match = re.search(r'(operator\s*(?:\(\)|[^\s(]+)|~?[\w:]*\w)\s*\(', head)
    if not match or re.match(r'enum\b', head) or head.endswith('='):
        return None
    test = re.match(r'(TEST\w*|TYPED_TEST|BENCHMARK\w*)\s*\(\s*(\w+)\s*(?:,\s*(\w+))?', head)
    return '.'.join(filter(None, test.groups()[1:])) if test else match.group(1)


def functions(text):
    """Every function with a body in `text`; lambdas and local classes belong to theirs."""
    code = DIRECTIVE.sub(lambda m: blank(m.group()), split_comments(text)[0])
    # Of every open brace: 'scope', 'function' or 'expression', where its head began, the open
    # parentheses before it, and its own place.
    found, stack = [], []
    head_start, parentheses = 0, 0
    for match in re.finditer(r'[{}();]', code):
        at, mark = match.start(), match.group()
        inside = stack[-1][0] if stack else 'scope'
        line = code.count('\n', 0, at) + 1
        if mark == '{':
            head = code[head_start:at]
            if inside != 'scope' or parentheses > 0:
                stack.append(('expression', head_start, parentheses, at))
            elif opens_scope(head):
                stack.append(('scope', head_start, 0, at))
                head_start = at + 1
            elif function_name(head):
                stack.append(('function', head_start, 0, at))
            else:
                stack.append(('expression', head_start, 0, at))
        elif mark == '}':
            if not stack:
                raise ScanError(line, 'a closing brace too many')
            kind, start, depth, _ = stack.pop()
            outer = stack[-1][0] if stack else 'scope'
            if outer == 'scope' and depth == 0 and kind != 'expression':
                rest = code[at + 1:].lstrip()
                if kind == 'function' and rest[:1] in (',', '{'):
                    continue  # `: member_{value}, …`: the head of a constructor goes on
                if kind == 'function':
                    found.append(make_function(code, start, at))
                head_start, parentheses = at + 1, 0
        elif inside == 'scope' or (stack and stack[-1][0] == 'expression'):
            if mark == '(':
                parentheses += 1
            elif mark == ')':
                parentheses -= 1
            elif inside == 'scope' and parentheses <= 0:
                head_start, parentheses = at + 1, 0
    if stack:
        raise ScanError(code.count('\n', 0, stack[-1][3]) + 1, 'a brace that is never closed')
    return found


def make_function(code, start, end):
    head = code[start:end]
    start += len(head) - len(re.sub(r'^(\s|(public|private|protected)\s*:)+', '', head))
    name = function_name(code[start:code.index('{', start)]) or '?'
    return Function(name, code.count('\n', 0, start) + 1, code.count('\n', 0, end) + 1)
