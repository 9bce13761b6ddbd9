"""A plan as a picture: SVG drawn here, or text for Mermaid and Graphviz. Every label is a stranger's: it is escaped."""

from __future__ import annotations

import html

from pipeline.plan.budget import Book
from pipeline.plan.model import Action, Plan, Step, take_id
from pipeline.report.layered import Point, layout
from pipeline.report.legible import fit, line
from pipeline.report.markdown import escaped
from pipeline.report.plan_text import by, price, summary, sums

_WORDS = {Action.RUN: "to make", Action.REUSE: "there", Action.RESUME: "under way", Action.BLOCKED: "blocked"}
_MARGIN = 28.0
_WIDE, _TALL = 186.0, 46.0
_SMALL_WIDE, _SMALL_TALL = 84.0, 26.0
_HEAD = 64.0

_STYLE = """
.paper{fill:#fbfaf8}.box{fill:#fff;stroke:#d9d5cd}.edge{fill:none;stroke:#b4aea3;stroke-width:1.4}.tip{fill:#b4aea3}
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#2a2723}
.name{font-weight:600}.fine{font-size:10.5px;fill:#7b756b}.title{font-size:17px;font-weight:650}
.run .bar{fill:#c98a1b}.reuse .bar{fill:#4f9368}.resume .bar{fill:#3f7fb8}.blocked .bar{fill:#c0493d}
.reuse .box{fill:#f6f8f4}.blocked .box{fill:#fdf3f1;stroke:#e3b7b1}.follows .box{stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){
.paper{fill:#15161a}.box{fill:#1f2127;stroke:#363943}.edge{stroke:#555a67}.tip{fill:#555a67}text{fill:#e8e6e1}
.fine{fill:#9a9ba3}.reuse .box{fill:#1b2320}.blocked .box{fill:#2a1d1d;stroke:#5f3634}}
""".strip().replace("\n", "")


_SMALL = ("last_frame", "upload")  # kinds that only hand something on


def svg(plan: Plan) -> str:
    """The plan as one SVG document: boxes left to right, coloured by what a run would do about each step."""
    number = {step.id: i for i, step in enumerate(plan.steps)}
    needs = {i: [number[name] for name in step.needs if name in number] for i, step in enumerate(plan.steps)}
    sizes = [(_SMALL_WIDE, _SMALL_TALL) if step.kind in _SMALL else (_WIDE, _TALL) for step in plan.steps]
    found = layout(sizes, needs)
    wide = max(found.width, 560.0) + 2 * _MARGIN
    tall = found.height + _HEAD + 2 * _MARGIN
    title = _xml(plan.recipe.title or plan.recipe.name)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{tall:.0f}" '
        f'viewBox="0 0 {wide:.0f} {tall:.0f}" role="img"><title>{title}</title><style>{_STYLE}</style>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="tip" d="M0 .8 7 4 0 7.2z"/></marker></defs>'
        '<rect class="paper" width="100%" height="100%"/>',
        _head(plan, title),
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN + _HEAD:.0f})">',
    ]
    if found.lanes:
        parts.append(f'<path class="edge" d="{"".join(_curve(*way) for way in found.lanes)}"/>')
    parts.extend(f'<path class="edge" marker-end="url(#tip)" d="{_curve(*way)}"/>' for way in found.ends)
    parts.extend(_box(step, at, size) for step, at, size in zip(plan.steps, found.boxes, sizes, strict=True))
    parts.append("</g></svg>\n")
    return "\n".join(parts)


def _head(plan: Plan, title: str) -> str:
    """The title, what is to pay, and what the colours mean."""
    counts = {action: sum(step.action is action for step in plan.steps) for action in Action}
    pay = sums(plan.totals(), plan)
    told = "nothing to pay" if pay == "nothing" else f"up to {pay} to pay"
    lines = [
        f'<text class="title" x="{_MARGIN:.0f}" y="{_MARGIN + 10:.0f}">{title}</text>',
        f'<text class="fine" x="{_MARGIN:.0f}" y="{_MARGIN + 32:.0f}">{_xml(told)}</text>',
    ]
    x = _MARGIN + 20 + 6.2 * len(told)
    for action, count in counts.items():
        if count:
            words = f"{count} {_WORDS[action]}"
            lines.append(
                f'<g class="{action.value}">'
                f'<rect class="bar" x="{x:.0f}" y="{_MARGIN + 23:.0f}" width="10" height="10" rx="3"/>'
                f'<text class="fine" x="{x + 16:.0f}" y="{_MARGIN + 32:.0f}">{words}</text></g>'
            )
            x += 40 + 5.8 * len(words)
    return "".join(lines)


