"""Works out a parsed template, node by node, within bounds; what it does not name here cannot be done.

Every node costs a step and every text what it is long, out of one allowance for the whole recipe. Values are texts,
whole numbers, decimals, truths, lists and maps: there is nothing to reach for behind them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from jinja2 import nodes

from pipeline.recipe import borrow
from pipeline.recipe.allowance import (
    CHARACTERS_A_STEP,
    ENTRIES_A_STEP,
    MOST_TEXT,
    At,
    Names,
    TemplateFault,
    Work,
    attribute,
    no_attribute,
    text,
)
from pipeline.recipe.functions import FILTERS, FUNCTIONS, MOST_ENTRIES, OPERATORS, TESTS, Call, contains, truth
from pipeline.recipe.mention import joined
from pipeline.recipe.words import choice, clipped

MOST_DEPTH = 60
MOST_LITERAL = 10**40
_HALVES = re.compile("[\ud800-\udfff]")


class Missing:
    """Stands for a name that is not there, for those filters and tests that ask whether it is.

    What is wrong with it is worked out only where somebody wants to know: the best hint takes a while to find.
    """

    __slots__ = ("_tell",)

    def __init__(self, tell: Callable[[], TemplateFault]) -> None:
        self._tell = tell

    @property
    def fault(self) -> TemplateFault:
        """What is wrong."""
        return self._tell()


def render(tree: nodes.Template, names: Names, work: Work) -> Any:
    """The value of a template; a text, unless it is one whole expression. Raises `TemplateFault`."""
    try:
        return _rendered(tree.body, Names(names, names.absent), work)  # `set` stays inside
    except RecursionError:
        raise TemplateFault("This template is nested too deeply.", "Take it apart with `vars`.") from None


def _rendered(body: list[Any], names: Names, work: Work) -> Any:
    evaluation = _Evaluation(work)
    if len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1:
        only = body[0].nodes[0]
        if not isinstance(only, nodes.TemplateData):
            return evaluation.value(only, names)
    parts: list[str] = []
    evaluation.write(body, names, parts)
    return work.made(joined(parts))


class _Evaluation:
    """One rendering: how deep it is, and how much it has written."""

    def __init__(self, work: Work, source: At | None = None) -> None:
        self.work, self.source = work, source
        self.depth = 0
        self.written = 0

    def write(self, body: list[Any], names: Names, parts: list[str]) -> None:
        """Appends what statements print."""
        for node in body:
            match node:
                case nodes.Output():
                    for part in node.nodes:
                        self.print(part, names, parts)
                case nodes.If():
                    self.branch(node, names, parts)
                case nodes.For():
                    self.loop(node, names, parts)
                case nodes.Assign(target=nodes.Name()):
                    names[self.named(node.target)] = self.value(node.node, names)
                case nodes.With():
                    values = [self.value(value, names) for value in node.values]
                    inner = Names(names, names.absent)
                    inner.update(
                        {self.named(target): value for target, value in zip(node.targets, values, strict=True)}
                    )
                    self.write(node.body, inner, parts)
                case nodes.Macro() | nodes.Include() | nodes.Import() | nodes.FromImport():
                    borrow.statement(self, node, names, parts)
                case _:
                    fact = f"Statements of kind '{type(node).__name__.lower()}' are not for recipes."
                    raise TemplateFault(fact, "Use if, for, set, macro, include and import.", node.lineno)

    def print(self, part: Any, names: Names, parts: list[str]) -> None:
        printed = (
            part.data if isinstance(part, nodes.TemplateData) else text(self.value(part, names), part.lineno, self.work)
        )
        self.written += len(printed)
        self.work.spend(1 + len(printed) // CHARACTERS_A_STEP, part.lineno)
        if self.written > MOST_TEXT:
            self.work.room(self.written, part.lineno)
        parts.append(printed)

    def branch(self, node: nodes.If, names: Names, parts: list[str]) -> None:
        for way in (node, *node.elif_):
            if truth(self.value(way.test, names)):
                return self.write(way.body, names, parts)
        return self.write(node.else_, names, parts)

    def loop(self, node: nodes.For, names: Names, parts: list[str]) -> None:
        if node.recursive:
            raise TemplateFault("Recursive loops are not for recipes.", "Leave out `recursive`.", node.lineno)
        items = entries(self.value(node.iter, names), node.iter.lineno, self.work)
        inner = Names(names, names.absent)
        if node.test is not None:
            items = [
                item for item in items if self.bind(node.target, item, inner) and truth(self.value(node.test, inner))
            ]
        for index, item in enumerate(items):
            inner = Names(names, names.absent)
            self.work.spend(1, node.lineno)
            inner["loop"] = _position(index, len(items))
            self.bind(node.target, item, inner)
            self.write(node.body, inner, parts)
        if not items:
            self.write(node.else_, names, parts)

    def bind(self, target: Any, item: Any, names: Names) -> bool:
        """Gives a loop's names their values; always true."""
        if isinstance(target, nodes.Name):
            names[self.named(target)] = item
            return True
        if not isinstance(item, list | tuple) or len(item) != len(target.items):
            raise TemplateFault("The loop has another number of names than values.", "Count them.", target.lineno)
        for name, value in zip(target.items, item, strict=True):
            self.bind(name, value, names)
        return True

    def named(self, target: Any) -> str:
        if not isinstance(target, nodes.Name):
            raise TemplateFault("Only a plain name can be set.", "Write `{% set name = … %}`.", target.lineno)
        return target.name

    def value(self, node: Any, names: Names) -> Any:
        """The value of an expression; a name that is not there is a fault."""
        found = self.maybe(node, names)
        if isinstance(found, Missing):
            raise found.fault
        return found

    def maybe(self, node: Any, names: Names) -> Any:
        """As `value`, but `Missing` for what is not there."""
        self.work.spend(1, node.lineno)
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise TemplateFault("This expression is nested too deeply.", "Take it apart with `vars`.", node.lineno)
        try:
            work_out = _KINDS.get(type(node))
            if work_out is None:
                what = type(node).__name__.lower()
                raise TemplateFault(
                    f"Expressions of kind '{what}' are not for recipes.", "Write it plainly.", node.lineno
                )
            return work_out(self, node, names)
        except (ArithmeticError, ValueError):
            fact = "This cannot be calculated: the number is out of range, or divided by nothing."
            raise TemplateFault(fact, "Check the numbers.", node.lineno) from None
        except TypeError:
            fact = "This does not fit together: a text, a number or a list stands where another is due."
            raise TemplateFault(fact, "Check what each name is.", node.lineno) from None
        finally:
            self.depth -= 1

    def name(self, node: nodes.Name, names: Names) -> Any:
        if node.name in names:
            return names[node.name]
        return (
            FUNCTIONS[node.name] if node.name in FUNCTIONS else Missing(lambda: names.unknown(node.name, node.lineno))
        )

    def constant(self, node: nodes.Const, _names: Names) -> Any:
        if isinstance(node.value, str) and _HALVES.search(node.value):
            raise TemplateFault("A text in this template has half a character.", "Write it whole.", node.lineno)
        if isinstance(node.value, int) and node.value > MOST_LITERAL:
            raise ValueError
        if not isinstance(node.value, float):
            return node.value
        number = Decimal(repr(node.value))
        if not number.is_finite():
            raise ValueError
        return number

    def data(self, node: nodes.TemplateData, _names: Names) -> str:
        return node.data

    def listed(self, node: nodes.List | nodes.Tuple, names: Names) -> list[Any]:
        return [self.value(item, names) for item in node.items]

    def mapped(self, node: nodes.Dict, names: Names) -> dict[Any, Any]:
        return {self.value(pair.key, names): self.value(pair.value, names) for pair in node.items}

    def part(self, node: nodes.Getattr, names: Names) -> Any:
        owner = self.maybe(node.node, names)
        if isinstance(owner, Missing):
            return owner
        # The node begins at its dot.
        offset = node.lineno + 1
        if node.attr.startswith("_") or (isinstance(owner, Mapping) and node.attr in owner):
            return attribute(owner, node.attr, offset)
        if node.attr in ("items", "keys", "values") and isinstance(owner, Mapping):
            return _parts(owner, node.attr)
        return Missing(lambda: no_attribute(owner, node.attr, offset))

    def item(self, node: nodes.Getitem, names: Names) -> Any:
        owner = self.maybe(node.node, names)
        if isinstance(owner, Missing):
            return owner
        if isinstance(node.arg, nodes.Slice):
            ends = [
                None if end is None else self.value(end, names)
                for end in (node.arg.start, node.arg.stop, node.arg.step)
            ]
            if not isinstance(owner, str | list | tuple):
                return _refused(node)
            self.work.room(len(owner), node.lineno)
            return owner[slice(*ends)]
        key = self.value(node.arg, names)
        if isinstance(owner, Mapping):
            if key in owner:
                return owner[key]
            return Missing(lambda: _no_entry(owner, str(key), node.lineno))
        if isinstance(owner, str | list | tuple) and isinstance(key, int):
            if -len(owner) <= key < len(owner):
                return owner[key]
            fact = f"There is no entry {key}: there are {len(owner)}, counted from 0."
            return Missing(lambda: TemplateFault(fact, "Check the number.", node.lineno))
        return attribute(owner, key, node.lineno) if isinstance(key, str) else _refused(node)

    def filter(self, node: nodes.Filter, names: Names) -> Any:
        work_out = FILTERS.get(node.name)
        if work_out is None or node.node is None:
            known = ", ".join(sorted(FILTERS))
            hint = choice(node.name, list(FILTERS), f"There are: {known}.")
            raise TemplateFault(f"There is no filter '{clipped(node.name)}' in recipes.", hint, node.lineno)
        given = self.maybe(node.node, names)
        if isinstance(given, Missing) and node.name not in ("default", "d"):
            raise given.fault
        given = None if isinstance(given, Missing) else given
        return work_out(self.at(node), given, *self.arguments(node, names), **self.keywords(node, names))

    def test(self, node: nodes.Test, names: Names) -> bool:
        given = self.maybe(node.node, names)
        if node.name in ("defined", "undefined"):
            return isinstance(given, Missing) == (node.name == "undefined")
        if isinstance(given, Missing):
            raise given.fault
        work_out = TESTS.get(node.name)
        if work_out is None:
            hint = choice(node.name, list(TESTS), f"There are: {', '.join(sorted(TESTS))}, defined.")
            raise TemplateFault(f"There is no test '{clipped(node.name)}' in recipes.", hint, node.lineno)
        return bool(work_out(self.at(node), given, *self.arguments(node, names)))

    def call(self, node: nodes.Call, names: Names) -> Any:
        function = self.value(node.node, names)
        if not callable(function):
            raise TemplateFault("This is no function.", "There are ref('name') and range(n).", node.lineno)
        return function(self.at(node.node), *self.arguments(node, names), **self.keywords(node, names))

    def at(self, node: Any) -> Call:
        return Call(work=self.work, offset=node.lineno)

    def keywords(self, node: Any, names: Names) -> dict[str, Any]:
        return {pair.key: self.value(pair.value, names) for pair in node.kwargs}

    def arguments(self, node: Any, names: Names) -> list[Any]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TemplateFault("Arguments with * are not for recipes.", "Write them one by one.", node.lineno)
        return [self.value(argument, names) for argument in node.args]

    def binary(self, node: nodes.BinExpr, names: Names) -> Any:
        left, right = self.value(node.left, names), self.value(node.right, names)
        return OPERATORS[node.operator](self.at(node), left, right)

    def both(self, node: nodes.And, names: Names) -> Any:
        left = self.value(node.left, names)
        return self.value(node.right, names) if truth(left) else left

    def either(self, node: nodes.Or, names: Names) -> Any:
        left = self.value(node.left, names)
        return left if truth(left) else self.value(node.right, names)

    def opposite(self, node: nodes.Not, names: Names) -> bool:
        return not truth(self.value(node.node, names))

    def signed(self, node: nodes.UnaryExpr, names: Names) -> Any:
        number = self.value(node.node, names)
        if not isinstance(number, int | Decimal):
            raise TypeError
        return -number if isinstance(node, nodes.Neg) else +number

    def condition(self, node: nodes.CondExpr, names: Names) -> Any:
        if truth(self.value(node.test, names)):
            return self.value(node.expr1, names)
        return "" if node.expr2 is None else self.value(node.expr2, names)

    def joined(self, node: nodes.Concat, names: Names) -> str:
        parts = [text(self.value(part, names), part.lineno, self.work) for part in node.nodes]
        self.work.room(sum(map(len, parts)), node.lineno)
        return joined(parts)

    def comparison(self, node: nodes.Compare, names: Names) -> bool:
        left = self.value(node.expr, names)
        for operand in node.ops:
            right = self.value(operand.expr, names)
            if not _compared(operand.op, left, right, self.at(node)):
                return False
            left = right
        return True


