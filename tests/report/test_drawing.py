"""Plans as pictures: well-formed, complete, and with labels that stay labels."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from xml.etree import ElementTree

import pytest

from pipeline.plan.model import Plan
from pipeline.report.drawing import dot, mermaid, svg
from tests.report.hostile import hostile_plan
from tests.report.stories import Memory, Told, cut, lighthouse, plan, shot

SVG = "{http://www.w3.org/2000/svg}"


def edges(some: Plan) -> int:
    return sum(len(step.needs) for step in some.steps)


def test_svg_has_a_box_for_every_step_and_an_arrow_into_every_follower() -> None:
    """Each box carries its action's colour and its reason; nothing lies outside the paper."""
    first = Told(lighthouse()).make("sheet/generate")
    some = plan(*first.plan.recipe.shots, film=first.plan.recipe.film, known=Memory(first.events))
    root = ElementTree.fromstring(svg(some))
    boxes = root.findall(f".//{SVG}rect[@class='box']")
    assert len(boxes) == len(some.steps)
    titles = [title.text for title in root.findall(f".//{SVG}g/{SVG}title")]
    assert titles[0] == "sheet/generate: reuse, made 2026-01-01 12:00 UTC"
    assert len(root.findall(f".//{SVG}g[@class='reuse']/{SVG}title")) == 1
    arrows = root.findall(f".//{SVG}path[@marker-end]")
    followers = {step.id for step in some.steps if step.needs}
    assert len(followers) <= len(arrows) <= edges(some)
    wide, tall = float(root.get("width", 0)), float(root.get("height", 0))
    for box in boxes:
        x, y, w, h = (float(box.get(name, -1)) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= wide
        assert 0 <= y <= y + h <= tall


def test_svg_of_hostile_texts_is_well_formed_and_holds_no_markup_of_theirs() -> None:
    """Only the drawing's own elements come out, no link and no script."""
    root = ElementTree.fromstring(svg(hostile_plan()))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "title",
        "style",
        "defs",
        "marker",
        "path",
        "rect",
        "g",
        "text",
    }
    names = {name for element in root.iter() for name in element.attrib}
    assert not any(name.startswith("on") or "href" in name for name in names)


def test_a_thousand_steps_are_drawn_at_once() -> None:
    """A drawing of 1,000 steps takes a fraction of a second, also when every clip goes into one film."""
    shots = [shot(f"s{i}", **({"chain": f"s{i - 1}"} if i % 10 else {})) for i in range(520)]
    some = plan(*shots, film=cut(*[s.id for s in shots]))
    started = time.process_time()
    text = svg(some)
    assert time.process_time() - started < 1
    assert text.count('class="box"') == len(some.steps) > 980


def test_mermaid_labels_hold_nothing_that_mermaid_or_html_would_read() -> None:
    """Inside the quotes of a label there are letters, digits, a few marks, numbered characters and our line break."""
    for some in (hostile_plan(), lighthouse()):
        lines = mermaid(some).splitlines()
        assert lines[0] == "flowchart LR"
        labels = [line for line in lines if "[" in line]
        assert len(labels) == len(some.steps)
        for label in labels:
            text = re.fullmatch(r'  n\d+\["(.*)"\]:::(run|reuse|resume|blocked)', label)
            assert text
            assert re.fullmatch(r"[\w ./,-]*", re.sub(r"#\d+;|<br/>", "", text[1]))
        assert len([line for line in lines if re.fullmatch(r"  n\d+ --> n\d+", line)]) == edges(some)


def test_dot_strings_end_where_they_should() -> None:
    """Every line of the digraph is a node or an edge, with quotes only at the ends of its strings."""
    for some in (hostile_plan(), lighthouse()):
        _, _, _, *body, last = dot(some).splitlines()
        assert last == "}"
        string = r'"(?:[^"\\]|\\.)*"'
        node = re.compile(rf"  n\d+ \[label={string}, fillcolor={string}, tooltip={string}\];")
        nodes = [line for line in body if node.fullmatch(line)]
        arrows = [line for line in body if re.fullmatch(r"  n\d+ -> n\d+;", line)]
        assert (len(nodes), len(arrows)) == (len(some.steps), edges(some))
        assert len(body) == len(nodes) + len(arrows)


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz is not installed")
def test_graphviz_reads_every_label_back() -> None:
    """Graphviz takes the text, and shows the labels as they were meant."""
    some = hostile_plan()
    done = subprocess.run(["dot", "-Tplain"], input=dot(some), capture_output=True, text=True, check=True, timeout=30)
    assert not done.stderr
    assert done.stdout.count("\nnode ") == len(some.steps)
    drawn = subprocess.run(["dot", "-Tsvg"], input=dot(some), capture_output=True, text=True, check=True, timeout=30)
    texts = [text.text or "" for text in ElementTree.fromstring(drawn.stdout).iter(f"{SVG}text")]
    assert any("<img src=x onerror=alert(1)>" in text for text in texts)
