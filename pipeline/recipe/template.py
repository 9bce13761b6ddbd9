"""Text with `{{ … }}` -> a value: jinja2's grammar, worked out by `evaluate` within bounds; no template runs code.

Jinja2 compiles a template to Python and fences that in; here its parser is used and nothing is ever compiled, which
bounds every loop and every growing text, and takes an eighth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.recipe.allowance import CHARACTERS_A_STEP, Names, TemplateFault, Work, attribute, text
from pipeline.recipe.words import choice, clipped, counted
from pipeline.values import dataclass, field

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MOST_SOURCE = 20_000

_PLAIN = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}")
_MARKS = ("{{", "{%", "{#")
_STATEMENTS = ["if", "elif", "else", "endif", "for", "endfor", "set", "include", "import", "from", "macro", "endmacro"]
_WORDS = frozenset(
    ["true", "false", "none", "True", "False", "None", "and", "or", "not", "if", "else", "in", "is", "for", "loop"]
)


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
        work.spend(1 + len(self.pieces) // 16)
        if len(self.pieces) == 3 and not self.pieces[0] and not self.pieces[2]:
            return self.look_up(names, self.pieces[1], 0)
        done = list(self.pieces)
        for index in range(1, len(done), 2):
            value = self.look_up(names, done[index], index)
            done[index] = value if isinstance(value, str) else self.said(value, index, work)
        made = "".join(done)
        return work.made(made) if len(made) > CHARACTERS_A_STEP else made

    def said(self, value: Any, index: int, work: Work) -> str:
        """The value of piece `index` as it stands in a text."""
        try:
            return text(value, 0, work)
        except TemplateFault as fault:
            fault.offset = self.offset(index)
            raise

    def look_up(self, names: Names, dotted: str, index: int) -> Any:
        """The value of a dotted name."""
        first, *rest = dotted.split(".") if "." in dotted else (dotted,)
        try:
            value = names[first]
        except KeyError:
            raise names.unknown(first, self.offset(index or 1)) from None
        try:
            for name in rest:
                value = attribute(value, name, 0)
        except TemplateFault as fault:
            fault.offset = self.offset(index or 1)
            raise
        return value

    def offset(self, index: int) -> int:
        """Where the name that is piece `index` begins."""
        matches = list(_PLAIN.finditer(self.source))
        return matches[index // 2].start(1) if index // 2 < len(matches) else 0


def is_template(value: str) -> bool:
    """Whether a text has anything that jinja2 would read."""
    return "{" in value and any(mark in value for mark in _MARKS)


def compiled(source: str, work: Work) -> Template:
    """The template of a text. Raises `TemplateFault` where it is none, or one too many."""
    if len(source) > MOST_SOURCE:
        raise TemplateFault(
            f"This template has {counted(len(source))} characters.", f"At most {counted(MOST_SOURCE)} are read."
        )
    pieces = _PLAIN.split(source)
    texts, names = "".join(pieces[::2]), [piece.split(".") for piece in pieces[1::2]]
    plain = not is_template(texts) and not any(_WORDS & set(name) or _hidden(name) for name in names)
    if plain:
        return Template(source, frozenset(name[0] for name in names), tuple(pieces))
    tree, found = parsed(source, work)
    return Template(source, found, (), tree)


def parsed(source: str, work: Work) -> tuple[nodes.Template, frozenset[str]]:
    """The grammar of a template, and the names it may use with all that it borrows. Raises `TemplateFault`."""
    if len(source) > MOST_SOURCE:
        raise TemplateFault(
            f"This template has {counted(len(source))} characters.", f"At most {counted(MOST_SOURCE)} are read."
        )
    work.reading(source)
    if source not in work.trees:
        work.trees[source] = _parsed(source)
    tree, names = work.trees[source]
    if "include" in source or "import" in source:
        from pipeline.recipe.borrow import BORROWING, borrowed

        names = names.union(*(borrowed(node, work).names for node in tree.find_all(BORROWING)))
    return tree, names


def _hidden(name: list[str]) -> bool:
    return any(part.startswith("_") for part in name)


def _parsed(source: str) -> tuple[nodes.Template, frozenset[str]]:
    from jinja2 import TemplateSyntaxError, nodes

    try:
        tree = _environment().parse(source)
        return tree, frozenset(name.name for name in tree.find_all(nodes.Name))
    except TemplateSyntaxError as error:
        raise _broken(str(error.message), error.lineno) from None
    except RecursionError:
        raise TemplateFault("This template is nested too deeply.", "Take it apart with `vars`.") from None
    except (ValueError, ArithmeticError, AssertionError, SyntaxError):  # the last from digits of another script
        raise TemplateFault("This template has a number or a name that cannot be read.", "Write it shorter.") from None


def _broken(message: str, offset: int) -> TemplateFault:
    """Jinja2's complaint about the grammar in words that need no knowledge of its tokens."""
    if open_block := re.search(r"innermost block that needs to be closed is '(\w+)'", message):
        word = open_block.group(1)
        return TemplateFault(f"'{word}' is never closed.", f"Write `{{% end{word} %}}` where it ends.", offset)
    if unknown := re.search(r"unknown tag '(\w+)'", message):
        fact = f"There is no statement '{clipped(unknown.group(1))}' here."
        return TemplateFault(fact, choice(unknown.group(1), _STATEMENTS), offset)
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

        def handle_exception(self, source: str | None = None) -> NoReturn:
            # Jinja2 compiles and runs a line that raises the error again, for a prettier traceback.
            raise

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