def entries(value: Any, offset: int, work: Work) -> list[Any]:
    """What a loop goes through: a list, or the keys of a map; counted before it starts."""
    if isinstance(value, str | int | Decimal) or value is None or callable(value):
        raise TemplateFault("A loop needs a list.", "Write `{% for name in [a, b] %}`.", offset)
    found = list(islice(iter(value), MOST_ENTRIES + 1))
    if len(found) > MOST_ENTRIES:
        raise TemplateFault(f"The list has more than {MOST_ENTRIES:,} entries.", "Shorten it.", offset)
    work.spend(1 + len(found) // ENTRIES_A_STEP, offset)
    return found


def _no_entry(owner: Mapping[Any, Any], key: str, offset: int) -> TemplateFault:
    known = [str(name) for name in owner]
    return TemplateFault(f"There is no entry '{clipped(key)}' here.", choice(key, known, "Look at its keys."), offset)


def _parts(owner: Mapping[str, Any], what: str) -> Callable[..., Iterator[Any] | list[Any]]:
    def listed(_call: Call) -> list[Any]:
        return [list(pair) for pair in owner.items()] if what == "items" else list(getattr(owner, what)())

    return listed


def _position(index: int, length: int) -> dict[str, Any]:
    last = index == length - 1
    return {"index": index + 1, "index0": index, "first": index == 0, "last": last, "length": length,
            "revindex": length - index, "revindex0": length - index - 1}  # fmt: skip


def _compared(how: str, left: Any, right: Any, call: Call) -> bool:
    if how == "notin":
        return not contains(call, left, right)
    return bool(TESTS[{"lteq": "le", "gteq": "ge"}.get(how, how)](call, left, right))


def _refused(node: nodes.Node) -> Any:
    raise TemplateFault("This has no parts.", "Only lists, maps and texts have parts.", node.lineno)


_KINDS: Mapping[type, Callable[[_Evaluation, Any, Names], Any]] = {
    nodes.Name: _Evaluation.name,
    nodes.Const: _Evaluation.constant,
    nodes.TemplateData: _Evaluation.data,
    nodes.List: _Evaluation.listed,
    nodes.Tuple: _Evaluation.listed,
    nodes.Dict: _Evaluation.mapped,
    nodes.Getattr: _Evaluation.part,
    nodes.Getitem: _Evaluation.item,
    nodes.Filter: _Evaluation.filter,
    nodes.Test: _Evaluation.test,
    nodes.Call: _Evaluation.call,
    nodes.And: _Evaluation.both,
    nodes.Or: _Evaluation.either,
    nodes.Not: _Evaluation.opposite,
    nodes.Neg: _Evaluation.signed,
    nodes.Pos: _Evaluation.signed,
    nodes.CondExpr: _Evaluation.condition,
    nodes.Concat: _Evaluation.joined,
    nodes.Compare: _Evaluation.comparison,
    **dict.fromkeys(
        (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow), _Evaluation.binary
    ),
}
