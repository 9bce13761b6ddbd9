"""`rushes providers`: what each can do with no network, and with `--check` how the accounts stand over real HTTP."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.emulators.settings import KEYS
from pipeline.emulators.street import Stand, serve_beside
from pipeline.providers.catalog import PROVIDERS, SERVICES
from tests import stub
from tests.conftest import rushes

WRONG = "a-wrong-key-that-nobody-knows-0123"
SECRETS = (*(key for keys in KEYS.values() for key in keys), WRONG)
FORMATS = ("table", "json", "markdown")


@pytest.fixture(scope="module")
def street() -> Iterator[Mapping[str, Stand]]:
    with serve_beside() as stands:
        yield stands


def environ(street: Mapping[str, Stand], **said: str) -> dict[str, str]:
    """Every service at its stand-in, with its key, but for what is said."""
    made = {}
    for name, page in SERVICES.items():
        made[page.BASE_URL_ENV], made[page.KEY_ENV] = street[name].base_url, street[name].key
    return made | said


def config(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    return {"RUSHES_CONFIG": str(path)}


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Shown:
    """The command in this process: its exit code, and what it wrote."""

    def __init__(self, capsys: pytest.CaptureFixture[str], environ: Mapping[str, str], *args: str) -> None:
        self.code = main(["providers", *args], House.of_user({"COLUMNS": "100", **environ}))
        self.out, self.err = capsys.readouterr()
        for secret in SECRETS:
            assert secret not in self.out + self.err

    def words(self) -> str:
        return " ".join(self.out.split())

    def checks(self) -> dict[str, str]:
        """Each account's verdict, from JSON."""
        found = [one for row in json.loads(self.out)["providers"] for one in row["accounts"]]
        return {one["identity"]: one["check"]["verdict"] for one in found}


