"""A manifest in words: right, within its width, and with no text that becomes markup or moves the cursor."""

from __future__ import annotations

import re

from pipeline.report.legible import cells
from pipeline.report.manifest import manifest
from pipeline.report.markdown import dollars, status_text, summary
from tests.report.hostile import hostile_run
from tests.report.stories import Memory, Told, lighthouse, plan, shot


def test_status_is_a_table_with_the_money_below() -> None:
    """One line a take and one for the film: how it stands, who makes it, what it costs, its file or its error."""
    run = Told(lighthouse()).make("sheet/generate", "opening/generate", "dawn/generate", "dawn/last_frame")
    run.start("lamp/generate").submit("lamp/generate").settle("lamp/generate", "0", "50")
    run.fail("lamp/generate", "the prompt was refused")
    assert status_text(manifest(run.story("partial"))).splitlines() == [
        "lighthouse: run 20260101-120000-ab12 is partial, 3 done, 2 pending, 1 failed, 1 skipped",
        "",
        "TAKE       STATUS   BY                    CREDITS",
        "sheet      done     animatic gpt-image-2     free  shots/sheet.png",
        "opening    done     animatic gpt-image-2     free  shots/opening.png",
        "dawn       done     till seedance-2            50  shots/dawn.mp4",
        "lamp       failed   till seedance-2             0  the prompt was refused",
        "gallery    skipped  animatic seedance-2      free  needs lamp/generate, which failed",
        "harbour    pending  animatic seedance-2      free  not made yet",
        "harbour@2  pending  animatic seedance-2      free  not made yet",
        "film       skipped  this machine             free  needs lamp/generate, which failed",
        "",
        "till: 50 credits charged, 50 refunded of 100 estimated (cap 400)",
        "Dollars: $0.20 (cap $8.00)",
        "till: not charged as estimated (50 less than estimated): lamp/generate 0 of 50 (50 given back)",
    ]


def test_stale_takes_are_marked_and_the_mark_is_explained() -> None:
    """A kept clip that no longer fits its recipe has a star."""
    first = Told(plan(shot("a"), shot("b"))).make()
    run = Told(plan(shot("a"), shot("b", prompt="new"), known=Memory(first.events), only=("a",)))
    text = status_text(manifest(run.story(run="other", kept=Memory(first.events).all)))
    assert re.search(r"^b +reused\* ", text, re.MULTILINE)
    assert text.endswith("* stale: kept although what it was made from has changed")


def test_no_text_moves_the_cursor_or_leaves_its_line() -> None:
    """Escapes, breaks and marks of direction of strangers do not reach a terminal, and no line is too long."""
    found = manifest(hostile_run().story("partial"))
    text = status_text(found, width=80)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert all(cells(line) <= 80 for line in text.splitlines())
    assert len([line for line in text.splitlines() if line.startswith(("a ", "b "))]) == 2


def test_markdown_shows_strangers_texts_as_they_are() -> None:
    """No link, picture, HTML, mention or further column comes out of a text; every row has its five cells."""
    text = summary(manifest(hostile_run().story("partial")))
    bare = re.sub(r"\\.|`[^`]*`|&#\d+;", "", text.replace("**", ""))
    assert not re.search(r"[<>@*]|!\[|https://|www\.", bare)
    assert re.findall(r"\[[^\]]*\]\([^)]*\)", bare) == ["[file](./shots/a.mp4)"]
    rows = [line for line in bare.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}


def test_markdown_of_a_good_run() -> None:
    """Title, counts, a row a take with its file, the film, the money."""
    text = summary(manifest(Told(lighthouse()).make().story()))
    assert text.startswith("# The Lighthouse Keeper\n\nRun `20260101-120000-ab12` is **complete**: 7 done.\n")
    assert "| `harbour@2` [file](./shots/harbour@2.mp4) | done | animatic seedance-2 | free | not made yet |" in text
    assert "Film done: [film.mp4](./film.mp4)" in text
    assert "- Dollars: $0.40 (cap $8.00)" in text


def test_dollars_have_their_cents_and_never_lose_a_part_of_one() -> None:
    """Two places at least, more where the amount has them."""
    assert [dollars(value) for value in ("8", "0.4", "1234.5", "0.004", "0")] == [
        "$8.00",
        "$0.40",
        "$1,234.50",
        "$0.004",
        "$0.00",
    ]


def test_a_reason_is_told_to_its_end() -> None:
    """What does not fit beside the takes goes on below, in its column."""
    run = Told(plan(shot("a"))).start("a/generate")
    run.fail("a/generate", "the words of a service that has much to say about a prompt that it does not like")
    lines = status_text(manifest(run.story("failed")), width=80).splitlines()
    first, second, *_ = lines[3:]
    assert max(map(cells, lines)) <= 80
    assert "…" not in "".join(lines)
    assert second.startswith(" " * first.index("the words of"))
    assert "does not like" in " ".join(" ".join(lines).split())
