"""The user's settings: one file, each value with its origin, each fault with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import config
from pipeline.config import AccountSettings, Config, NaciSettings, Publish
from pipeline.errors import UserError
from pipeline.recipe.model import Budget, Caps

D = Decimal
PROVIDERS = ("animatic", "seegen")
ALL = (*PROVIDERS, "seedance2-movie", "seedancee2", "naci")
AGENCY = '[accounts.agency]\nprovider = "seegen"\nkey_env = "AGENCY_SEEGEN_KEY"\n'
STORE = '[publish]\nstore = "s3://bucket/frames"\n'
STORES = "Write s3://bucket/folder, gs://bucket/folder, az://container/folder or file:///folder."


def read(
    folder: Path, text: str, providers: Sequence[str] = PROVIDERS, environ: Mapping[str, str] | None = None
) -> Config:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return config.load({"RUSHES_CONFIG": str(path), **(environ or {})}, providers)


def refusal(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, text, ALL, environ)
    return f"{caught.value.fact.removeprefix(f'{folder}/mine.toml: ')} | {caught.value.hint}"


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
        (f"x = {'9' * 5000}", "is not TOML"),
        (f"x = {'[' * 5000}", "is not TOML"),
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


def test_a_services_edition_and_what_a_gateway_leaves_open_are_read(tmp_path: Path) -> None:
    """Prices are exact; what of the gateway nobody set keeps its default, and has no row."""
    origin = str(tmp_path / "mine.toml")
    found = read(
        tmp_path,
        '[providers.seegen]\nedition = "seegen-older"\n[providers.naci]\nmodels = {seedance-2-fast = "sd2.0-fast"}\n'
        'prices = {"sd2.0" = {480p = 9, 720p = 18.5}, "sd2.0-fast" = {480p = "0.1"}}\ndata_urls = false\n'
        'usd_per_credit = "0.004"\n',
        ALL,
    )
    assert found.editions == {"seegen": "seegen-older"}
    assert found.naci == NaciSettings(
        models={"seedance-2-fast": "sd2.0-fast"},
        prices={"sd2.0": {"480p": D(9), "720p": D("18.5")}, "sd2.0-fast": {"480p": D("0.1")}},
        data_urls=False,
        mainline=False,
    )
    assert found.usd_per_credit == {"naci": D("0.004")}
    assert found.rows() == [
        ("time_zone", "UTC", "default"),
        ("providers.naci.usd_per_credit", "0.004", origin),
        ("providers.seegen.edition", "seegen-older", origin),
        ("providers.naci.models.seedance-2-fast", "sd2.0-fast", origin),
        ("providers.naci.prices.sd2.0.480p", "9", origin),
        ("providers.naci.prices.sd2.0.720p", "18.5", origin),
        ("providers.naci.prices.sd2.0-fast.480p", "0.1", origin),
        ("providers.naci.data_urls", "false", origin),
    ]
    assert read(tmp_path, "[providers.naci]\nconcurrency = 1", ALL).naci is None


def test_accounts_are_read_with_their_own_budgets(tmp_path: Path) -> None:
    """An account's credits are its own, so a bare number says enough; a service's own account may have one too."""
    origin = str(tmp_path / "mine.toml")
    found = read(
        tmp_path,
        f"{AGENCY}[accounts.agency.budget]\nrun = {{credits = 5000}}\nshot = {{credits = 400.5}}\n"
        '[accounts.seegen]\nprovider = "seegen"\nkey_env = "SEEGEN_API_KEY"\n',
    )
    assert found.accounts == {
        "agency": AccountSettings(
            provider="seegen",
            key_env="AGENCY_SEEGEN_KEY",
            budget=Budget(run=Caps(bare=D(5000)), shot=Caps(bare=D("400.5"))),
        ),
        "seegen": AccountSettings(provider="seegen", key_env="SEEGEN_API_KEY"),
    }
    assert found.rows()[1:] == [
        ("accounts.agency.provider", "seegen", origin),
        ("accounts.agency.key_env", "AGENCY_SEEGEN_KEY", origin),
        ("accounts.agency.budget.run.credits", "5,000", origin),
        ("accounts.agency.budget.shot.credits", "400.5", origin),
        ("accounts.seegen.provider", "seegen", origin),
        ("accounts.seegen.key_env", "SEEGEN_API_KEY", origin),
    ]


def test_a_budget_has_periods(tmp_path: Path) -> None:
    """Days, weeks and months, for everybody and for one account, each where it comes from."""
    origin = str(tmp_path / "mine.toml")
    found = read(
        tmp_path,
        "[budget]\nday = {usd = 20, credits = {seegen = 5000}}\nmonth = {usd = 250.5}\n"
        f"{AGENCY}[accounts.agency.budget]\nday = {{credits = 5000}}\nweek = {{credits = 9000}}\n",
    )
    assert found.budget == Budget(day=Caps(usd=D(20), credits={"seegen": D(5000)}), month=Caps(usd=D("250.5")))
    assert found.accounts["agency"].budget == Budget(day=Caps(bare=D(5000)), week=Caps(bare=D(9000)))
    for row in (("budget.month.usd", "250.5", origin), ("accounts.agency.budget.week.credits", "9,000", origin)):
        assert row in found.rows()


def test_timeouts_have_defaults_and_can_be_set(tmp_path: Path) -> None:
    """Three quarters of an hour for a clip, four hours to enlarge one."""
    assert (Config().video_seconds, Config().upscale_seconds) == (2700.0, 14400.0)
    found = read(tmp_path, "[timeouts]\nvideo_seconds = 90.5\n")
    assert (found.video_seconds, found.upscale_seconds) == (90.5, 14400.0)
    assert found.rows()[1:] == [("timeouts.video_seconds", "90.5", str(tmp_path / "mine.toml"))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[providers.seegen]\nedition = 'seegen-old'",
            "providers.seegen.edition is 'seegen-old', which is no edition of seegen. | Did you mean seegen-older?",
        ),
        (
            "[providers.seegen]\nedition = 2",
            "providers.seegen.edition is no text that fits. | Known here: seegen, seegen-older.",
        ),
        (
            "[providers.naci]\nedition = 'naci'",
            "providers.naci.edition is not a setting. | Known here: concurrency, poll_seconds, usd_per_credit, "
            "models, prices, data_urls, mainline.",
        ),
        (
            "[providers.seegen]\nprices = {x = {480p = 9}}",
            "providers.seegen.prices is not a setting. | Known here: concurrency, poll_seconds, usd_per_credit, "
            "edition.",
        ),
        (
            "[providers.seegen]\npoll_seconds = 0",
            "providers.seegen.poll_seconds is 0. | Give seconds, more than 0 and at most 3,600.",
        ),
        (
            "[providers.seegen]\npoll_seconds = 3600.5",
            "providers.seegen.poll_seconds is 3,600.5. | Give seconds, more than 0 and at most 3,600.",
        ),
        (
            "[providers.seegen]\npoll_seconds = inf",
            "providers.seegen.poll_seconds is not understood: 'inf' is not an amount of money: it must be zero or "
            "more. | Give a number of zero or more.",
        ),
        (
            "[timeouts]\nvideo_seconds = 0",
            "timeouts.video_seconds is 0. | Give seconds, more than 0 and at most 604,800.",
        ),
        (
            "[timeouts]\nvideo_sec = 5",
            "timeouts.video_sec is not a setting. | Did you mean timeouts.video_seconds?",
        ),
        (
            "[providers.naci]\nmodels = {seedance2 = 'x'}",
            "providers.naci.models.seedance2 is not a setting. | Did you mean providers.naci.models.seedance-2?",
        ),
        (
            "[providers.naci]\nmodels = {seedance-2 = 2.0}",
            'providers.naci.models.seedance-2 is no text that fits. | Write the service\'s own name, as in "sd2.0".',
        ),
        (
            "[providers.naci]\nmodels = 'sd2.0'",
            "providers.naci.models must be a table. | Write it as [providers.naci.models].",
        ),
        (
            "[providers.naci]\nprices = {sd2.0 = {480p = 9}}",
            "providers.naci.prices.sd2.0 is not a setting. | Known here: 480p, 720p, 1080p, 4k. "
            'A name with a dot in it stands in quotes: {"sd2.0" = {720p = 18}}.',
        ),
        (
            "[providers.naci]\nprices = {seedance-2 = {480p = 9}}",
            "providers.naci.prices.seedance-2 is no name of the service's. | "
            "Prices go by the service's own name, and seedance-2 is sd2.0 there.",
        ),
        (
            "[providers.naci]\nprices = {own = {480p = -9}}",
            "providers.naci.prices.own.480p is not understood: -9 is not an amount of money: it must be zero or more. "
            "| Give a number of zero or more.",
        ),
        (
            "[providers.naci]\nmainline = 'yes'",
            "providers.naci.mainline is 'yes'. | Write true or false, without quotes.",
        ),
    ],
)
def test_a_fault_in_a_services_settings_is_told_in_full(text: str, said: str, tmp_path: Path) -> None:
    """The setting, what is so, and the way out."""
    assert refusal(tmp_path, text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accounts = 3", "accounts must be a table. | Write it as [accounts]."),
        ("[accounts]\nagency = 3", "accounts.agency must be a table. | Write it as [accounts.agency]."),
        (
            '[accounts."my agency"]',
            'accounts."my agency" is no name for an account. | Use letters, digits, - and _; at most 100.',
        ),
        (
            '[accounts."seegen@rehearsal"]',
            'accounts."seegen@rehearsal" is no name for an account. | Use letters, digits, - and _; at most 100.',
        ),
        ("[accounts.usd]", "accounts.usd would be taken for dollars. | Give the account another name."),
        (
            AGENCY.replace("agency", "naci"),
            "accounts.naci is an account of seegen, and naci is another provider. | Give the account another name.",
        ),
        (
            AGENCY.replace("agency", "animatic"),
            "accounts.animatic is an account of seegen, and animatic is another provider. "
            "| Give the account another name.",
        ),
        (
            "[accounts.agency]",
            "accounts.agency.provider is missing. | Name the service: seegen, seedance2-movie, seedancee2, naci.",
        ),
        (
            AGENCY.replace('"seegen"', '"seegan"'),
            "accounts.agency.provider is 'seegan', which is no service. | Did you mean seegen?",
        ),
        (
            AGENCY.replace('"seegen"', '"animatic"'),
            "accounts.agency.provider is 'animatic', which is no service. "
            "| Known here: seegen, seedance2-movie, seedancee2, naci.",
        ),
        (
            "[accounts.agency]\nprovider = 'seegen'",
            "accounts.agency.key_env is missing. | Name the variable that holds the key, in capitals: "
            'key_env = "AGENCY_SEEGEN_KEY". The key itself stays in the environment.',
        ),
        (f"{AGENCY}key = 'x'", "accounts.agency.key is not a setting. | Did you mean accounts.agency.key_env?"),
        (
            f"{AGENCY}budget = {{run = {{credits = {{agency = 5}}}}}}",
            "accounts.agency.budget.run.credits names accounts inside one. | Give a bare number: credits = 5000.",
        ),
        (
            f"{AGENCY}budget = {{run = {{usd = 5}}}}",
            "accounts.agency.budget.run.usd is not for one account. "
            "| Cap its credits here, and dollars for all accounts together in [budget].",
        ),
        (
            f"{AGENCY}budget = {{year = {{credits = 5}}}}",
            "accounts.agency.budget.year is not a setting. | Known here: run, shot, day, week, month.",
        ),
        (
            f"{AGENCY}budget = {{run = {{credits = 'many'}}}}",
            "accounts.agency.budget.run.credits is not understood: 'many' is not an amount of money. "
            "| Give a number of zero or more.",
        ),
    ],
)
def test_a_fault_in_an_account_is_told_in_full(text: str, said: str, tmp_path: Path) -> None:
    """The setting, what is so, and the way out."""
    assert refusal(tmp_path, text) == said


@pytest.mark.parametrize(
    "pasted",
    ["sk-live-4242", "sk_live_4242", "4242ABC", "AKIA/4242", "abcdef4242", "A B4242", "", "4242\\n", "Ä4242",
     "A" * 101 + "4242"],
)  # fmt: skip
def test_a_key_in_the_place_of_its_variable_is_refused_unseen(pasted: str, tmp_path: Path) -> None:
    """Not even small letters pass, since a key may have no others; what was pasted is not said back."""
    said = refusal(tmp_path, AGENCY.replace("AGENCY_SEEGEN_KEY", pasted))
    assert said.startswith("accounts.agency.key_env is no ")
    assert "4242" not in said
    assert "The key itself stays in the environment." in said


@pytest.mark.parametrize(
    ("store", "base_url", "found"),
    [
        ("s3://bucket/frames/", None, Publish(store="s3://bucket/frames")),
        ("s3://my.bucket-1", "https://cdn.example/x/", Publish(store="s3://my.bucket-1", base_url="https://cdn.example/x")),
        ("gs://b/c", None, Publish(store="gs://b/c")),
        ("az://b/c", None, Publish(store="az://b/c")),
        ("file:///srv/My%20frames", "http://127.0.0.1:8000/x", Publish(store="file:///srv/My%20frames", base_url="http://127.0.0.1:8000/x")),
    ],
)  # fmt: skip
def test_where_to_publish_is_read_from_the_file_or_the_environment(
    store: str, base_url: str | None, found: Publish, tmp_path: Path
) -> None:
    """The same in both, but for where it comes from."""
    origin = str(tmp_path / "mine.toml")
    text = f"[publish]\nstore = '{store}'\n" + (f"base_url = '{base_url}'\n" if base_url else "")
    in_file = read(tmp_path, text)
    environ = {"RUSHES_PUBLISH": store, "RUSHES_PUBLISH_BASE_URL": base_url or " "}
    in_environment = config.load({**environ, "XDG_CONFIG_HOME": str(tmp_path)}, PROVIDERS)
    assert in_file.publish == in_environment.publish == found
    shown = [("publish.store", found.store), ("publish.base_url", found.base_url)][: 2 if base_url else 1]
    assert in_file.rows()[1:] == [(*row, origin) for row in shown]
    variables = {"publish.store": "RUSHES_PUBLISH", "publish.base_url": "RUSHES_PUBLISH_BASE_URL"}
    assert in_environment.rows()[1:] == [(*row, variables[row[0]]) for row in shown]


def test_the_environment_stands_before_the_file_in_publishing(tmp_path: Path) -> None:
    """Another store does without the address that the file gives for its own."""
    text = f'{STORE}base_url = "https://cdn.example"\n'
    origin = str(tmp_path / "mine.toml")
    other = read(tmp_path, text, environ={"RUSHES_PUBLISH": "gs://other"})
    assert other.publish == Publish(store="gs://other")
    assert other.rows()[1:] == [("publish.store", "gs://other", "RUSHES_PUBLISH")]
    same = read(tmp_path, text, environ={"RUSHES_PUBLISH": "s3://bucket/frames/"})
    assert same.publish == Publish(store="s3://bucket/frames", base_url="https://cdn.example")
    moved = read(tmp_path, text, environ={"RUSHES_PUBLISH_BASE_URL": "https://other.example"})
    assert moved.publish == Publish(store="s3://bucket/frames", base_url="https://other.example")
    assert moved.rows()[1:] == [
        ("publish.store", "s3://bucket/frames", origin),
        ("publish.base_url", "https://other.example", "RUSHES_PUBLISH_BASE_URL"),
    ]


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ("[publish]\nbucket = 's3://b'", {}, "publish.bucket is not a setting. | Known here: store, base_url."),
        ("[publish]\nbase_url = 'https://cdn.example'", {}, f"publish.store is missing. | {STORES}"),
        ("[publish]\nstore = 3", {}, f"publish.store is no text that fits. | {STORES}"),
        (
            "[publish]\nstore = 'file:///srv/frames'",
            {},
            "publish.base_url is missing. "
            "| A folder has no address of its own: say at which https address its files can be read.",
        ),
        (
            f"{STORE}base_url = 'https://cdn.example'",
            {"RUSHES_PUBLISH": "file:///srv/frames"},
            "RUSHES_PUBLISH_BASE_URL is missing. "
            "| A folder has no address of its own: say at which https address its files can be read.",
        ),
        (
            f"{STORE}base_url = 'http://cdn.example'",
            {},
            "publish.base_url is no base URL. | Use https; plain http is only for this machine.",
        ),
        (
            STORE,
            {"RUSHES_PUBLISH_BASE_URL": "https://me:pw@cdn.example"},
            "RUSHES_PUBLISH_BASE_URL has more than an address in it. | Leave out name, password, query and fragment.",
        ),
        (
            "",
            {"RUSHES_PUBLISH_BASE_URL": "https://cdn.example"},
            f"RUSHES_PUBLISH_BASE_URL is set, but no store is named. | Set RUSHES_PUBLISH too. {STORES}",
        ),
    ],
)
def test_a_fault_in_publishing_is_told_in_full(text: str, environ: dict[str, str], said: str, tmp_path: Path) -> None:
    """By the file's setting or by the variable, whichever it is."""
    assert refusal(tmp_path, text, environ) == said


