"""The house in a few calls: what reads writes nothing, saved plans hold, documents are checked before they are used."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.config import Config
from pipeline.desk import House, Wants
from pipeline.digest import dumps, loads
from pipeline.errors import OverBudget, RecipeError, StalePlan, UserError
from tests.till import Till

D = Decimal
Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]
STILLS = "defaults: {kind: image, provider: stub}\nshots:\n  - {id: a, prompt: x}\n  - {id: b, prompt: y, needs: [a]}\n"
PAID = "defaults: {provider: till, duration: 2}\nshots:\n  - {id: a, prompt: first}\n"
YES = Wants(yes=True, max_credits=D(100))


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def through_a_file(value: object) -> Any:
    return loads(dumps(value))


def test_reading_and_planning_leave_no_trace(write: Write, house: MakeHouse, tmp_path: Path) -> None:
    """No workspace, no output, no lock; status says that nothing was run."""
    path = write(STILLS)
    home, _ = house()
    assert api.check(path, house=home) == ()
    assert [step.action.value for step in api.plan(path, house=home).plan.steps] == ["run", "run"]
    with pytest.raises(UserError, match="was never run here"):
        api.status(path, house=home)
    assert below(tmp_path) == {"recipe.yaml"}


def test_check_tells_faults_and_warnings(write: Write, house: MakeHouse) -> None:
    """Faults are raised all together; warnings come back."""
    home, _ = house()
    with pytest.raises(RecipeError) as caught:
        api.check(write(STILLS.replace("needs: [a]", "needs: [c], colour: red")), house=home)
    assert len(caught.value.faults) == 2
    found = api.check(write(PAID + "  - {id: b, prompt: first}\n"), house=home)
    assert [fault.warning for fault in found] == [True]


def test_a_run_and_its_status_tell_the_same(write: Write, house: MakeHouse) -> None:
    """After the run, the status is its manifest; both are what lies on the disk."""
    path = write(STILLS)
    home, _ = house()
    ended = api.run(path, house=home)
    assert (ended.status, ended.exit_code, ended.began) == ("complete", 0, True)
    assert through_a_file(ended.manifest) == loads((ended.output / "manifest.json").read_bytes())
    assert api.status(path, house=home)["run"] == ended.manifest["run"]


def test_a_saved_plan_keeps_its_caps(write: Write, house: MakeHouse, tmp_path: Path) -> None:
    """Exact amounts after the way through JSON, and the tightest of them and of those given now."""
    path = write(PAID)
    home, service = house()
    saved = through_a_file(api.save_plan(api.plan(path, Wants(max_credits=D(5)), home)))
    for wants in (YES, Wants(yes=True, max_credits=D("4.5"))):
        with pytest.raises(OverBudget, match=f"of {min(wants.max_credits or D(5), D(5))} for the run"):
            api.run(tmp_path / "plan.json", wants, home, saved=saved)
    assert service.asked == []


def test_a_saved_plan_is_stale_when_it_would_cost_more(write: Write, house: MakeHouse, tmp_path: Path) -> None:
    """In credits or in dollars; cheaper is no reason."""
    path = write(PAID)
    home, service = house(config=Config(usd_per_credit={"till": D("0.05")}))
    saved = through_a_file(api.save_plan(api.plan(path, house=home)))
    dearer, _ = house(config=Config(usd_per_credit={"till": D("0.06")}))
    with pytest.raises(StalePlan, match=r"a/generate would now cost 0\.36 instead of 0\.3"):
        api.run(tmp_path / "plan.json", YES, dearer, saved=saved)
    unknown, _ = house()
    with pytest.raises(StalePlan, match="would now cost None"):
        api.run(tmp_path / "plan.json", YES, unknown, saved=saved)
    cheaper, service = house(config=Config(usd_per_credit={"till": D("0.04")}))
    assert api.run(tmp_path / "plan.json", YES, cheaper, saved=saved).exit_code == 0
    assert service.charged == 6


@pytest.mark.parametrize("change", [{"steps": None}, {"wants": None}, {"recipe": {}}, {"steps": [{}]}])
def test_what_is_no_plan_is_refused(change: dict[str, Any], write: Write, house: MakeHouse, tmp_path: Path) -> None:
    """A document with a part taken away or spoilt, before anything is read on its word."""
    home, _ = house()
    saved = through_a_file(api.save_plan(api.plan(write(PAID), house=home)))
    broken = {name: value for name, value in (saved | change).items() if value is not None}
    with pytest.raises(UserError, match="is no saved plan"):
        api.run(tmp_path / "plan.json", YES, home, saved=broken)


def test_verify_finds_each_kind_of_damage(write: Write, house: MakeHouse) -> None:
    """Gone, changed, out of the folder: each named with its shot; a whole output has none, also when moved."""
    home, _ = house()
    output = api.run(write(STILLS), house=home).output
    moved = output.rename(output.parent / "elsewhere")
    manifest = moved / "manifest.json"
    assert api.verify(manifest) == []
    (moved / "shots" / "a.png").unlink()
    (moved / "shots" / "b.png").chmod(0o644)
    (moved / "shots" / "b.png").write_bytes(b"other")
    assert api.verify(manifest) == [
        "a: shots/a.png is missing",
        "b: shots/b.png is not the file that was made: its digest differs",
    ]
    manifest.write_text(manifest.read_text().replace("shots/a.png", "../../../etc/passwd"))
    assert api.verify(manifest)[0] == "a: ../../../etc/passwd leaves the manifest's folder"


def test_the_page_is_made_again_from_the_manifest_alone(write: Write, house: MakeHouse, tmp_path: Path) -> None:
    """The same page, without recipe or workspace; what is no manifest makes none."""
    home, _ = house()
    output = api.run(write(STILLS), house=home).output
    page = (output / "report.html").read_bytes()
    (output / "report.html").unlink()
    shutil.rmtree(tmp_path / ".rushes")
    assert api.report(output / "manifest.json").read_bytes() == page
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UserError, match="is no manifest"):
        api.report(tmp_path / "other.json")
    with pytest.raises(UserError, match="cannot be read"):
        api.verify(tmp_path / "none.json")


def test_a_manifest_is_found_by_whatever_names_its_run(
    write: Write, house: MakeHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe, the folder, the file, the run's id, or nothing for the newest."""
    path = write(STILLS)
    home, _ = house()
    ended = api.run(path, house=home)
    monkeypatch.chdir(tmp_path)
    for name in (path, ended.output, ended.output / "manifest.json", ended.manifest["run"]["id"], ""):
        assert api.manifest_path(str(name), house=home) == ended.output / "manifest.json"
    for name in ("20200101-000000-0000", "none/manifest.json"):
        with pytest.raises(UserError):
            api.manifest_path(name, house=home)