def _box(step: Step, at: Point, size: tuple[float, float]) -> str:
    x, y = at
    wide, tall = size
    classes = step.action.value + (" follows" if step.follows else "")
    told = f"{step.id}: {step.action.value}{', ' + step.why if step.why else ''}"
    shape = (
        f'<g class="{classes}"><title>{_xml(told)}</title>'
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{wide:.0f}" height="{tall:.0f}" rx="7"/>'
        f'<rect class="bar" x="{x:.1f}" y="{y + 7:.1f}" width="3.5" height="{tall - 14:.0f}" rx="1.7"/>'
    )
    if step.kind in _SMALL:
        small = _xml(fit(step.kind.replace("_", " ") if step.shot else step.id.partition("/")[0], 13))
        return f'{shape}<text class="fine" x="{x + 12:.1f}" y="{y + 16.5:.1f}">{small}</text></g>'
    second = " · ".join(filter(None, (by(step), price(step) if step.account else "")))
    return (
        f'{shape}<text class="name" x="{x + 13:.1f}" y="{y + 19:.1f}">{_xml(fit(_name(step), 25))}</text>'
        f'<text class="fine" x="{x + 13:.1f}" y="{y + 35:.1f}">{_xml(fit(line(second), 30))}</text></g>'
    )


def _name(step: Step) -> str:
    """What a box is called: its take, and what is done to it where that is not making it."""
    if not step.shot:
        return step.id
    take = take_id(step.shot, step.take)
    return take if step.kind == "generate" else f"{take}, {step.kind.replace('_', ' ')}"


def _curve(start: Point, end: Point) -> str:
    """A path that leaves and arrives level."""
    (x, y), (to_x, to_y) = start, end
    if abs(to_y - y) < 0.5:
        return f"M{x:.1f} {y:.1f}H{to_x:.1f}"
    half = (x + to_x) / 2
    return f"M{x:.1f} {y:.1f}C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _xml(text: str) -> str:
    return html.escape(line(text))


def mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flowchart."""
    number = {step.id: i for i, step in enumerate(plan.steps)}
    lines = ["flowchart LR"]
    for i, step in enumerate(plan.steps):
        label = "<br/>".join(_mermaid(part) for part in _label(step))
        lines.append(f'  n{i}["{label}"]:::{step.action.value}')
    for i, step in enumerate(plan.steps):
        lines.extend(f"  n{number[name]} --> n{i}" for name in step.needs if name in number)
    lines += [
        "  classDef run fill:#fdf3df,stroke:#c98a1b,color:#2a2723",
        "  classDef reuse fill:#e9f3ec,stroke:#4f9368,color:#2a2723",
        "  classDef resume fill:#e6f0f8,stroke:#3f7fb8,color:#2a2723",
        "  classDef blocked fill:#fbe8e5,stroke:#c0493d,color:#2a2723",
    ]
    return "\n".join(lines) + "\n"


def markdown(plan: Plan, book: Book | None = None) -> str:
    """The plan as Markdown: drawn, then what is to pay and what the caps leave."""
    said = "\n".join(f"- {escaped(one)}" for one in summary(plan, book))
    return f"```mermaid\n{mermaid(plan)}```\n\n{said}"


def _label(step: Step) -> tuple[str, str]:
    cost = f", {price(step)} credits" if step.account else ""
    return step.id, f"{by(step)}{cost}"


def _mermaid(text: str) -> str:
    """A text inside a quoted label: whatever could be markup is written as its number."""
    return "".join(c if c.isalnum() or c in " ./,-_" else f"#{ord(c)};" for c in line(text))


_FILLS = {
    Action.RUN: "#fdf3df",
    Action.REUSE: "#e9f3ec",
    Action.RESUME: "#e6f0f8",
    Action.BLOCKED: "#fbe8e5",
}


def dot(plan: Plan) -> str:
    """The plan as a Graphviz digraph."""
    number = {step.id: i for i, step in enumerate(plan.steps)}
    lines = [
        f'digraph "{_dot(plan.recipe.name)}" {{',
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];',
    ]
    for i, step in enumerate(plan.steps):
        label = "\\n".join(_dot(part) for part in _label(step))
        lines.append(f'  n{i} [label="{label}", fillcolor="{_FILLS[step.action]}", tooltip="{_dot(step.why)}"];')
    for i, step in enumerate(plan.steps):
        lines.extend(f"  n{number[name]} -> n{i};" for name in step.needs if name in number)
    return "\n".join([*lines, "}"]) + "\n"


def _dot(text: str) -> str:
    """A text inside a quoted string; Graphviz reads HTML entities there too."""
    return line(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
