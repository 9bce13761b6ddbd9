"""The user's settings: one file, each value with its origin, each fault with its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import config
from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.recipe.model import Budget, Caps

D = Decimal
PROVIDERS = ("animatic", "seegen")


def read(folder: Path, text: str) -> Config:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return config.load({"RUSHES_CONFIG": str(path)}, PROVIDERS)


def test_without_a_file_everything_is_default() -> None:
    """The platform's place may be empty; then time is UTC and nothing is capped."""
    assert config.load({}, PROVIDERS) == Config()
    assert Config().rows() == [("time_zone", "UTC", "default")]


def test_the_platforms_file_is_read_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`config.toml` in the platform's folder for it; a named one stands before it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = config.default_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('time_zone = "Asia/Tokyo"')
    assert config.load({}, PROVIDERS).time_zone == "Asia/Tokyo"
    assert read(tmp_path, "").time_zone == "UTC"


def test_every_setting_is_read_exactly_and_knows_its_origin(tmp_path: Path) -> None:
    """Amounts are decimals also where TOML wrote a float; `rows` says where each value comes from."""
    found = read(
        tmp_path,
        'time_zone = "Europe/Berlin"\n[budget.run]\nusd = 8.10\ncredits = {seegen = 2000}\n[budget.shot]\ncredits = 5\n'
        '[providers.seegen]\nconcurrency = 3\npoll_seconds = 0.5\nusd_per_credit = "0.004"\n',
    )
    assert found.budget == Budget(run=Caps(usd=D("8.10"), credits={"seegen": D(2000)}), shot=Caps(bare=D(5)))
    assert (found.widths, found.poll_seconds) == ({"seegen": 3}, {"seegen": D("0.5")})
    assert found.usd_per_credit == {"seegen": D("0.004")}
    assert {origin for _, _, origin in found.rows()} == {str(tmp_path / "mine.toml")}
    assert ("budget.run.credits.seegen", "2,000", str(tmp_path / "mine.toml")) in found.rows()
    assert ("providers.seegen.usd_per_credit", "0.004", str(tmp_path / "mine.toml")) in found.rows()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiem_zone = 'UTC'", r"tiem_zone is not a setting.*Did you mean time_zone\?"),
        ("[providers.seegan]", r"providers.seegan is not a setting.*Did you mean providers.seegen\?"),
        ("[providers.seegen]\nspeed = 1", "providers.seegen.speed is not a setting"),
        ("[providers.seegen]\nconcurrency = 0", "providers.seegen.concurrency is 0"),
        ("[providers.seegen]\nconcurrency = true", "providers.seegen.concurrency is True"),
        ("[providers.seegen]\nusd_per_credit = -1", "providers.seegen.usd_per_credit is not understood"),
        ("providers = 3", "providers must be a table"),
        ("[providers]\nanimatic = 3", r"providers.animatic must be a table.*\[providers.animatic\]"),
        ("[budget]\nrun = 3", r"budget.run must be a table.*\[budget.run\]"),
        ("[budget.year]\nusd = 1", "budget.year is not a setting"),
        ("[budget.run]\ncredits = {seegen = 'many'}", "budget.run.credits.seegen is not understood"),
        ("time_zone = 'Europe/Atlantis'", "'Europe/Atlantis', which is no time zone"),
        ("time_zone = '../../etc/passwd'", "no time zone"),
        ("time_zone = 'Europe'", "no time zone"),
        ("time_zone = ['UTC']", "no time zone"),
        ("time_zone = 3", "no time zone"),
        ("= 3", "is not TOML"),
    ],
)
def test_a_fault_names_the_file_and_the_setting(text: str, said: str, tmp_path: Path) -> None:
    """And the way out."""
    with pytest.raises(UserError, match=said) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "mine.toml") in caught.value.fact
    assert caught.value.hint


def test_a_named_file_must_be_there_and_readable(tmp_path: Path) -> None:
    """A name that leads nowhere, to a folder or to binary is told, not passed over."""
    with pytest.raises(UserError, match="does not exist"):
        config.load({"RUSHES_CONFIG": str(tmp_path / "none.toml")}, PROVIDERS)
    with pytest.raises(UserError, match="cannot be read"):
        config.load({"RUSHES_CONFIG": str(tmp_path)}, PROVIDERS)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        config.load({"RUSHES_CONFIG": str(tmp_path / "binary")}, PROVIDERS)
