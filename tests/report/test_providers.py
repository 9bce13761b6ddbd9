"""What providers can do, asked of their pages; and how that is shown, with the names of keys and nothing of them."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest

from pipeline.providers import animatic, naci, seedance2_movie, seedancee2, seegen, seegen_older, seegen_upscaler
from pipeline.providers.catalog import PROVIDERS, SERVICES
from pipeline.providers.elsewhere import ABLE
from pipeline.report.abilities import MOST, Abilities, Ability, Page, Rate, abilities
from pipeline.report.legible import cells
from pipeline.report.providers import FORMATS, AccountRow, Answer, ProviderRow, json_of, markdown_of, table_of
from tests import stub

PRICED = naci.page(
    models={"seedance-2-mini": "tiny"},
    prices={"sd2.0": {"720p": Decimal(18)}, "tiny": {"480p": Decimal("1.5")}},
    usd_per_credit=Decimal("0.01"),
)


def of(page: Page, model: str, kind: str = "video") -> Ability:
    return next(one for one in abilities(page).models if (one.model, one.kind) == (model, kind))


def prices(rates: tuple[Rate, ...]) -> dict[str, Decimal | None]:
    return {f"{rate.resolution}>{rate.upscale}".rstrip(">"): rate.credits for rate in rates}


def account(name: str = "seegen", **said: object) -> AccountRow:
    plain: dict[str, object] = {
        "name": name,
        "identity": name,
        "key_env": "SEEGEN_API_KEY",
        "key_set": True,
        "base": "",
        "rehearsal": False,
    }
    return AccountRow(**(plain | said))  # type: ignore[arg-type]


def row(page: Page = seegen, *accounts: AccountRow, edition: str = "") -> ProviderRow:
    upscaler = seegen_upscaler if page is seegen else None
    return ProviderRow(abilities=abilities(page, upscaler), accounts=accounts, edition=edition, width=3)


def everybody() -> list[ProviderRow]:
    return [row(page, *([account(name)] if name in SERVICES else [])) for name, page in PROVIDERS.items()]


def test_each_page_says_which_models_it_takes() -> None:
    """By their portable names, with the service's own where that is another; what draws here takes any."""
    found = {name: [(one.model, one.own, one.kind) for one in abilities(p).models] for name, p in PROVIDERS.items()}
    assert found == {
        "animatic": [("any", "", "video"), ("any", "", "image")],
        "seegen": [
            ("seedance-2", "sd2", "video"),
            ("seedance-2-fast", "sd2-fast", "video"),
            ("happyhorse-1", "happyhorse", "video"),
            ("gpt-image-2", "", "image"),
        ],
        "seedance2-movie": [
            ("seedance-2", "seedance-2.0", "video"),
            ("seedance-2-fast", "seedance-2.0-fast", "video"),
        ],
        "seedancee2": [
            ("seedance-2", "pro", "video"),
            ("seedance-2-fast", "fast", "video"),
            ("seedance-2-mini", "mini", "video"),
        ],
        "naci": [("seedance-2", "sd2.0", "video")],
    }


def test_prices_are_credits_a_second_or_a_still() -> None:
    """As the documents have them, with the price of an option apart."""
    assert prices(of(seegen, "seedance-2").rates) == {"720p": 40, "1080p": 100, "2k": 70, "4k": 80}
    assert prices(of(seegen, "seedance-2").upscales) == {"720p>2k": 70, "720p>4k": 80}
    assert prices(of(seegen, "happyhorse-1").rates) == {"720p": 32, "1080p": 60}
    still = of(seegen, "gpt-image-2", "image")
    assert prices(still.rates) == {"480p": 15, "720p": 15, "1080p": 35, "2k": 35, "4k": 60}
    assert [dict(rate.options) for rate in still.rates][-1] == {"quality high": 230}
    assert prices(of(seedance2_movie, "seedance-2").rates) == {
        "480p": Decimal("0.9"),
        "720p": Decimal("1.8"),
        "1080p": Decimal("4.5"),
    }
    assert prices(of(seedancee2, "seedance-2-mini").rates) == {"480p": 5, "720p": 10}
    assert {rate.usd_per_credit for rate in still.rates} == {Decimal("0.004")}