@pytest.mark.parametrize("format", FORMATS)
def test_without_check_nothing_is_asked(
    format: str, street: Mapping[str, Stand], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every provider is shown, and no service hears of it."""
    before = {name: len(stand.log) for name, stand in street.items()}
    shown = Shown(capsys, environ(street), "--format", format)
    assert (shown.code, shown.err) == (0, "")
    assert all(page.TITLE in shown.out for page in PROVIDERS.values())
    assert {name: len(stand.log) for name, stand in street.items()} == before


def test_keys_addresses_and_rehearsals_are_shown_by_name(
    street: Mapping[str, Stand], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable and whether it is set; the address where it is not the document's."""
    monkeypatch.setenv("COLUMNS", "200")
    said = environ(street, NACI_API_KEY="  ")
    del said["SEEDANCEE2_BASE_URL"]
    words = Shown(capsys, said).words()
    base = street["seegen"].base_url
    assert f"seegen: SEEGEN_API_KEY is set; at {base}; a rehearsal" in words
    assert "those of seegen@rehearsal" in words
    assert "seedancee2: SEEDANCEE2_API_KEY is set CREDITS A SECOND" in words
    assert "naci: NACI_API_KEY is not set" in words


def test_every_account_is_asked_and_told_of(
    street: Mapping[str, Stand],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Balances where there are any; no free call is no failure; a second key has a line of its own."""
    monkeypatch.setenv("COLUMNS", "200")
    second = config(tmp_path / "c.toml", '[accounts.agency]\nprovider = "seegen"\nkey_env = "AGENCY_SEEGEN_KEY"\n')
    said = environ(street, AGENCY_SEEGEN_KEY=KEYS["seegen"][1], **second)
    shown = Shown(capsys, said, "--check")
    lines = {line.split()[0]: line for line in shown.out.splitlines() if line[0] != " "}
    assert (shown.code, shown.err) == (0, "")
    assert "1,000,000 credits left ($4,000.00)" in lines["seegen@rehearsal"]
    assert "1,000,000 credits left ($4,000.00)" in lines["agency@rehearsal"]
    assert lines["seedance2-movie@rehearsal"].endswith("1,000,000 credits left")
    assert "the key is good; it may use pro, fast, mini" in lines["seedancee2@rehearsal"]
    assert "cannot be asked" in lines["naci@rehearsal"]
    assert "needs no key" in lines["animatic"]
    assert Shown(capsys, said, "--check", "--format", "json").checks() == {
        "seegen@rehearsal": "good",
        "agency@rehearsal": "good",
        "seedance2-movie@rehearsal": "good",
        "seedancee2@rehearsal": "good",
        "naci@rehearsal": "unasked",
    }


@pytest.mark.parametrize("format", FORMATS)
def test_a_wrong_key_is_refused_and_never_shown(
    format: str, street: Mapping[str, Stand], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, with the service's words and the variable to look at; the others are told all the same."""
    wrong = {page.KEY_ENV: WRONG for name, page in SERVICES.items() if name != "seedance2-movie"}
    shown = Shown(capsys, environ(street, **wrong), "--check", "--format", format)
    assert shown.code == 1
    assert shown.words().count("the key is refused: ") == 2
    assert "1,000,000 credits left" in shown.words()


def test_what_does_not_answer_is_told(street: Mapping[str, Stand], capsys: pytest.CaptureFixture[str]) -> None:
    """A port where nobody listens, and an address that is another's: exit 1, at once."""
    said = environ(street, SEEGEN_BASE_URL=f"http://127.0.0.1:{closed_port()}/api/v1")
    said["SEEDANCEE2_BASE_URL"] = street["naci"].base_url
    shown = Shown(capsys, said, "--check")
    assert shown.code == 1
    assert "cannot be reached (127.0.0.1)." in shown.words()
    assert "1,000,000 credits left" in shown.words()
    verdicts = Shown(capsys, said, "--check", "--format", "json").checks()
    assert (verdicts["seegen@rehearsal"], verdicts["seedance2-movie@rehearsal"]) == ("unreachable", "good")
    assert verdicts["seedancee2@rehearsal"] in ("amiss", "refused")


def test_a_missing_key_is_a_failure_only_of_who_is_named(
    street: Mapping[str, Stand], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without a name it is passed over; with one it is exit 2, unless another key of that service is there."""
    said = environ(street, SEEGEN_API_KEY="")
    assert Shown(capsys, said, "--check").code == 0
    shown = Shown(capsys, said, "seegen", "--check")
    assert (shown.code, shown.out) == (2, "")
    assert "SEEGEN_API_KEY is not set" in shown.err
    assert "Hint: " in shown.err
    assert Shown(capsys, said, "seegen").code == 0
    second = config(tmp_path / "c.toml", '[accounts.agency]\nprovider = "seegen"\nkey_env = "AGENCY_SEEGEN_KEY"\n')
    both = {**said, **second, "AGENCY_SEEGEN_KEY": KEYS["seegen"][1]}
    checks = Shown(capsys, both, "seegen", "--check", "--format", "json").checks()
    assert checks == {"seegen@rehearsal": "no key", "agency@rehearsal": "good"}
    assert Shown(capsys, {**said, **second}, "agency", "--check").code == 2


def test_what_can_be_no_key_is_refused_here(street: Mapping[str, Stand], capsys: pytest.CaptureFixture[str]) -> None:
    """Also for a service that cannot be asked; named alone it is exit 2."""
    said = environ(street, NACI_API_KEY=f"{WRONG} {WRONG}")
    shown = Shown(capsys, said, "--check")
    assert shown.code == 1
    assert "NACI_API_KEY holds what can be no key of naci." in shown.words()
    assert Shown(capsys, said, "naci", "--check").code == 2


def test_names_narrow(street: Mapping[str, Stand], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A provider with all of its accounts, or one account; in the order of the house, once each."""
    second = config(tmp_path / "c.toml", '[accounts.agency]\nprovider = "seegen"\nkey_env = "AGENCY_SEEGEN_KEY"\n')

    def named(*names: str) -> list[tuple[str, list[str]]]:
        shown = Shown(capsys, {**environ(street), **second}, *names, "--format", "json")
        rows = json.loads(shown.out)["providers"]
        return [(row["provider"], [one["account"] for one in row["accounts"]]) for row in rows]

    assert named("naci", "animatic", "naci") == [("animatic", []), ("naci", ["naci"])]
    assert named("seegen") == named("seegen", "agency") == [("seegen", ["seegen", "agency"])]
    assert named("agency") == [("seegen", ["agency"])]


def test_an_unknown_name_is_told_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and a hint."""
    shown = Shown(capsys, {}, "segen")
    assert (shown.code, shown.out) == (2, "")
    assert "Hint: Did you mean seegen?" in shown.err


def test_the_configuration_is_in_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Edition, width, prices and the price of a credit."""
    text = '[providers.seegen]\nedition = "seegen-older"\nconcurrency = 9\n'
    text += '[providers.naci]\nprices = {"sd2.0" = {720p = 18}}\nusd_per_credit = "0.004"\n'
    shown = Shown(capsys, config(tmp_path / "c.toml", text), "--format", "json")
    rows = {row["provider"]: row for row in json.loads(shown.out)["providers"]}
    assert (rows["seegen"]["edition"], rows["seegen"]["concurrency"]) == ("seegen-older", 9)
    assert rows["seegen"]["upscaler"] is None
    price = rows["naci"]["models"][0]["prices"][1]
    assert (price["credits"], price["usd_per_credit"]) == (18, 0.004)


def test_a_provider_of_another_house_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    """As local as animatic."""
    assert main(["providers", "stub"], House(providers={**PROVIDERS, "stub": stub})) == 0
    assert capsys.readouterr().out.startswith("stub  One grey point\n")


def test_the_command_checks_over_real_http(street: Mapping[str, Stand]) -> None:
    """As a process: the document alone on standard output, exit 0; with a wrong key exit 1 and no traceback."""
    said = {**os.environ, **environ(street)}
    done = rushes("providers", "--check", "--format", "json", env=said, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["providers"]) == len(PROVIDERS)
    done = rushes("providers", "seegen", "--check", env={**said, "SEEGEN_API_KEY": WRONG}, timeout=60)
    assert done.returncode == 1
    assert "the key is refused" in done.stdout
    assert "Traceback" not in done.stderr
    assert WRONG not in done.stdout + done.stderr


def test_showing_loads_no_client_and_no_codec() -> None:
    """Without `--check` nothing needs httpx, PyAV or the database."""
    import subprocess
    import sys

    code = (
        "import sys\nfrom pipeline.cli.main import main\nmain(['providers'])\n"
        "print([m for m in ('av', 'PIL', 'httpx', 'jinja2', 'starlette') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
