"""Text with `{{ … }}` -> a value: jinja2's grammar, worked out by `evaluate` within bounds; no template runs code.

Jinja2 compiles a template to Python and fences that in; here its parser is used and nothing is ever compiled, which
bounds every loop and every growing text, and takes an eighth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.recipe.words import choice, clipped, counted, nearest

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MOST_SOURCE = 20_000
MOST_TEXT = 100_000
MOST_STEPS = 700_000
STEPS_A_SHOT = 30
CHARACTERS_A_STEP = 64

_PLAIN = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}")
_MARKS = ("{{", "{%", "{#")
_WORDS = frozenset(
    ["true", "false", "none", "True", "False", "None", "and", "or", "not", "if", "else", "in", "is", "for", "loop"]
)


class TemplateFault(Exception):
    """A template cannot be read or worked out: what is so, the way out, and the character it begins at."""

    def __init__(self, fact: str, hint: str, offset: int = 0) -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint
        self.offset = offset
        self.at: tuple[str | int, ...] | None = None  # the way to the text, once someone knows it


@dataclass(slots=True)
class Work:
    """What the templates of one recipe have cost so far: many small ones are bounded as one large one is."""

    steps: int = 0
    allowance: int = MOST_STEPS

    def spend(self, steps: int = 1, offset: int = 0) -> None:
        """Counts steps. Raises `TemplateFault` where the recipe has used up its share."""
        self.steps += steps
        if self.steps > self.allowance:
            raise TemplateFault(
                "The templates of this recipe take too much work.", "Look for a loop that is too long.", offset
            )

    def made(self, text: str, offset: int = 0) -> str:
        """The text, counted. Raises `TemplateFault` where it is too long."""
        self.room(len(text), offset)
        return text

    def room(self, characters: int, offset: int = 0) -> None:
        """Counts a text before it is made."""
        if characters > MOST_TEXT:
            raise TemplateFault(
                f"This makes a text of {counted(characters)} characters; at most {counted(MOST_TEXT)} are allowed.",
                "Look for a repetition that is too long.",
                offset,
            )
        self.spend(1 + characters // CHARACTERS_A_STEP, offset)


class Names(dict[str, Any]):
    """What a template may name, and why a name that one might expect is not there."""

    __slots__ = ("absent",)

    def __init__(self, names: Mapping[str, Any], absent: Mapping[str, str] | None = None) -> None:
        super().__init__(names)
        self.absent: Mapping[str, str] = absent or {}

    def unknown(self, name: str, offset: int) -> TemplateFault:
        """The fault of naming something that is not there."""
        if name in self.absent:
            return TemplateFault(
                f"'{clipped(name)}' {self.absent[name]}", "Use it further down, or move it up.", offset
            )
        meant = nearest(name, self)
        hint = f"Did you mean '{meant}'?" if meant else "Declare it under `vars`, or give it with `each`."
        return TemplateFault(f"Nothing is called '{clipped(name)}' here.", hint, offset)


@dataclass(frozen=True, slots=True)
class Template:
    """A text that can be worked out; `names` are those it may use at its top."""

    source: str
    names: frozenset[str]
    # Pieces of plain text and dotted names in turn, or nothing and then `tree`.
    pieces: tuple[str, ...] = field(repr=False)
    tree: Any = field(repr=False, default=None)

    def render(self, names: Names, work: Work) -> Any:
        """The value: of the expression's own type where the text is one whole expression. Raises `TemplateFault`."""
        if self.tree is not None:
            from pipeline.recipe.evaluate import render

            return render(self.tree, names, work)
        if len(self.pieces) == 3 and not self.pieces[0] and not self.pieces[2]:
            return self.look_up(names, self.pieces[1], 0)
        done = list(self.pieces)
        for index in range(1, len(done), 2):
            value = self.look_up(names, done[index], index)
            done[index] = value if type(value) is str else text(value, self.offset(index), work)
        made = "".join(done)
        return work.made(made) if len(made) > CHARACTERS_A_STEP else made

    def look_up(self, names: Names, dotted: str, index: int) -> Any:
        """The value of a dotted name."""
        if dotted in names:
            return names[dotted]
        first, *rest = dotted.split(".")
        offset = self.offset(index or 1)
        if first not in names:
            raise names.unknown(first, offset)
        value = names[first]
        for name in rest:
            value = attribute(value, name, offset)
        return value

    def offset(self, index: int) -> int:
        """Where the name that is piece `index` begins."""
        matches = list(_PLAIN.finditer(self.source))
        return matches[index // 2].start(1) if index // 2 < len(matches) else 0


def is_template(value: str) -> bool:
    """Whether a text has anything that jinja2 would read."""
    return "{" in value and any(mark in value for mark in _MARKS)


def compiled(source: str) -> Template:
    """The template of a text. Raises `TemplateFault` where it is none."""
    if len(source) > MOST_SOURCE:
        raise TemplateFault(
            f"This template has {counted(len(source))} characters.", f"At most {counted(MOST_SOURCE)} are read."
        )
    pieces = _PLAIN.split(source)
    texts, names = "".join(pieces[::2]), [piece.split(".") for piece in pieces[1::2]]
    plain = not is_template(texts) and not any(_WORDS & set(name) or _hidden(name) for name in names)
    if plain:
        return Template(source, frozenset(name[0] for name in names), tuple(pieces))
    tree, found = _parsed(source)
    return Template(source, found, (), tree)


def _hidden(name: list[str]) -> bool:
    return any(part.startswith("_") for part in name)


def attribute(value: Any, name: str, offset: int) -> Any:
    """`value.name` of a map. Raises `TemplateFault`: nothing else has parts, and no Python attribute is reachable."""
    if name.startswith("_"):
        raise TemplateFault(
            f"'{clipped(name)}' begins with an underscore; such names are out of reach.",
            "Use a name of the recipe.",
            offset,
        )
    if isinstance(value, Mapping):
        if name in value:
            return value[name]
        keys = [key for key in value if isinstance(key, str)]
        raise TemplateFault(f"There is no '.{clipped(name)}' here.", choice(name, keys, "Look at its keys."), offset)
    raise TemplateFault(
        f"There is no '.{clipped(name)}' of a text, number or list.", "Use a filter, as in `| upper`.", offset
    )


def text(value: Any, offset: int, work: Work) -> str:
    """A value as it stands in a text. Raises `TemplateFault` for what has no plain form."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise TemplateFault("An empty value stands in a text.", "Give it a value, or `| default('…', true)`.", offset)
    if isinstance(value, list | tuple | Mapping):
        what = "map" if isinstance(value, Mapping) else "list"
        raise TemplateFault(f"A {what} stands in a text.", "Name a part of it, or write `| join(', ')`.", offset)
    if callable(value):
        raise TemplateFault("A function stands in a text.", "Call it, as in `ref('keeper')`.", offset)
    return work.made(str(value), offset)


def _parsed(source: str) -> tuple[nodes.Template, frozenset[str]]:
    from jinja2 import TemplateSyntaxError, nodes

    try:
        tree = _environment().parse(source)
        return tree, frozenset(name.name for name in tree.find_all(nodes.Name))
    except TemplateSyntaxError as error:
        raise _broken(str(error.message), error.lineno) from None
    except RecursionError:
        raise TemplateFault("This template is nested too deeply.", "Take it apart with `vars`.") from None
    except (ValueError, ArithmeticError, AssertionError):
        raise TemplateFault("This template has a number or a name that cannot be read.", "Write it shorter.") from None


def _broken(message: str, offset: int) -> TemplateFault:
    """Jinja2's complaint about the grammar in words that need no knowledge of its tokens."""
    if open_block := re.search(r"innermost block that needs to be closed is '(\w+)'", message):
        word = open_block.group(1)
        return TemplateFault(f"'{word}' is never closed.", f"Write `{{% end{word} %}}` where it ends.", offset)
    if unknown := re.search(r"unknown tag '(\w+)'", message):
        fact = f"There is no statement '{clipped(unknown.group(1))}' here."
        return TemplateFault(
            fact, choice(unknown.group(1), ["if", "elif", "else", "endif", "for", "endfor", "set"]), offset
        )
    plain = message.split(". ")[0].rstrip(".").replace("end of print statement", "'}}'")
    plain = plain.replace("end of statement block", "'%}'").replace("''", "'")
    fact = f"The template breaks off here: {plain[:1].lower()}{clipped(plain[1:], 120)}."
    return TemplateFault(fact, "Look at the braces and quotes around it.", offset)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, TemplateSyntaxError
    from jinja2.lexer import TokenStream

    class Placed(Environment):
        """Jinja2's grammar, where the line number of every token and node is the offset of its first character."""

        def _tokenize(
            self, source: str, name: str | None, filename: str | None = None, state: str | None = None
        ) -> TokenStream:
            raw = placed(self.lexer.tokeniter(source, name, filename, state), source)
            return TokenStream(self.lexer.wrap(raw, name, filename), name, filename)

    def placed(tokens: Iterator[tuple[int, str, str]], source: str) -> Iterator[tuple[int, str, str]]:
        position = 0
        try:
            for _, kind, value in tokens:
                # The lexer drops white space next to `-%}`; whatever it keeps comes in order.
                found = source.find(value, position)
                position = found if found >= 0 else position
                yield position, kind, value
                position += len(value)
        except TemplateSyntaxError as error:
            error.lineno = position
            raise

    return Placed(keep_trailing_newline=True, autoescape=False, cache_size=0)