@pytest.mark.parametrize(
    ("store", "fact"),
    [
        ("s3://me:hunter2@bucket/frames", "has more than a place in it."),
        ("s3://hunter2@bucket", "has more than a place in it."),
        ("s3://bucket/frames?X-Amz-Signature=hunter2", "has more than a place in it."),
        ("s3://bucket#hunter2", "has more than a place in it."),
        ("https://me:hunter2@x.example", "has more than a place in it."),
        ("https://x.example/hunter2", "is no store."),
        ("s3://me:hunter2/frames", "is no store."),
        ("s3:///hunter2", "is no store."),
        ("s3:hunter2", "is no store."),
        ("hunter2", "is no store."),
        ("s3://[hunter2", "is no store."),
        ("s3://bucket/hunter2/../..", "is no store."),
        ("file://hunter2/frames", "is no store."),
        ("file:hunter2", "is no store."),
        ("file:/hunter2", "is no store."),
        ("file:///", "is no store."),
        ("S3://hunter2", "is no store."),
        ("s3://bucket/\thunter2", "is no store."),
    ],
)
def test_a_store_that_is_none_is_refused_unseen(store: str, fact: str, tmp_path: Path) -> None:
    """What may hold a password is not said back, neither from the file nor from the environment."""
    said = refusal(tmp_path, STORE, {"RUSHES_PUBLISH": store})
    assert said.startswith(f"RUSHES_PUBLISH {fact}")
    assert "hunter2" not in said
    if store.isprintable():
        said = refusal(tmp_path, f"[publish]\nstore = '{store}'")
        assert said.startswith(f"publish.store {fact}")
        assert "hunter2" not in said
