"""Attacks by the text itself: tags, keys that meet twice, encodings, and characters that are not what they seem."""

from __future__ import annotations

from tests.hostile.case import HEAD, SHOTS, Case, prompt, shot, variables

TERMINAL = "\\e]0;owned\\a\\e[2J\\e[31mred\\x9b5n\\r\\b"  # in double quotes, YAML makes characters of it
_PLAIN = "- {id: a, prompt: p}\n"

YAML = {
    **{
        f"the tag {tag}": Case(text=shot(f"seed: {tag} x"), fact="The tag !!python/", hint="Delete the tag")
        for tag in (
            "!!python/object/apply:os.system",
            "!!python/object/new:os.system",
            "!!python/name:os.system",
            "!!python/module:os",
            "!!python/tuple",
        )
    },
    "a tag on a map": Case(text=shot("options: !!python/object/apply:os.system {args: [id]}"), fact="The tag !!python"),
    "a tag of its own": Case(text=shot("seed: !Ref x"), fact="The tag !Ref"),
    "a binary tag": Case(text=shot("seed: !!binary aGk="), fact="The tag !!binary"),
    "a tag by directive": Case(
        text="%TAG ! tag:yaml.org,2002:python/\n--- \n!name:os.system x\n", fact="The tag", at=3
    ),
    "a merge key": Case(text=shot("<<: {seed: 1}"), fact="merge key", hint="defaults"),
    "a merge of an anchor": Case(
        text=HEAD + "vars: {b: &b {x: 1}}\nshots:\n- {<<: *b, id: a, prompt: p}\n", fact="merge key", at=5
    ),
    "a merge key in quotes": Case(text=variables("'<<': 1"), fact="no name", at=3),
    "a key twice": Case(text=shot("seed: 1, seed: 2"), fact="'seed' is here twice"),
    "a key twice at the top": Case(text=HEAD + "name: u\nshots:\n" + _PLAIN, fact="'name' is here twice", at=3),
    "a key twice, once in quotes": Case(text=shot("seed: 1, 'seed': 2"), fact="'seed' is here twice"),
    "a key twice by its escapes": Case(text=shot('seed: 1, "s\\x65ed": 2'), fact="'seed' is here twice"),
    "a key that looks the same": Case(text=shot("seed: 1, sееd: 2"), fact="Unknown key"),
    "a version to come": Case(text="%YAML 9.9\n---\n" + SHOTS + _PLAIN, fact="no YAML", at=1),
    "a second document": Case(text=SHOTS + _PLAIN + "---\n" + SHOTS + _PLAIN, fact="second document", at=5),
    "an end and more": Case(text=SHOTS + _PLAIN + "...\nx: y\n", fact="end of the recipe", at=6),
    "the word true": Case(text=HEAD + "title: true\nshots:\n" + _PLAIN, fact="'title' cannot be the switch", at=3),
    "nothing for everything": Case(text="rushes:\nname:\nshots:\n", fact="cannot be empty", at=1),
    "a number of shots": Case(text=HEAD + "shots: 5\n", fact="'shots' cannot be the number 5", at=3),
    "a switch of shots": Case(text=HEAD + "shots: true\nfilm: [a]\n", fact="'shots' cannot be the switch true", at=3),
    "a shot that is nothing": Case(text=SHOTS + "-\n", fact="cannot be empty"),
    "a negative number of takes": Case(text=shot("takes: -1"), fact="'takes' cannot be"),
    "a fraction of a take": Case(text=shot("takes: 1.5"), fact="'takes' cannot be"),
    "takes that are true": Case(text=shot("takes: true"), fact="'takes' cannot be the switch"),
    "a name with a line break": Case(
        text='rushes: 1\nname: "t\\n"\nshots:\n' + _PLAIN, fact="'name' cannot be the text 't\\n'", at=2
    ),
    "a name that climbs": Case(text="rushes: 1\nname: ../../x\nshots:\n" + _PLAIN, fact="'name' cannot be", at=2),
    "seconds with a line break": Case(text=shot('duration: "5s\\n"'), fact="'duration' cannot be the text '5s\\n'"),
    "money with a line break": Case(
        text=HEAD + 'budget: {run: {usd: "5\\n"}}\nshots:\n' + _PLAIN, fact="'usd' cannot be", at=3
    ),
    "a variable with a line break": Case(text=variables('"a\\n": 1'), fact="no name", at=3),
    "a provider with a line break": Case(text=shot('provider: "animatic\\n"'), fact="'provider' cannot be"),
    "an id with a line break": Case(text=SHOTS + '- {id: "a\\n", prompt: p}\n', fact="cannot be an id"),
    "an account that climbs": Case(text=shot("account: a/../../../x")),
    "money without end": Case(text=HEAD + "budget: {run: {usd: 1e99}}\nshots:\n" + _PLAIN, fact="digits", at=3),
    "money that is a text": Case(
        text=HEAD + "budget: {run: {usd: '1e9'}}\nshots:\n" + _PLAIN, fact="'usd' cannot be", at=3
    ),
    "credits of a strange account": Case(
        text=HEAD + 'budget: {run: {credits: {"a\\e[2J": 1}}}\nshots:\n' + _PLAIN, at=3
    ),
    "a film of itself": Case(text=SHOTS + _PLAIN + "film: {shots: [film]}\n", fact="no shot 'film'", at=5),
    "a film of one shot, ten thousand times": Case(
        text=SHOTS + _PLAIN + "film: [" + ", ".join(["a"] * 10_000) + "]\n", seconds=4
    ),
    "a reference to itself": Case(
        text=HEAD + "references: {r: {shot: r}}\nshots:\n" + _PLAIN, fact="no shot 'r'", at=3
    ),
}

