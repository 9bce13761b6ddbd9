"""Whose credits are spent: services as the user has set them up, their accounts, their keys, their wires."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import cast

import anyio
import pytest

from pipeline import accounts as accounting
from pipeline import config as configuration
from pipeline.accounts import REHEARSAL, Account, accounts, key, open_wire, pages
from pipeline.config import AccountSettings, Config, NaciSettings
from pipeline.errors import UserError
from pipeline.providers import catalog, naci, seegen, seegen_older
from pipeline.providers.base import Call
from tests import stub

D = Decimal
AGENCY = Config(accounts={"agency": AccountSettings(provider="seegen", key_env="AGENCY_SEEGEN_KEY")})
SERVICES = ["seegen", "seedance2-movie", "seedancee2", "naci"]


def those_of(config: Config, environ: Mapping[str, str]) -> dict[str, Account]:
    return accounts(config, environ, pages(config))


def test_every_provider_has_a_page_and_what_is_local_comes_first() -> None:
    """Without configuration they are the catalog's own."""
    found = pages(Config())
    assert list(found) == ["animatic", *SERVICES]
    assert found == {**catalog.LOCAL, **catalog.SERVICES}


def test_pages_are_as_the_user_has_set_them_up() -> None:
    """The edition of a document; the gateway's models, prices and habits, and what its credits cost."""
    assert pages(Config(editions={"seegen": "seegen-older"}))["seegen"] is seegen_older
    assert pages(Config(editions={"seegen": "seegen"}))["seegen"] is seegen
    settings = NaciSettings(
        models={"seedance-2-fast": "own"}, prices={"own": {"480p": D(9)}}, data_urls=False, mainline=True
    )
    page = pages(Config(naci=settings, usd_per_credit={"naci": D("0.004")}))["naci"]
    assert page == naci.page(
        models={"seedance-2-fast": "own"},
        prices={"own": {"480p": D(9)}},
        usd_per_credit=D("0.004"),
        data_urls=False,
        mainline=True,
    )
    assert pages(Config(usd_per_credit={"naci": D("0.004")}))["naci"] == naci.page(usd_per_credit=D("0.004"))


def test_each_service_has_an_account_of_its_name_beside_those_of_the_configuration() -> None:
    """With the variables that its document's page names; `base` is empty for the document's own address."""
    found = those_of(AGENCY, {})
    assert list(found) == [*SERVICES, "agency"]
    assert found["seegen"] == Account(name="seegen", provider="seegen", page=seegen, key_env="SEEGEN_API_KEY")
    assert found["agency"] == Account(name="agency", provider="seegen", page=seegen, key_env="AGENCY_SEEGEN_KEY")
    assert {account.rehearsal for account in found.values()} == {False}
    assert [account.identity for account in found.values()] == list(found)


def test_a_services_own_account_may_take_its_key_from_elsewhere() -> None:
    """It is still one account, of the service's name."""
    config = Config(accounts={"naci": AccountSettings(provider="naci", key_env="WORK_KEY")})
    found = those_of(config, {})
    assert list(found) == SERVICES
    assert found["naci"].key_env == "WORK_KEY"


def test_an_account_goes_with_the_edition_of_its_service() -> None:
    """One page speaks for the service, whosever key it is."""
    config = Config(accounts=AGENCY.accounts, editions={"seegen": "seegen-older"})
    assert {those_of(config, {})[name].page for name in ("seegen", "agency")} == {seegen_older}


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080/api/v1", "http://localhost:1", "https://[::1]:8443"])
def test_a_service_on_this_machine_makes_a_rehearsal_of_all_its_accounts(base: str) -> None:
    """Money and results go by another name then, and the other services stay real."""
    found = those_of(AGENCY, {"SEEGEN_BASE_URL": f" {base}/ "})
    assert [found[name].base for name in ("seegen", "agency")] == [base, base]
    assert [found[name].identity for name in ("seegen", "agency", "naci")] == [
        "seegen@rehearsal",
        "agency@rehearsal",
        "naci",
    ]
    assert REHEARSAL == "@rehearsal"


def test_another_public_address_is_no_rehearsal() -> None:
    """A mirror spends real credits; a blank variable is none."""
    found = those_of(Config(), {"SEEGEN_BASE_URL": "https://mirror.example/api/v1/", "NACI_BASE_URL": "  "})
    assert (found["seegen"].base, found["seegen"].identity) == ("https://mirror.example/api/v1", "seegen")
    assert found["naci"].base == ""


@pytest.mark.parametrize("bad", ["http://mirror.example", "https://me:hunter2@mirror.example", "hunter2"])
def test_a_base_url_that_is_none_is_told_by_its_variable(bad: str) -> None:
    """And not said back, since a password may be in it."""
    with pytest.raises(UserError, match="SEEDANCEE2_BASE_URL") as caught:
        those_of(Config(), {"SEEDANCEE2_BASE_URL": bad})
    assert "hunter2" not in str(caught.value)


def test_an_account_of_no_service_is_told() -> None:
    """Where a house knows other providers than the configuration does; a local page has no account."""
    with pytest.raises(UserError) as caught:
        accounts(AGENCY, {}, {"stub": stub, "naci": catalog.SERVICES["naci"]})
    assert caught.value.fact == "the account agency is one of seegen, which is no service here."
    assert caught.value.hint == "Known here: naci."
    assert accounts(Config(), {}, {"stub": stub}) == {}


