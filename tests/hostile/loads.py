"""Attacks by sheer amount: bombs of aliases and rows, depth, length, and four mebibytes of one thing."""

from __future__ import annotations

from tests.hostile.case import HEAD, SHOTS, Case, prompt, shot, variables

MIB4 = 4 * 1024 * 1024
_FULL = 4_000_000


def _filled(before: str, piece: str, after: str) -> str:
    """A recipe of nearly four mebibytes."""
    return before + piece * (_FULL // len(piece.encode())) + after


def _aliases(width: int, depth: int) -> str:
    rows = ["a0: &a0 [" + "x, " * width + "x]"]
    rows += [f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * width) + "]" for i in range(1, depth)]
    return HEAD + "vars:\n  " + "\n  ".join(rows) + "\nshots:\n- {id: a, prompt: p}\n"


_STAGES = "stages: {a: {seed: 1}, b: {seed: 2}, c: {seed: 3}, d: {seed: 4}, e: {seed: 5}}\n"
ROWS = "each: {i: '{{ range(1000) }}', j: '{{ range(20) }}'}"

CASES = {
    "a billion laughs": Case(text=_aliases(10, 10), fact="unfolds to more than 400,000 values", hint="each", at=9),
    "aliases beside aliases": Case(text=_aliases(300, 4), fact="unfolds to more than 400,000", at=6),
    "aliases of maps": Case(
        text=HEAD
        + "vars:\n  a: &a {"
        + ", ".join(f"k{i}: 1" for i in range(900))
        + "}\n"
        + "".join(f"  b{i}: *a\n" for i in range(900))
        + "shots:\n- {id: a, prompt: p}\n",
        fact="unfolds to more than 400,000",
        at=225,
    ),
    "an alias of itself": Case(text=variables("a: &a [*a]"), fact="part of", at=3),
    "an alias of a map of itself": Case(text=variables("a: &a {b: *a}"), fact="part of", at=3),
    "the whole an alias of itself": Case(text="&r\nrushes: 1\nname: t\nvars: {x: *r}\n", fact="part of"),
    "an anchor twice": Case(text=variables("a: &a 1, b: &a 2, c: *a")),
    "an alias as a key": Case(text=variables("a: &a x, *a : 1")),
    "an alias of a map as a key": Case(text=variables("a: &a {x: 1}, *a : 1"), fact="This key is no text", at=3),
    "a long alias": Case(text=shot("seed: *" + "x" * 1_000_000), fact="The alias *xxx"),
    "a long anchor": Case(text=shot("seed: &" + "x" * 1_000_000 + " 1")),
    "a long tag": Case(text=shot("seed: !<" + "x" * 1_000_000 + "> 1"), fact="The tag xxx"),
    "a long key": Case(
        text=HEAD + "? " + "x" * 1_000_000 + "\n: 1\nshots:\n- {id: a, prompt: p}\n", fact="Unknown key", at=3
    ),
    "a long key twice": Case(
        text=SHOTS + "- {id: a, prompt: p}\n" + ("? " + "x" * 900_000 + "\n: 1\n") * 2, fact="Unknown key", at=5
    ),
    "a matrix of a million": Case(
        text=SHOTS + "- id: 'x{{a}}{{b}}'\n  prompt: p\n  each: {a: '{{ range(1000) }}', b: '{{ range(1000) }}'}\n",
        fact="makes 1,000,000 shots",
        at=6,
    ),
    "a matrix of thirty dimensions": Case(
        text=SHOTS + "- id: x\n  prompt: p\n  each: {" + ", ".join(f"v{i}: [1, 2]" for i in range(30)) + "}\n",
        fact="makes 1,073,741,824 shots",
        at=6,
    ),
    "matrices side by side": Case(
        text=SHOTS
        + "".join(f"- {{id: 'x{n}-{{{{i}}}}', prompt: p, each: {{i: '{{{{ range(10000) }}}}'}}}}\n" for n in range(11)),
        fact="makes 110,000 shots",
        at=14,
    ),
    "more takes than anybody needs": Case(
        text=SHOTS + "- {id: 'x{{i}}', prompt: p, takes: 100, each: {i: '{{ range(2000) }}'}}\n",
        fact="more than 100,000 results",
        seconds=4,
    ),
    "rows in every stage": Case(
        text=_STAGES + SHOTS + f"- {{id: 'x{{{{i}}}}-{{{{j}}}}', prompt: p, {ROWS}}}\n",
        fact="makes 20,000 shots; a recipe may have 16,666 in each of its 5 stages",
        at=5,
    ),
    "takes and fallbacks in every stage": Case(
        text=_STAGES
        + "defaults: {provider: cheapest, takes: 10, fallback: [{seed: 1}, {seed: 2}, {seed: 3}, {seed: 4}]}\n"
        + SHOTS
        + "- {id: 'x{{i}}', prompt: p, each: {i: '{{ range(1000) }}'}}\n",
        fact="more than 16,666 results; a recipe may have no more in each of its 5 stages",
        at=2,
    ),
    "the cheapest for too many": Case(
        text=SHOTS + "- {id: 'x{{i}}', prompt: p, provider: cheapest, takes: 26, each: {i: '{{ range(1000) }}'}}\n",
        fact="Asking 4 services for the price of each take and fallback is more than 100,000 requests",
        at=4,
    ),
    "a thousand stages, each of which would be read": Case(
        text="stages: {"
        + ", ".join(f"s{i}: {{takes: 2}}" for i in range(1000))
        + "}\n"
        + SHOTS
        + "- {id: a, prompt: p, oops: 1}\n",
        fact="'stages' has 1,000 keys",
        at=1,
    ),
    "rows that cannot stand": Case(
        text=SHOTS + f"- {{id: 'a{{{{i}}}}-{{{{j}}}}', prompt: p, duration: '{{{{ i }}}}x', {ROWS}}}\n",
        fact="'duration' cannot be",
        seconds=6,
    ),
    "rows with a field of the wrong kind": Case(
        text=SHOTS + f"- {{id: 'a{{{{i}}}}-{{{{j}}}}', prompt: p, duration: '{{{{ [i] }}}}', {ROWS}}}\n",
        fact="'duration' cannot be a list",
        seconds=6,
    ),
    "rows with an input that is not there": Case(
        text=SHOTS + f"- {{id: 'a{{{{i}}}}-{{{{j}}}}', prompt: p, references: [nope], {ROWS}}}\n",
        fact="no shot or reference 'nope'",
        seconds=6,
    ),
    "rows with inputs that are not there": Case(
        text=SHOTS + f"- {{id: 'a{{{{i}}}}-{{{{j}}}}', prompt: p, references: ['a{{{{i}}}}x'], {ROWS}}}\n",
        fact="no shot or reference 'a0x'",
        seconds=6,
    ),
    "rows with files that are not there": Case(
        text=SHOTS + f"- {{id: 'a{{{{i}}}}-{{{{j}}}}', prompt: p, references: ['a{{{{i}}}}x.png'], {ROWS}}}\n",
        fact="no file 'a0x.png'",
        seconds=6,
        lay=lambda folder: [(folder / f"a{i}y.png").touch() for i in range(1000)],
    ),
    "rows with one id": Case(text=SHOTS + f"- {{id: a, prompt: p, {ROWS}}}\n", fact="make the id 'a'", seconds=6),
    "rows that need each other": Case(
        text=SHOTS + "- {id: 'a{{i}}', prompt: p, needs: ['a{{ (i + 1) % 3000 }}'], each: {i: '{{ range(3000) }}'}}\n",
        fact="these shots wait for each other",
        seconds=6,
    ),
    "a long chain": Case(
        text=SHOTS
        + "- {id: a0, prompt: p}\n"
        + "- {id: 'a{{i}}', prompt: p, chain: 'a{{ i - 1 }}', each: {i: '{{ range(1, 1000) }}'}}\n",
        seconds=6,
    ),
    "a ring of chains": Case(
        text=SHOTS + "- {id: 'a{{i}}', prompt: p, chain: 'a{{ (i + 1) % 2000 }}', each: {i: '{{ range(2000) }}'}}\n",
        fact="these shots wait for each other",
        seconds=6,
    ),
    "ids that look alike": Case(
        text=SHOTS
        + "".join(f"- {{id: {'ab' * 40}{i:04}, prompt: p}}\n" for i in range(300))
        + "".join(f"- {{id: z{i}, prompt: p, needs: [{'ba' * 40}{i:04}]}}\n" for i in range(1000)),
        fact="no shot 'baba",
        at=304,
        seconds=6,
    ),
    "a thousand faults in a line": Case(
        text="{rushes: 1, name: t, vars: {a: '"
        + "x" * 3_900_000
        + "'}, shots: ["
        + ",".join(f"{{id: d{i}, prompt: p, nope: 1}}" for i in range(1500))
        + "]}\n# end\n",
        fact="Unknown key 'nope'",
        at=1,
        seconds=6,
    ),
    "names too long to be offered": Case(
        text=SHOTS + f"- {{id: {'x' * 9_000}, prompt: p}}\n- {{id: b, prompt: p, needs: [c]}}\n",
        fact="characters; at most 100",
    ),
    "deep brackets": Case(text=variables("a: " + "[" * 100_000), fact="more than 40 levels", at=3),
    "deep braces": Case(text=variables("a: " + "{a: " * 100_000), fact="more than 40 levels", at=3),
    "deep lists": Case(text=HEAD + "vars:\n  a:\n    " + "- " * 50_000 + "x\n", fact="more than 40 levels", at=5),
    "deep maps": Case(
        text=HEAD + "vars:\n" + "".join(" " * (i + 1) + f"a{i}:\n" for i in range(900)),
        fact="more than 40 levels",
        at=43,
    ),
    "deep questions": Case(text=HEAD + "? " * 50_000 + "x\n", fact="This key is no text", at=3),
    "brackets in keys": Case(text=HEAD + "? " + "[" * 50_000 + "\n", fact="This key is no text", at=3),
    "a number of a million digits": Case(text=shot("seed: " + "9" * 1_000_000), fact="1,000,000 digits"),
    "an exponent beyond everything": Case(text=shot("duration: 1e99999999999999999999"), fact="beyond what"),
    "nothing with such an exponent": Case(text=shot("duration: 0e99999999999999999999"), fact="beyond what"),
    "a tiny number": Case(text=shot("duration: 1e-99"), fact="cannot draw a clip of 1E-99 seconds"),
    "a hexadecimal number": Case(text=shot("seed: 0x" + "f" * 38), fact="'seed' cannot be"),
    "a number in base sixty": Case(text=shot("duration: 1:30"), fact="'duration' cannot be the text '1:30'"),
    "a date": Case(text=shot("seed: 2026-11-21"), fact="'seed' cannot be the text"),
    "a moment": Case(text=variables("a: 9999-12-31T23:59:60.999999999+99:99")),
    "an endless number": Case(text=shot("duration: .inf"), fact="no number"),
    "no number": Case(text=shot("duration: .NaN"), fact="no number"),
    "digits of another script": Case(text=shot("duration: '٣s'"), fact="'duration' cannot be"),
    "more digits than JSON keeps": Case(text=variables("a: 0.1234567890123456789012345678")),
    "four mebibytes of a": Case(text=_filled("", "a", ""), fact="A recipe cannot be the text 'aaa", at=1),
    "four mebibytes and one byte": Case(text=b"#" * (MIB4 + 1), fact="larger than 4 MiB", at=0),
    "four mebibytes of comment": Case(text=_filled(HEAD, "# x\n", "shots: [{id: a, prompt: p}]\n")),
    "four mebibytes of line breaks": Case(text=_filled(HEAD, "\n", "shots: [{id: a, prompt: p}]\n"), seconds=4),
    "four mebibytes of spaces": Case(
        text=_filled(HEAD + "vars:", " ", "\nshots: [{id: a, prompt: p}]\n"), fact="'vars' cannot be empty", at=3
    ),
    "four mebibytes of a prompt": Case(
        text=_filled(SHOTS + "- {id: a, prompt: '", "walks ", "'}\n"), fact="characters", hint="20,000"
    ),
    "four mebibytes of a block": Case(
        text=_filled(SHOTS + "- id: a\n  prompt: |\n", "    he walks\n", ""), fact="characters", at=5
    ),
    "four mebibytes of a folded block": Case(
        text=_filled(SHOTS + "- id: a\n  prompt: >\n", "    he walks\n\n", ""), fact="characters", at=5
    ),
    "four mebibytes of escapes": Case(
        text=_filled(SHOTS + '- {id: a, prompt: "', "\\U0001F3A5", '"}\n'), fact="characters"
    ),
    "four mebibytes of emoji": Case(text=_filled(SHOTS + "- {id: a, prompt: '", "🎥", "'}\n"), fact="characters"),
    "four mebibytes of combining marks": Case(
        text=_filled(SHOTS + "- {id: 'a", "\u0301", "', prompt: p}\n"), fact="at most 100"
    ),
    "four mebibytes of list": Case(
        text=_filled(HEAD + "vars: {a: [", "1,", "]}\n"), fact="more than 400,000 values", at=3, seconds=8
    ),
    "four mebibytes of map": Case(
        text=HEAD + "vars:\n" + "".join(f"  v{i}: 1\n" for i in range(190_000)) + "shots: [{id: a, prompt: p}]\n",
        seconds=20,
    ),
    "four mebibytes of shots": Case(
        text=SHOTS + "".join(f"- {{id: a{i}, prompt: p, seed: {i}}}\n" for i in range(100_001)),
        fact="unfolds to more than 400,000",
        at=57_145,
        seconds=20,
    ),
    "four mebibytes of faulty shots": Case(
        text=_filled(SHOTS, "- {ie: a}\n", ""), fact="more than", at=133_335, seconds=20
    ),
    "four mebibytes of empty shots": Case(
        text=_filled(SHOTS, "-\n", ""), fact="unfolds to more than 400,000", at=399_997, seconds=20
    ),
    "four mebibytes of templates": Case(
        text=_filled(HEAD + "vars: {a: [", "'{{1}}',", "]}\nshots: [{id: a, prompt: p}]\n"),
        fact="more than 400,000 values",
        at=3,
        seconds=8,
    ),
    "too many templates to read": Case(
        text=variables("a: [" + ", ".join("'{{1}}'" for _ in range(100_000)) + "]"),
        fact="too many to read",
        at=3,
        seconds=8,
    ),
    "a template of all that is read": Case(text=prompt("{{1}}" * 3999), fact="", seconds=2),
    "four mebibytes of anchors": Case(
        text=HEAD + "vars: [" + ",".join(f"&a{i} x" for i in range(300_000)) + "]\nshots: [1]\n",
        fact="'vars' cannot be",
        at=3,
        seconds=10,
    ),
    "four mebibytes of tags": Case(
        text=_filled(HEAD + "vars: {a: [", "!a x,", "]}\n"), fact="The tag !a", at=3, seconds=10
    ),
    "four mebibytes of equal keys": Case(
        text=_filled(HEAD + "vars:\n", "  a: 1\n", ""), fact="is here twice", at=5, seconds=10
    ),
    "four mebibytes of documents": Case(text=_filled(HEAD, "---\n", ""), fact="A second document", at=3),
    "four mebibytes of directives": Case(text=_filled("", "%TAG ! !x\n", "---\n"), fact="duplicate %TAG", at=2),
    "four mebibytes of quotes": Case(
        text=_filled(HEAD + "vars: '", "''", "'\nshots: [{id: a, prompt: p}]\n"), fact="'vars' cannot be", at=3
    ),
    "four mebibytes of open quotes": Case(text=_filled(HEAD + "vars: [", '"a" ', "\n"), fact="brackets", at=3),
    "four mebibytes of tabs": Case(text=_filled(HEAD, "\t", "\n"), fact="A tab indents", at=3),
    "four mebibytes of colons": Case(text=_filled(HEAD, ": ", "\n"), fact="does not fit", at=3, seconds=10),
    "four mebibytes of dashes": Case(text=_filled(HEAD + "vars:\n", "- ", "\n"), fact="more than 40 levels", at=4),
}
