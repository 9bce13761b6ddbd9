"""Attacks by templates: out of the sandbox, without end, and beyond all measure."""

from __future__ import annotations

from tests.hostile.case import HEAD, SHOTS, Case, prompt, shot, variables

_TOO_MUCH = "The templates of this recipe take too much work."
_DEEP = "This template is nested too deeply."
_HIDDEN = "begins with an underscore"


def _loop(before: str, inside: str, turns: int = 10_000) -> str:
    return prompt(f"{before}{{% for i in range({turns}) %}}{inside}{{% endfor %}}x")


ESCAPES = {
    "class of a text": Case(text=prompt("{{ ''.__class__.__mro__[1].__subclasses__() }}"), fact=_HIDDEN),
    "class by brackets": Case(text=prompt("{{ ''['__class__'] }}"), fact=_HIDDEN),
    "class by attr": Case(text=prompt("{{ '' | attr('__class__') }}"), fact="no filter 'attr'"),
    "class by map": Case(text=prompt("{{ [''] | map(attribute='__class__') }}"), fact="no filter 'map'"),
    "class by joined words": Case(text=prompt("{{ ''['__cla' ~ 'ss__'] }}"), fact=_HIDDEN),
    "globals of a function": Case(text=prompt("{{ range.__globals__ }}"), fact=_HIDDEN),
    "globals without underscores": Case(text=prompt("{{ (range).func_globals }}"), fact="no '.func_globals'"),
    "self": Case(text=prompt("{{ self.__init__ }}"), fact="called 'self'"),
    "config": Case(text=prompt("{{ config.items() }}"), fact="called 'config'"),
    "environment": Case(text=prompt("{{ environment }}"), fact="called 'environment'"),
    "cycler": Case(text=prompt("{{ cycler.__init__.__globals__.os.popen('id') }}"), fact="called 'cycler'"),
    "lipsum": Case(text=prompt("{{ lipsum.__globals__ }}"), fact="called 'lipsum'"),
    "namespace": Case(text=prompt("{% set n = namespace(a=1) %}{% set n.a = 2 %}"), fact="called 'namespace'"),
    "format string": Case(text=prompt("{{ '{0.__class__}'.format(1) }}"), fact="no '.format'"),
    "format filter": Case(text=prompt("{{ '%s' | format(1) }}"), fact="no filter 'format'"),
    "percent": Case(text=prompt("{{ '%999999999d' % 1 }}"), fact="A number is due here"),
    "format by braces in a text": Case(text=prompt("{0.__class__} {x!r:>{y}} %s %(a)s")),
    "filter of a function": Case(text=prompt("{{ range | string }}"), fact="A function stands in a text"),
    "test of a function": Case(text=prompt("{{ range is callable }}"), fact="no test 'callable'"),
    "filter named by a template": Case(text=prompt("{% filter upper %}x{% endfilter %}"), fact="'filterblock'"),
    "test with a callable": Case(text=prompt("{{ [1] | select(range) | list }}"), fact="no filter 'select'"),
    "import": Case(text=prompt("{% import 'os' as os %}"), fact="There is no file 'os'"),
    "from import": Case(text=prompt("{% from 'os' import system %}"), fact="There is no file 'os'"),
    "include": Case(text=prompt("{% include '/etc/passwd' %}"), fact="is an absolute path"),
    "extends": Case(text=prompt("{% extends '/etc/passwd' %}"), fact="'extends' are not"),
    "macro": Case(text=prompt("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), fact="Macros call each other"),
    "call": Case(text=prompt("{% call range() %}x{% endcall %}"), fact="'callblock' are not"),
    "block": Case(text=prompt("{% block b %}{{ self.b() }}{% endblock %}"), fact="'block' are not"),
    "do": Case(text=prompt("{% do 1 %}"), fact="no statement 'do'"),
    "debug": Case(text=prompt("{% debug %}"), fact="no statement 'debug'"),
    "autoescape": Case(text=prompt("{% autoescape true %}x{% endautoescape %}"), fact="are not for recipes"),
    "recursive loop": Case(text=prompt("{% for i in [1] recursive %}{{ loop([i]) }}{% endfor %}"), fact="Recursive"),
    "call of the loop": Case(text=prompt("{% for i in [1] %}{{ loop([i]) }}{% endfor %}"), fact="This is no function"),
    "stars": Case(text=prompt("{{ range(*[1, 2]) }}"), fact="Arguments with * are not"),
    "set a part": Case(text=prompt("{% set x.y = 1 %}"), fact="'assign' are not for recipes"),
    "set a block": Case(text=prompt("{% set x %}{{ x }}{% endset %}"), fact="'assignblock' are not"),
    "change of a list": Case(text=prompt("{% set x = [] %}{{ x.append(x) }}"), fact="no '.append'"),
    "line statement": Case(text=SHOTS + '- {id: a, prompt: "# for x in y\\n## z"}\n'),
    "function as a value": Case(text=shot("options: {animatic: {x: '{{ (range) }}'}}"), fact="A function stands"),
    "method as a value": Case(text=variables("m: {a: 1}, v: '{{ [m.items] }}'"), fact="A function stands", at=3),
    "function as an id": Case(text=SHOTS + "- {id: '{{ (range) }}', prompt: p}\n", fact="A function stands"),
    "template in a template": Case(
        text=HEAD + "vars: {a: \"{{ '{{ b }}' }}\"}\nshots:\n- {id: a, prompt: '{{ a }}'}\n"
    ),
    "key that is no text": Case(text=variables("v: '{{ {1: 2, none: 3} }}'"), fact="The key 1 is no text", at=3),
    "key that is a list": Case(text=prompt("{{ {[1]: 2} }}"), fact="does not fit together"),
    "unknown way to round": Case(text=prompt("{{ 1.5 | round(1, 'x') }}"), fact="no way to round"),
    "rounding to a list": Case(text=prompt("{{ 1.5 | round(1, [1]) }}"), fact="does not fit together"),
    "half a character": Case(text=prompt("{{ '\\ud800' }}"), fact="half a character"),
    "half a character in a name": Case(text=variables("v: '{{ \"\\ud800\" }}'"), fact="half a character", at=3),
    "private marks": Case(text=prompt("\ue000keeper\ue001 {{ 'a\ue000' }}")),
}

LOOPS = {
    "loops in loops": Case(text=_loop("", "{% for j in range(10000) %}{% endfor %}"), fact=_TOO_MUCH),
    "range too long": Case(text=prompt("{{ range(10**12) }}"), fact="more than 10,000 numbers"),
    "range too long to count": Case(text=prompt("{{ range(10**29) | length }}"), fact="cannot be calculated"),
    "power": Case(text=prompt("{{ 9 ** 9 ** 9 }}"), fact="more than 30 digits"),
    "power of a fraction": Case(text=prompt("{{ 0.5 ** 1e28 }}"), fact="exponent is larger"),
    "power tower": Case(text=prompt("{{ 2 ** 99 ** 99 }}"), fact="30 digits"),
    "factorial": Case(text=_loop("{% set n = 1 %}", "{% set n = n * 9 %}{{ n }}"), fact=""),
    "text times a number": Case(text=prompt("{{ 'x' * 10 ** 12 }}"), fact="at most 100,000"),
    "list times a number": Case(text=prompt("{{ ([0] * 10 ** 9) | length }}"), fact="more than 10,000"),
    "text that doubles": Case(
        text=variables(
            "a: 'xxxxxxxxxx', " + ", ".join(f"{chr(98 + i)}: '{{{{ {chr(97 + i)} * 10 }}}}'" for i in range(12))
        ),
        fact="at most 100,000",
        at=3,
    ),
    "replace that grows": Case(
        text=prompt("{% set a = 'x' * 900 %}{{ a | replace('x', a) }}"), fact="810,000 characters"
    ),
    "replace of nothing": Case(text=prompt("{{ ('x' * 99999) | replace('', 'yy') }}"), fact="at most 100,000"),
    "join that grows": Case(text=prompt("{{ range(9000) | join('x' * 900) }}"), fact="at most 100,000"),
    "center": Case(text=prompt("{{ 'x' | center(10 ** 9) }}"), fact="no filter 'center'"),
    "indent": Case(text=prompt("{{ 'x' | indent(10 ** 9) }}"), fact="no filter 'indent'"),
    "wordwrap": Case(text=prompt("{{ 'x' | wordwrap(1) }}"), fact="no filter 'wordwrap'"),
    "printed again and again": Case(text=_loop("", "xxxxxxxxxxxxxxxxxxxx"), fact="at most 100,000"),
    "slug of ligatures": Case(text=prompt("{{ ('ﷺ' * 100000) | slug }}"), fact="1,800,000 characters"),
    "slug again and again": Case(
        text=_loop("{% set w = '\u2057' * 20000 %}", "{% if w | slug %}{% endif %}"), fact=_TOO_MUCH
    ),
    "title again and again": Case(
        text=_loop("{% set w = 'a ' * 50000 %}", "{% if w | title %}{% endif %}"), fact=_TOO_MUCH
    ),
    "trim of many characters": Case(
        text=_loop("{% set w = 'a' * 100000 %}{% set c = 'b' * 99999 ~ 'a' %}", "{% if w | trim(c) %}{% endif %}"),
        fact="More than 100 characters are to be trimmed",
    ),
    "search at its slowest": Case(
        text=_loop("{% set w = 'a' * 2400 %}{% set c = 'a' * 1200 ~ 'ba' %}", "{% if c in w %}{% endif %}"),
        fact=_TOO_MUCH,
    ),
    "long search at its slowest": Case(
        text=_loop("{% set w = 'a' * 29999 %}{% set c = 'a' * 9999 ~ 'ba' %}", "{% if c in w %}{% endif %}"),
        fact=_TOO_MUCH,
    ),
    "replace at its slowest": Case(
        text=_loop("{% set w = 'a' * 2400 %}{% set c = 'a' * 1200 ~ 'ba' %}", "{% if w | replace(c, '') %}{% endif %}"),
        fact=_TOO_MUCH,
    ),
    "sort of long and short": Case(
        text=prompt("{% set w = 'A' * 90000 %}{{ ([w, ''] * 5000) | sort | length }}"), fact=_TOO_MUCH
    ),
    "unique of many": Case(text=prompt("{{ range(10000) | unique | length }}"), fact=_TOO_MUCH),
    "lists compared": Case(
        text=variables("a: '{{ [1] * 9000 }}', b: '{{ [a] * 9000 }}', c: '{{ [b] * 9000 == [b] * 9000 }}'"),
        fact=_TOO_MUCH,
        at=3,
    ),
    "list that holds itself": Case(
        text=prompt("{% set a = [1] %}" + "{% set a = [a] %}" * 900 + "{{ a == a }}"), fact=_DEEP
    ),
    "names asked for in vain": Case(
        text=HEAD
        + "vars: {"
        + ", ".join(f"variable_{i:03}_{'x' * 80}: 1" for i in range(300))
        + '}\nshots:\n- id: a\n  prompt: "{% for i in range(10000) %}{% if variable_999_'
        + "x" * 80
        + ' is defined %}y{% endif %}{% endfor %}x"\n',
    ),
    "entries asked for in vain": Case(
        text=_loop(
            "{% set m = {" + ", ".join(f"'key{i:03}{'x' * 20}': 1" for i in range(200)) + "} %}",
            "{{ m.key9 | default('') }}{{ m['key8'] | default('') }}",
        ),
    ),
    "numbers in a text": Case(text=HEAD + "vars: {a: 1}\nshots:\n- {id: a, prompt: '" + "{{a}}" * 3990 + "'}\n"),
    "lists of lists of a list": Case(
        text=variables("a: '{{ [1] * 10000 }}', b: '{{ [a] * 10000 }}', c: '{{ [b] * 10000 }}'"), fact=_TOO_MUCH, at=3
    ),
    "lists in lists": Case(
        text=variables("a0: [1], " + ", ".join(f"a{i}: '{{{{ [a{i - 1}] }}}}'" for i in range(1, 500))),
        fact="more than 40 deep",
        at=3,
    ),
    "many long lists": Case(
        text=variables(", ".join(f"v{i}: '{{{{ range(10000) }}}}'" for i in range(1100))), fact=_TOO_MUCH, at=3
    ),
    "many long lists in one": Case(
        text=prompt("".join(f"{{% set v{i} = range(10000) %}}" for i in range(600)) + "x"), fact=_TOO_MUCH
    ),
    "many long texts": Case(
        text=variables("a: '{{ \"🎥\" * 99990 }}', " + ", ".join(f"v{i}: '{{{{ a ~ {i} }}}}'" for i in range(480))),
        fact=_TOO_MUCH,
        at=3,
    ),
    "names beyond number": Case(
        text=HEAD
        + "vars: {"
        + ", ".join(f"v{i}: 1" for i in range(20_000))
        + "}\nshots:\n- {id: 'a{{ i }}', prompt: '{% for j in [1, 2, 3] %}{{ v1 }}{% endfor %}',"
        + " each: {i: '{{ range(500) }}'}}\n",
        seconds=4,
    ),
}

NESTED = {
    "brackets": Case(text=prompt("{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}"), fact=_DEEP),
    "additions": Case(text=prompt("{{ " + "1+" * 9000 + "1 }}"), fact=_DEEP),
    "negations": Case(text=prompt("{{ " + "not " * 4000 + "1 }}"), fact=_DEEP),
    "minuses": Case(text=prompt("{{ " + "- " * 4000 + "1 }}"), fact=_DEEP),
    "powers": Case(text=prompt("{{ " + "1**" * 4000 + "1 }}"), fact=_DEEP),
    "parts of parts": Case(text=prompt("{{ a" + ".a" * 4000 + " | upper }}"), fact=_DEEP),
    "filters": Case(text=prompt("{{ 'a'" + "|upper" * 2500 + " }}"), fact=_DEEP),
    "conditions": Case(text=prompt("{{ " + "1 if 1 else " * 1500 + "1 }}"), fact=_DEEP),
    "lists": Case(text=prompt("{{ " + "[" * 3000 + "]" * 3000 + " }}"), fact=_DEEP),
    "ifs": Case(text=prompt("{%if 1%}" * 1100 + "{%endif%}" * 1100), fact=_DEEP),
    "some ifs": Case(text=prompt("{%if 1%}" * 60 + "x" + "{%endif%}" * 60)),
    "fors": Case(text=prompt("{%for i in [1]%}" * 600 + "x" + "{%endfor%}" * 600), fact=_DEEP),
    "withs": Case(text=prompt("{%with a=1%}" * 600 + "x" + "{%endwith%}" * 600), fact=_DEEP),
    "concatenations": Case(text=prompt("{{ " + "'a'~" * 4000 + "'a' }}")),
    "comparisons": Case(text=prompt("{{ " + "1<" * 4000 + "1 }}"), fact="'prompt' cannot be the switch false"),
    "commas": Case(text=prompt("{{ " + "1," * 4000 + "1 }}"), fact="'prompt' cannot be a list"),
    "long number": Case(text=prompt("a {{ " + "9" * 6000 + " }}"), fact="cannot be"),
    "long number in hexadecimal": Case(text=prompt("a {{ 0x" + "f" * 6000 + " }}"), fact="cannot be calculated"),
    "long number for seconds": Case(text=shot("duration: '{{ 0x" + "f" * 6000 + " }}'"), fact="cannot be calculated"),
    "long fraction": Case(text=prompt("a {{ 0." + "1" * 9000 + " }}")),
    "digits of another script": Case(text=prompt("a {{ 2.5٣ }}"), fact="cannot be read"),
    "endless fraction": Case(text=prompt("a {{ 1e999 }}"), fact="cannot be calculated"),
    "never closed": Case(text=prompt("{{ " * 6000), fact=_DEEP),
    "never opened": Case(text=prompt("x }} %} #}")),
    "comment never closed": Case(text=prompt("{# " + "x" * 9000), fact="breaks off here"),
    "raw never closed": Case(text=prompt("{% raw %}" + "{{" * 4000), fact="breaks off here"),
    "braces": Case(text=prompt("{" * 19_000), fact=_DEEP),
    "spaces in braces": Case(text=prompt("{{" + " " * 19_000 + "x }}"), fact="called 'x'"),
    "open names": Case(text=prompt("{{ a" * 4500), fact="breaks off here"),
}

CASES = {**ESCAPES, **LOOPS, **NESTED}