def test_a_key_comes_from_its_variable_alone() -> None:
    """Without the blanks that copying leaves around it."""
    found = those_of(AGENCY, {})
    environ = {"SEEGEN_API_KEY": "sg-1", "AGENCY_SEEGEN_KEY": " sg-2\n"}
    assert [key(found[name], environ) for name in ("seegen", "agency")] == ["sg-1", "sg-2"]


@pytest.mark.parametrize("environ", [{}, {"AGENCY_SEEGEN_KEY": " \n", "SEEGEN_API_KEY": "sg-1"}])
def test_a_missing_key_is_told_by_its_variable(environ: dict[str, str]) -> None:
    """Another account's key is never taken for it."""
    with pytest.raises(UserError) as caught:
        key(those_of(AGENCY, {})["agency"], environ)
    assert caught.value.exit_code == 2
    assert caught.value.fact == "AGENCY_SEEGEN_KEY is not set: without it nothing can be asked of agency at seegen."
    assert caught.value.hint == (
        "Set AGENCY_SEEGEN_KEY to the account's key; `--preview` draws every shot here, without one."
    )


@pytest.mark.parametrize("bad", ["Bearer hunter2", "hunter2\nX-Other: 1", "hunter2\x00", "schlüssel-hunter2"])
def test_what_can_be_no_key_is_refused_unseen(bad: str) -> None:
    """Before it gets into a header."""
    with pytest.raises(UserError) as caught:
        key(those_of(Config(), {})["seegen"], {"SEEGEN_API_KEY": bad})
    assert caught.value.fact == "SEEGEN_API_KEY holds what can be no key of seegen."
    assert caught.value.hint == "Set SEEGEN_API_KEY anew: to the key alone, as the service shows it."
    assert "hunter2" not in str(caught.value)


class Desk(BaseHTTPRequestHandler):
    """Answers every question, and remembers it."""

    def do_GET(self) -> None:
        cast("Listening", self.server).heard.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test looks at what was heard."""


class Listening(HTTPServer):
    heard: list[tuple[str, dict[str, str]]]


@contextmanager
def listening() -> Iterator[Listening]:
    server = Listening(("127.0.0.1", 0), Desk)
    server.heard = []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_wire_asks_at_the_accounts_address_with_its_key() -> None:
    """Over a real connection, with the headers of the service's page."""

    async def ask(account: Account, environ: Mapping[str, str]) -> None:
        async with open_wire(account, environ, poll_seconds=1.5) as wire:
            assert wire.poll_seconds == 1.5
            assert (await wire.send(Call(method="GET", path="/hello"))).status == 200

    with listening() as server:
        environ = {"SEEGEN_BASE_URL": f"http://127.0.0.1:{server.server_port}/api/v1", "AGENCY_SEEGEN_KEY": "sg-agency"}
        anyio.run(ask, those_of(AGENCY, environ)["agency"], environ)
    [(path, headers)] = server.heard
    assert path == "/api/v1/hello"
    assert seegen.headers("sg-agency").items() <= headers.items() | {(k.lower(), v) for k, v in headers.items()}


def test_a_wire_without_a_key_is_not_opened() -> None:
    """It is the account's variable that is named, not the service's."""
    with pytest.raises(UserError, match="AGENCY_SEEGEN_KEY is not set"):
        open_wire(those_of(AGENCY, {})["agency"], {"SEEGEN_API_KEY": "sg-1"})


def test_a_wires_pace_is_the_services_where_nobody_says_another() -> None:
    """And quick in a rehearsal."""

    async def pace(environ: Mapping[str, str]) -> float:
        account = those_of(Config(), environ)["seegen"]
        async with open_wire(account, {"SEEGEN_API_KEY": "sg-1"}) as wire:
            return wire.poll_seconds

    assert anyio.run(pace, {}) == seegen.POLL_SECONDS
    assert anyio.run(pace, {"SEEGEN_BASE_URL": "http://127.0.0.1:9"}) == 0.2


def test_the_configuration_of_the_manual_makes_its_accounts(tmp_path: Path) -> None:
    """From the text a user writes to the accounts and pages that come of it."""
    path = tmp_path / "config.toml"
    path.write_text(
        '[providers.seegen]\nedition = "seegen-older"\n'
        '[providers.naci]\nmodels = {seedance-2 = "sd2.0"}\nprices = {"sd2.0" = {480p = 9, 720p = 18, 1080p = 45}}\n'
        'usd_per_credit = "0.004"\n[accounts.agency]\nprovider = "seegen"\nkey_env = "AGENCY_SEEGEN_KEY"\n'
    )
    config = configuration.load({"RUSHES_CONFIG": str(path)}, tuple(pages(Config())))
    found = those_of(config, {})
    assert found["agency"].page is seegen_older
    gateway = found["naci"].page
    assert isinstance(gateway, naci.Naci)
    assert gateway.prices == {"sd2.0": {"480p": D(9), "720p": D(18), "1080p": D(45)}}
    assert gateway.usd_per_credit == D("0.004")


def test_knowing_the_accounts_loads_nothing_that_calls() -> None:
    """A plan names accounts and addresses, and opens no connection."""
    code = (
        "import sys\nfrom pipeline.accounts import accounts, pages\nfrom pipeline.config import Config\n"
        "accounts(Config(), {'SEEGEN_BASE_URL': 'http://127.0.0.1:9'}, pages(Config()))\n"
        "print([m for m in ('httpx', 'anyio', 'ssl') if m in sys.modules])"
    )
    root = Path(accounting.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"