CHARACTERS = {
    "a mark of order": Case(text="\ufeff" + SHOTS + _PLAIN),
    "two marks of order": Case(text="\ufeff\ufeff" + SHOTS + _PLAIN, fact="U+FEFF", at=1),
    "a mark of order inside": Case(text=prompt("a\ufeffb"), fact="U+FEFF"),
    "UTF-16": Case(text=(SHOTS + _PLAIN).encode("utf-16"), fact="UTF-16", at=1),
    "UTF-16, the other way round": Case(text=b"\xfe\xff" + (SHOTS + _PLAIN).encode("utf-16-be"), fact="UTF-16", at=1),
    "UTF-16 without its mark": Case(text=(SHOTS + _PLAIN).encode("utf-16-le"), fact="A NUL", at=1),
    "UTF-32": Case(text=(SHOTS + _PLAIN).encode("utf-32"), fact="UTF-32", at=1),
    "UTF-7": Case(text=prompt("+ADw-script+AD4-")),
    "half a character": Case(text=SHOTS.encode() + b"- {id: a, prompt: '\xed\xa0\x80'}\n", fact="not UTF-8"),
    "half a character by escape": Case(text=SHOTS + '- {id: a, prompt: "\\ud800"}\n', fact="escape"),
    "an overlong slash": Case(text=SHOTS.encode() + b"- {id: a, prompt: '\xc0\xaf'}\n", fact="not UTF-8"),
    "a character beyond Unicode": Case(text=SHOTS + '- {id: a, prompt: "\\UFFFFFFFF"}\n', fact="escape"),
    "a NUL": Case(text=prompt("a\0b"), fact="A NUL is here"),
    "a NUL by escape": Case(text=SHOTS + '- {id: a, prompt: "a\\0b"}\n', fact="control character U+0000"),
    "a NUL in a name": Case(text=shot('references: ["k\\0.png"]'), fact="cannot be the path"),
    "an escape sequence": Case(text=prompt("\x1b[2J"), fact="U+001B"),
    "escape sequences by escape": Case(text=SHOTS + f'- {{id: a, prompt: "{TERMINAL}"}}\n', fact="control character"),
    "escape sequences in the title": Case(text=HEAD + f'title: "{TERMINAL}"\nshots:\n' + _PLAIN),
    "escape sequences in a variable": Case(text=variables(f'v: "{TERMINAL}"')),
    "escape sequences in an id": Case(text=SHOTS + f'- {{id: "{TERMINAL}", prompt: p}}\n', fact="cannot be an id"),
    "escape sequences in a key": Case(text=shot(f'"{TERMINAL}": 1'), fact="Unknown key"),
    "escape sequences in a model": Case(text=shot(f'model: "{TERMINAL}"'), fact="'model' cannot be"),
    "escape sequences in an option": Case(text=shot(f'options: {{animatic: {{"{TERMINAL}": 1}}}}'), fact="option"),
    "escape sequences in a template": Case(
        text=SHOTS + f'- {{id: a, prompt: "{{{{ {TERMINAL} }}}}"}}\n', fact="breaks off here"
    ),
    "escape sequences in a row": Case(
        text=SHOTS + f'- {{id: "x{{{{ v }}}}", prompt: p, each: {{v: ["{TERMINAL}"]}}}}\n', fact="cannot be an id"
    ),
    "text turned around": Case(text=prompt("\u202eevil\u202c \u2066more")),
    "an id turned around": Case(text=SHOTS + "- {id: 'a\u202eb', prompt: p}\n", fact="cannot be an id"),
    "a name that has another form": Case(
        text=SHOTS + "- {id: caf\u00e9, prompt: p}\n- {id: cafe\u0301, prompt: p}\n", fact="cannot be an id"
    ),
    "ids of one case": Case(
        text=SHOTS + "- {id: Dawn, prompt: p}\n- {id: dAWN, prompt: p}\n", fact="taken as 'Dawn'", at=5
    ),
    "ids that fold to one": Case(
        text=SHOTS + "- {id: ss, prompt: p}\n- {id: ß, prompt: p}\n", fact="cannot be an id", at=5
    ),
    "a Kelvin for a K": Case(
        text=SHOTS + "- {id: k, prompt: p}\n- {id: \u212a, prompt: p}\n", fact="cannot be an id", at=5
    ),
    "slugs that meet": Case(
        text=SHOTS + "- {id: '{{ v | slug }}', prompt: p, each: {v: [caf\u00e9, cafe\u0301]}}\n",
        fact="make the id 'cafe'",
    ),
    "an id that is a device": Case(text=SHOTS + "- {id: NUL, prompt: p}\n", fact="it is a device"),
    "an id of a hidden file": Case(text=SHOTS + "- {id: .git, prompt: p}\n", fact="cannot be an id"),
    "an id that is an option": Case(text=SHOTS + "- {id: --yes, prompt: p}\n", fact="cannot be an id"),
    "private characters": Case(text=prompt("\ue000keeper\ue001\ue000\ue000")),
    "no character at all": Case(text=prompt("a\ufffe"), fact="U+FFFE"),
    "the last character": Case(text=prompt("\U0010ffff")),
    "a line separator": Case(text=prompt("a\u2028b"), fact="U+2028"),
    "a next line": Case(text=prompt("a\x85b"), fact="U+0085"),
    "zero-width characters in a key": Case(text=shot("se\u200bed: 1"), fact="Unknown key"),
    "tags of language": Case(text=prompt("a\U000e0041\U000e007f")),
    "a lone return": Case(text=SHOTS + "- {id: a, prompt: 'a\rb'}\n"),
    "returns for line breaks": Case(text=(SHOTS + _PLAIN).replace("\n", "\r"), fact="", at=1),
}

MARKUP = {
    "markup in every text": Case(
        text=HEAD
        + "title: &x '<script>alert(1)</script>\"''><img src=x onerror=alert(1)>]]>--><svg/onload=alert(1)>'\n"
        + "vars: {v: *x}\nshots:\n- {id: a, prompt: *x}\n"
    ),
    "links in markdown": Case(text=prompt("[x](javascript:alert(1)) ![y](https://evil.test/t.png) | `c` | @someone")),
    "lines for mermaid and dot": Case(
        text=SHOTS + '- {id: a, prompt: "x\\n  click a \\"javascript:alert(1)\\"\\n}"}\n'
    ),
}

CASES = {**YAML, **CHARACTERS, **MARKUP}