def test_an_edition_is_another_page() -> None:
    """The older document has no 1080p, no review and other prices."""
    assert prices(of(seegen_older, "seedance-2").rates) == {"720p": 40, "2k": 60, "4k": 80}
    assert of(seegen_older, "seedance-2").people == "perhaps"
    assert of(seegen, "seedance-2").people == "reviewed"


def test_naci_costs_what_the_configuration_says() -> None:
    """Not known without one; a model that it names is there."""
    assert set(prices(of(naci.page(), "seedance-2").rates).values()) == {None}
    assert prices(of(PRICED, "seedance-2").rates) == {"480p": None, "720p": 18, "1080p": None, "4k": None}
    assert prices(of(PRICED, "seedance-2-mini").rates) == {"480p": Decimal("1.5"), "720p": None}
    assert of(PRICED, "seedance-2-mini").own == "tiny"


def test_the_users_own_rate_goes_before_the_documents() -> None:
    """For clips, and for making them larger."""
    found = abilities(seegen, seegen_upscaler, Decimal("0.003"))
    assert {rate.usd_per_credit for model in found.models for rate in model.rates} == {Decimal("0.003")}
    assert found.enlarging
    assert found.enlarging.usd_per_credit == Decimal("0.003")


@pytest.mark.parametrize(
    ("page", "model", "first", "last"),
    [
        (animatic, "any", "hard", "yes"),
        (seegen, "seedance-2", "hard", "with a first"),
        (seegen, "happyhorse-1", "hard", "no"),
        (seedance2_movie, "seedance-2", "soft", "no"),
        (seedancee2, "seedance-2", "soft", "with a first"),
        (PRICED, "seedance-2", "hard", "with a first"),
    ],
)
def test_frames_are_hard_soft_or_not_taken(page: Page, model: str, first: str, last: str) -> None:
    """As each page warns of them or refuses them."""
    assert (of(page, model).first_frame, of(page, model).last_frame) == (first, last)


def test_references_are_counted_by_trying_them() -> None:
    """By medium and in all; whoever takes thirty takes any number."""
    assert dict(of(seegen, "seedance-2").references) == {"image": 9, "video": 3, "audio": 3}
    assert of(seegen, "seedance-2").files == 12
    assert dict(of(seegen, "happyhorse-1").references) == {"image": 9, "video": 0, "audio": 0}
    assert dict(of(seegen, "gpt-image-2", "image").references) == {"image": 10, "video": 0, "audio": 0}
    assert of(PRICED, "seedance-2").files == 15
    assert set(of(animatic, "any").references.values()) == {MOST}
    assert (of(animatic, "any").mixed, of(seegen, "seedance-2").mixed) == (True, False)
    assert (of(seegen, "seedance-2").dear_references, of(seedancee2, "seedance-2").dear_references) == (True, False)


def test_a_switch_is_one_that_reaches_the_service() -> None:
    """SeeGen has none but happyhorse's seed; naci sends a seed and warns of it."""
    found = {
        (name, one.model): (one.seed, one.sound, one.watermark)
        for name, page in PROVIDERS.items()
        for one in abilities(page).models
        if one.kind == "video"
    }
    assert found["animatic", "any"] == ("yes", "yes", "yes")
    assert found["seegen", "seedance-2"] == ("no", "no", "no")
    assert found["seegen", "happyhorse-1"] == ("yes", "no", "no")
    assert found["seedance2-movie", "seedance-2"] == found["seedancee2", "seedance-2"] == ("yes", "yes", "yes")
    assert found["naci", "seedance-2"] == ("perhaps", "yes", "yes")


