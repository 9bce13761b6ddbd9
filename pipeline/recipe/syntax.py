"""What a YAML parser's errors mean, and where a character of a scalar stands in the text."""

from __future__ import annotations

import re
from typing import Any

from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something wrong at an index of the text."""

    index: int
    fact: str
    hint: str


_QUOTES = "Put the text in quotes."
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "A ': ' inside an unquoted text, or a wrong indentation.", _QUOTES),
    ("could not find expected ':'", "A key without its ':'.", "Write `key: value`, or put a long text in quotes."),
    ("could not found expected ':'", "A key without its ':'.", "Write `key: value`, or put a long text in quotes."),
    ("unexpected end of stream", "A quote that was opened is never closed.", "Close it where the text ends."),
    (
        "did not find expected ',' or",
        "A list or map in brackets goes wrong here.",
        "Look for a missing ',' or bracket.",
    ),
    ("expected ',' or", "A list or map in brackets goes wrong here.", "Look for a missing ',' or bracket."),
    ("did not find expected '-'", "This is not indented as the list it is in.", "Align it with the '-' above."),
    ("expected <block end>", "This is not indented as what is around it.", "Align it with the lines above."),
    ("did not find expected key", "This line does not fit in here.", "Check its indentation and its quotes."),
    ("did not find expected node", "A value is missing or broken here.", _QUOTES),
    ("unknown escape", "A backslash in double quotes that means nothing.", "Write \\\\, or use single quotes."),
    ("block sequence entries are not allowed", "A list may not begin here.", "Put the '-' on a line of its own."),
    ("found undefined tag handle", "A tag that nobody defined.", _QUOTES),
    ("expected the document start", "Something follows the end of the recipe.", "Check the indentation of this line."),
    ("did not find expected <document start>", "Something follows the end of the recipe.", "Check the indentation."),
)


def flaw_of(error: Any, text: str) -> Flaw:
    """A YAML error of either of PyYAML's parsers in the words of a user, at the best place it gives."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    index = min(mark.index if mark is not None else getattr(error, "position", 0), len(text))
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    start = text.rfind("\n", 0, index) + 1
    line = text[start : _end(text, start)]
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return Flaw(
            index=start + indent.index("\t"),
            fact="A tab indents this line; YAML indents with spaces.",
            hint="Use spaces.",
        )
    if found := _bare_template(text, start, line):
        return found
    if "end of stream" in problem and (opened := getattr(error, "context_mark", None)) is not None:
        index = opened.index
    if "cannot start any token" in problem and index < len(text):
        return Flaw(index=index, fact=f"A text may not begin with {text[index]!r} unquoted.", hint=_QUOTES)
    for words, fact, hint in _MEANINGS:
        if words in problem:
            return Flaw(index=index, fact=fact, hint=hint)
    return Flaw(index=index, fact=f"This is no YAML: {problem}.", hint="Check the indentation and the quotes.")


def _bare_template(text: str, start: int, line: str) -> Flaw | None:
    """An unquoted `key: {{ name }} …` breaks the parser on its own line or on the next."""
    before = text.rfind("\n", 0, max(start - 1, 0)) + 1
    for begin, candidate in ((start, line), (before, text[before : max(start - 1, 0)])):
        if found := re.search(r"(?::|^\s*-)\s+(\{\{|\{%)", candidate):
            return Flaw(
                index=begin + found.start(1),
                fact="A text that begins with '{' is not in quotes.",
                hint='Write it in quotes: "{{ name }} …".',
            )
    return None


def _end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*|.)", re.DOTALL)
_JOINT = re.compile(r"\\\r?\n[ \t]*")
_BREAKS = " \t\r\n"


def index_inside(text: str, spot: Any, offset: int) -> int:
    """The index in the text of character `offset` of a scalar's value; the value's beginning for anything else."""
    start, end = spot.start, spot.end
    value = spot.value
    if not isinstance(value, str):
        return int(start)
    style = spot.style
    if style in ("|", ">"):
        return _inside_block(text, start, value, offset, folded=style == ">")
    if style in ("'", '"'):
        start += 1
    return _inside_flow(text, start, end, value, offset, style)


def _inside_block(text: str, start: int, value: str, offset: int, *, folded: bool) -> int:
    """Each line of a literal block is a line of the text, less its indentation; a folded one joins some of them."""
    header = text[start : _end(text, start)]
    at = _end(text, start) + 1
    told = re.match(r"[|>][-+]?([1-9])", header)
    first = re.compile(r"(?:[ \t]*\r?\n)*( *)").match(text, at)
    indent = len(first.group(1)) if first and not told else 0
    if told:
        # The digit counts from the parent's indentation, which the line of the header has.
        line = text[text.rfind("\n", 0, start) + 1 : start]
        indent = len(line) - len(line.lstrip(" -")) + int(told.group(1))
    if folded:
        return _inside_flow(text, at + indent, len(text), value, offset, ">")
    before = value[:offset]
    for _ in range(before.count("\n")):
        at = _end(text, at) + 1
    column = len(before) - (before.rfind("\n") + 1)
    return min(at + indent + column, len(text))


def _inside_flow(text: str, at: int, end: int, value: str, offset: int, style: str | None) -> int:
    """Walks text and value side by side: an escape is one character, a folded line break one space or some breaks."""
    done = 0
    while done < offset and at < end:
        wanted, here = value[done], text[at]
        if style == '"' and here == "\\" and (escape := _ESCAPE.match(text, at)):
            at = escape.end()
            done += "\n" not in escape.group()
        elif style == "'" and text.startswith("''", at):
            at, done = at + 2, done + 1
        elif here == wanted and here not in _BREAKS:
            at, done = at + 1, done + 1
        elif here in _BREAKS and wanted in _BREAKS:
            while at < end and text[at] in _BREAKS:
                at += 1
            while done < len(value) and value[done] in _BREAKS:
                done += 1
            if done > offset:
                return at - 1
        elif here in _BREAKS:
            at += 1
        else:
            break
    while style == '"' and (joint := _JOINT.match(text, at)):
        at = joint.end()
    return at