def test_local_files_go_as_the_page_says() -> None:
    """By upload, review, inside the request or at a URL; one service takes no URLs but of sounds."""
    assert of(seegen, "seedance-2").files_by == {"image": "url", "video": "asset", "audio": "url"}
    assert of(seedance2_movie, "seedance-2").files_by == {"image": "upload", "video": "upload", "audio": "url"}
    assert of(seedance2_movie, "seedance-2").urls == ("audio",)
    assert of(PRICED, "seedance-2").files_by == {"image": "data", "video": "url", "audio": "data"}
    assert of(naci.page(data_urls=False), "seedance-2").files_by["image"] == "url"
    assert set(of(animatic, "any").files_by.values()) == {"read"}


def test_lengths_and_doubts() -> None:
    """Whole seconds at services, any here; what may be refused all the same is marked."""
    assert (of(animatic, "any").seconds, of(animatic, "any").fractions) == ((Decimal("0.5"), 60), True)
    assert (of(seegen, "happyhorse-1").seconds, of(seegen, "happyhorse-1").fractions) == ((3, 15), False)
    assert of(seegen, "gpt-image-2", "image").seconds is None
    doubts = {r.resolution: r.doubtful for r in of(seedance2_movie, "seedance-2-fast").rates}
    assert doubts == {"480p": False, "720p": False, "1080p": True}
    assert of(seedance2_movie, "seedance-2").doubtful_ratios == ("adaptive",)


def test_finished_clips_are_enlarged_for_five_seconds_at_least() -> None:
    """25, 38 and 50 credits a second."""
    found = abilities(seegen, seegen_upscaler).enlarging
    assert found
    assert (dict(found.credits), found.least_seconds) == ({"1080p": 25, "2k": 38, "4k": 50}, 5)


def _can(able: Abilities, what: str) -> bool:
    """Whether some model of a provider can, without a doubt; clips only, but for stills."""
    clips = [one for one in able.models if one.kind == "video"]
    tests = {
        "first_frame": any(one.first_frame == "hard" for one in clips),
        "last_frame": any(one.last_frame != "no" for one in clips),
        "references": any(one.references["image"] for one in clips),
        "sound": any(one.sound == "yes" for one in clips),
        "watermark": any(one.watermark == "yes" for one in clips),
        "people": any(one.people == "reviewed" for one in clips),
        "still": len(clips) < len(able.models),
    }
    if what in tests:
        return tests[what]
    sizes = {rate.resolution for one in clips for rate in one.rates}
    return what in sizes or any(what in one.ratios or what == one.model for one in able.models)


@pytest.mark.parametrize("what", sorted(set(ABLE) - {"seed"}))  # of a seed, one model of SeeGen is an exception
def test_the_hints_name_the_providers_whose_pages_can(what: str) -> None:
    """The table behind the hints says of each ability what the pages say."""
    assert {name for name, page in SERVICES.items() if _can(abilities(page), what)} == set(ABLE[what])


def test_a_page_made_up_for_a_test_can_be_asked_too() -> None:
    """One that complains of nothing and sends little."""
    found = abilities(stub)
    assert (found.here, [one.model for one in found.models]) == (True, ["any", "any"])
    assert found.models[0].seed == "no"


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_and_says_everything(width: int) -> None:
    """A block a provider, a row a model, a column a resolution; no line is wider than the terminal."""
    found = table_of(everybody(), width)
    assert max(map(cells, found.splitlines())) <= width
    blocks = found.split("\n\n")
    assert [block.split("  ")[0] for block in blocks] == list(PROVIDERS)
    assert "…" not in found
    lines = [line.split() for line in blocks[1].splitlines()]
    assert ["CREDITS", "A", "SECOND", "480p", "720p", "1080p", "2k", "4k", "SECONDS"] in lines
    assert ["seedance-2", "(sd2)", "-", "40", "100", "70", "80", "4-15", "whole"] in lines
    assert "3.312?" in blocks[2]
    assert "may be refused all the same" in " ".join(blocks[2].split())
    assert "not known: they go into the configuration" in blocks[4]


def test_an_account_shows_its_variable_its_address_and_whether_it_rehearses() -> None:
    """And the edition that the configuration chose."""
    rehearsed = account(identity="seegen@rehearsal", base="http://127.0.0.1:1/api/v1", rehearsal=True)
    found = " ".join(
        table_of([row(seegen, rehearsed, account("agency", key_set=False), edition="seegen")], 100).split()
    )
    assert "seegen: SEEGEN_API_KEY is set; at http://127.0.0.1:1/api/v1; a rehearsal" in found
    assert "seegen@rehearsal" in found
    assert "agency: SEEGEN_API_KEY is not set" in found
    assert "edition seegen" in found


def test_checked_accounts_stand_a_line_each_and_nothing_said_is_cut() -> None:
    """What a balance is worth is shown where a credit's price is known."""
    good = account(answer=Answer(good=True, verdict="good", told="1,000 credits left", balance=Decimal(1000)))
    long = "the key is refused: " + "no such key " * 20
    bad = account("agency", answer=Answer(good=False, verdict="refused", told=long))
    found = table_of([row(animatic), row(seegen, good, bad)], 60, checked=True)
    assert " ".join(found.splitlines()[0].split()) == "animatic on this machine: needs no key"
    assert "1,000 credits left ($4.00)" in found
    assert " ".join(found.split()).count("no such key") == 20
    assert max(map(cells, found.splitlines())) <= 60
    assert markdown_of([row(seegen, good)], checked=True).splitlines()[-1] == (
        "| seegen | SEEGEN&#95;API&#95;KEY | 1,000 credits left ($4.00) |"
    )


@pytest.mark.parametrize("name", list(FORMATS))
def test_what_a_service_says_cannot_steer_a_terminal(name: str) -> None:
    """Escapes and marks of direction are gone from every form, and a pipe makes no column."""
    answer = Answer(good=False, verdict="refused", told="\x1b[31m\u202ered|green")
    found = FORMATS[name]([row(seegen, account(answer=answer))], 100, checked=True)
    assert "\x1b" not in found
    assert name == "json" or "\u202e" not in found
    assert name != "markdown" or "red&#124;green" in found


def test_json_has_everything_as_values() -> None:
    """Exact numbers, null where a thing is not known or has no end."""
    checked = account(answer=Answer(good=True, verdict="good", told="9 credits left", balance=Decimal("9.5")))
    document = json.loads(json_of([row(animatic), row(seegen, checked, edition="seegen"), row(PRICED, account())]))
    here, there, gateway = document["providers"]
    assert (here["provider"], here["accounts"], here["models"][0]["model"]) == ("animatic", [], None)
    assert here["models"][0]["references"]["image"] is here["models"][0]["references_in_all"] is None
    assert there["accounts"][0]["check"] == {
        "good": True,
        "verdict": "good",
        "told": "9 credits left",
        "balance": 9.5,
        "models": [],
    }
    assert there["models"][0]["prices"][0]["credits"] == 40
    assert there["models"][0]["seconds"] == {"least": 4, "most": 15, "whole": True}
    assert there["upscaler"]["credits"] == {"1080p": 25, "2k": 38, "4k": 50}
    assert [rate["credits"] for rate in gateway["models"][0]["prices"]] == [None, 18, None, None]
    assert (gateway["edition"], gateway["upscaler"], gateway["accounts"][0]["check"]) == (None, None, None)


def test_markdown_has_a_table_and_a_list_for_each() -> None:
    """With the same words as the terminal's."""
    found = markdown_of(everybody())
    assert found.count("\n|---|") == found.count("## ") == len(PROVIDERS)
    assert "| seedance-2 (sd2) | - | 40 | 100 | 70 | 80 | 4-15 whole |" in found
    assert "- **account**: seegen: SEEGEN&#95;API&#95;KEY is set" in found


def test_a_width_of_the_configuration_is_shown() -> None:
    """How many tasks are in flight."""
    wide = dataclasses.replace(row(seegen, account()), width=7)
    assert "7 at once for an account" in table_of([wide], 100)
