"""One function a command: arguments in, exit code out. Prints what was asked for on standard output."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import desk as desks
from pipeline import money
from pipeline.cli.console import Console, Progress, can_ask, safe
from pipeline.desk import Desk, House, Wants
from pipeline.digest import dumps, loads
from pipeline.errors import RecipeError, UserError

Command = Callable[[argparse.Namespace, House, Console], int]


def _wants(given: argparse.Namespace) -> Wants:
    """The flags that mean the same everywhere. Raises `UserError` for one that says nothing."""
    values = vars(given)
    variables: dict[str, str] = {}
    for pair in values.get("var", []):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UserError(f"--var {pair} gives no value.", "Write --var name=value.")
        try:
            pair.encode()
        except UnicodeEncodeError:
            raise UserError(f"--var {name} is not UTF-8.", "Give the value in UTF-8.") from None
        variables[name] = value
    caps: dict[str, Any] = {"max_each": {}}
    for given_cap in values.get("max_credits", []):
        account, equals, number = given_cap.rpartition("=")
        if equals and not account:
            raise UserError(f"--max-credits {given_cap} names no account.", "Write --max-credits seegen=100, or 100.")
        if equals:
            caps["max_each"][account] = _amount("--max-credits", number)
        else:
            caps["max_credits"] = _amount("--max-credits", number)
    if values.get("max_usd") is not None:
        caps["max_usd"] = _amount("--max-usd", values["max_usd"])
    date = values.get("date", "")
    if date and not _is_date(date):
        raise UserError(f"--date {date} is no date.", "Write it as 2026-11-21.")
    return Wants(
        variables=variables,
        date=date,
        stage=values.get("stage", ""),
        provider=values.get("provider", ""),
        preview=values.get("preview", False),
        only=tuple(values.get("only", ())),
        redo=tuple(values.get("redo", ())),
        follow=values.get("follow", False),
        yes=values.get("yes", False),
        allow_unpriced=values.get("allow_unpriced", False),
        max_failures=_failures(values),
        webhook=values.get("webhook", ""),
        listen=values.get("listen", ""),
        workspace=Path(given.workspace) if values.get("workspace") else None,
        output=Path(given.output) if values.get("output") else None,
        **caps,
    )


def _amount(flag: str, text: str) -> Decimal:
    try:
        return money.amount(text)
    except ValueError as error:
        raise UserError(f"{flag}: {error}", "Give a number of zero or more.") from None


def _failures(values: Mapping[str, Any]) -> int | None:
    """How many failures a run is to bear; `--fail-fast` is the least there can be."""
    given = values.get("max_failures")
    if given is not None and not (given.isascii() and given.isdecimal() and len(given) < 10 and int(given) > 0):
        raise UserError(f"--max-failures {given} is no number of failures.", "Give a whole number of 1 or more.")
    return 1 if values.get("fail_fast") else None if given is None else int(given)


def _is_date(text: str) -> bool:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # WHY: whoever read it has had enough; that says nothing of how the command ended.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as we live
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from None


def _width() -> int:
    return shutil.get_terminal_size((110, 40)).columns


def _warn(console: Console, desk: Desk) -> None:
    for fault in desk.plan.warnings:
        console.warn(fault)


def init(given: argparse.Namespace, _house: House, console: Console) -> int:
    """A recipe to start from, or a list of those there are."""
    from pipeline.cli import beginning

    return beginning.init(given, console, _print, _width())


def check(given: argparse.Namespace, house: House, console: Console) -> int:
    """Every fault of every recipe named, on standard output."""
    from pipeline import api
    from pipeline.cli.console import fault_text

    wants = _wants(given)
    rows: list[dict[str, Any]] = []
    faulty = 0
    for name in given.recipes:
        try:
            faults = api.check(Path(name), wants, house)
        except RecipeError as error:
            faults = error.faults
            faulty += 1
        except UserError as error:
            faulty += 1
            rows.append(
                {"file": name, "line": 0, "column": 0, "fact": error.fact, "hint": error.hint, "warning": False}
            )
            if given.format == "table":
                _print(safe(f"{name}: {error.fact}\nHint: {error.hint}"))
            continue
        for fault in faults:
            place = fault.place
            where = {"file": place.file, "line": place.line, "column": place.column}
            rows.append({**where, "fact": fault.fact, "hint": fault.hint, "warning": fault.warning})
            if given.format == "table":
                _print(safe(fault_text(fault)) + "\n")
    if given.format == "json":
        _print(dumps(rows, indent=2))
    if not faulty:
        console.say(f"{len(given.recipes)} recipe{'s' if len(given.recipes) > 1 else ''} checked, no faults.")
    return 2 if faulty else 0


def plan(given: argparse.Namespace, house: House, console: Console) -> int:
    """What a run would do; exits as it would before spending."""
    from pipeline import api, consent
    from pipeline.report import catalog

    if given.explain:
        from pipeline.cli import explaining

        reading = desks.read(Path(given.recipe), _wants(given), house)
        return explaining.show(given, reading, house, console, _print, _width())
    desk = api.plan(Path(given.recipe), _wants(given), house)
    if given.out:
        api.write(Path(given.out), dumps(api.save_plan(desk), indent=2) + "\n")
    _warn(console, desk)
    _print(catalog.PLANS[given.format](desk.plan, desk.book, _width()))
    refusal = consent.verdict(desk, house)
    if refusal:
        console.refuse(refusal)
        return refusal.exit_code
    return 0


def run(given: argparse.Namespace, house: House, console: Console) -> int:
    """Carries a recipe or a saved plan out, and prints how it ended."""
    from pipeline import api
    from pipeline.cli import approving, retyping
    from pipeline.report import catalog, ending

    path = Path(given.recipe)
    saved = _saved(path)

    def listen(desk: Desk) -> Progress:
        _warn(console, desk)
        return Progress(console, desk)

    def consent(desk: Desk, question: str) -> bool:
        from pipeline.plan.model import total
        from pipeline.report.plan_text import plan_table

        if question == "follow":
            follows = desk.plan.totals(follows=True)
            return console.ask(f"Also make the shots that only follow a changed one, for up to {_sum(follows)}?")
        sys.stderr.write(plan_table(desk.plan, width=_width(), book=desk.book) + "\n")
        may = [one for one in desk.plan.fallbacks() if not one.denied]
        more = f", and up to {_sum(total(may))} more where shots fail" if may else ""
        return console.ask(f"Spend up to {_sum(desk.plan.totals())}{more}?")

    asked = consent if can_ask() else None
    wants = _wants(given)
    ended = api.run(path, wants, house, listen=listen, consent=asked, saved=saved, tell=console.say)
    document = dict(ended.manifest)
    typed = retyping.of_run(given.recipe, wants, house, saved, document)
    if given.format != "table":
        _print(catalog.MANIFESTS[given.format](document))
        if troubles := "\n".join(ending.troubles(document, typed, width=_width())).strip():
            console.say(troubles)
    elif not given.quiet:
        _print(safe(ending.ending(document, typed, width=_width(), folder=retyping.shown(ended.output))))
    if not ended.began and ended.exit_code == 0:
        back = "1 file that was gone is" if ended.put_back == 1 else f"{ended.put_back} files that were gone are"
        anew = ", also what was asked for anew" if wants.redo else ""
        console.say(f"Nothing to do: {f'{back} put back' if ended.put_back else f'everything is there{anew}'}.")
    if ended.exit_code == 130 and any(shot["status"] == "unknown" for shot in document["shots"]):
        console.say(f"Interrupted. What a service may have taken stays held: `{typed.recover}` finds out.")
    elif ended.exit_code == 130:
        console.say(f"Interrupted. Nothing is lost: `{typed.again}` goes on.")
    console.say(f"Results: {ended.output}")
    of_recipe = wants if saved is None else wants.with_json(saved["wants"])
    if pick := approving.invited(typed.recipe, of_recipe, document):
        console.say(f"Look at the page there, and pick: {pick}")
    return ended.exit_code


def _saved(path: Path) -> Any:
    """The document of a saved plan, or None for a recipe."""
    if path.suffix != ".json":
        return None
    try:
        return loads(path.read_bytes())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"the plan {path} cannot be read: {why}.", "Save it again: rushes plan RECIPE --out PLAN"
        ) from None


def _sum(totals: Any) -> str:
    from pipeline.report.exact import dollars

    parts = [f"{money.text(credits)} {account} credits" for account, credits in totals.credits.items()]
    parts += [f"an unknown amount to {account}" for account in totals.unknown]
    return " and ".join(parts) + ("" if totals.usd is None else f" ({dollars(totals.usd)})")


def recover(given: argparse.Namespace, house: House, console: Console) -> int:
    """Settles submissions of unknown outcome, and tells what became of them."""
    from pipeline.cli import recovering

    return recovering.command(given, house, console, _print, _width())


def cancel(given: argparse.Namespace, house: House, console: Console) -> int:
    """Cancels what services still have of a run, and tells what became of it."""
    from pipeline.cli import cancelling

    return cancelling.command(given, house, console, _print, _width())


def status(given: argparse.Namespace, house: House, console: Console) -> int:
    """How the latest run of a recipe, or the run of a manifest, stands, and what to type next."""
    from pipeline import api
    from pipeline.cli import retyping
    from pipeline.report import catalog, ending, markdown

    wants = _wants(given)
    told = api.stands(given.what, wants, house)
    if given.format != "table":
        _print(catalog.MANIFESTS[given.format](told.document))
        for remark in told.remarks:
            console.say(remark)
        return 0
    _print(safe("\n".join([markdown.status_text(told.document, width=_width()), *told.remarks])))
    if told.advises:
        typed = retyping.of_document(told.document, told.folder, wants, house)
        for line in ending.troubles(told.document, typed, width=_width()):
            _print(safe(line))
    return 0


def report(given: argparse.Namespace, house: House, console: Console) -> int:
    """Makes the review page of a manifest again, and prints where it is."""
    from pipeline import api

    wants = _wants(given)
    _print(str(api.report(api.manifest_path(given.what, wants, house), wants, house)))
    console.say("Open it in a browser.")
    return 0


def verify(given: argparse.Namespace, house: House, console: Console) -> int:
    """Looks at every file of a manifest to its end."""
    from pipeline import api

    wants = _wants(given)
    damages = api.verify(api.manifest_path(given.what, wants, house), wants, house)
    if given.format == "json":
        _print(dumps(damages, indent=2))
    else:
        for damage in damages:
            _print(safe(damage))
    if damages:
        console.say("Run the recipe again: what is damaged is put back, or had again; what that costs is asked for.")
        return 1
    console.say("Every file is there, of its digest, and decodes to its end.")
    return 0


def approve(given: argparse.Namespace, house: House, console: Console) -> int:
    """Writes the picks of a recipe."""
    from pipeline.cli import approving

    return approving.command(given, _wants(given), house, console, _print)


def ledger(given: argparse.Namespace, house: House, _console: Console) -> int:
    """What was spent in this workspace, and where each figure comes from."""
    from pipeline.cli import accounting

    return accounting.ledger(given, house, _print, _width())


def providers(given: argparse.Namespace, house: House, console: Console) -> int:
    """What each provider can do and costs, and whose key is set; on demand how the accounts stand."""
    from pipeline.cli import providing

    return providing.providers(given, house, console, _print, _width())


def emulate(given: argparse.Namespace, house: House, console: Console) -> int:
    """Lets local stand-ins of the services stand."""
    from pipeline.cli import emulating

    return emulating.emulate(given, house.config, console, _print)


def gc(given: argparse.Namespace, house: House, console: Console) -> int:
    """Frees the space of what nothing shows or needs any more."""
    from pipeline.cli import sweeping

    return sweeping.command(given, house, console, _print, _width())


def schema(given: argparse.Namespace, _house: House, _console: Console) -> int:
    """Prints a JSON schema."""
    from pipeline.recipe.schema import schema as recipe_schema
    from pipeline.report import manifest, plan_json

    schemas: dict[str, Callable[[], Any]] = {
        "recipe": recipe_schema,
        "plan": plan_json.schema,
        "manifest": manifest.schema,
    }
    _print(dumps(schemas[given.name](), indent=2))
    return 0


def config(given: argparse.Namespace, house: House, _console: Console) -> int:
    """Prints the configuration that holds, and where each value comes from."""
    from pipeline.config import default_path

    rows = house.config.rows()
    if given.format == "json":
        _print(dumps([{"setting": name, "value": value, "origin": origin} for name, value, origin in rows], indent=2))
        return 0
    path = house.config.path
    _print(f"configuration: {path}" if path else f"configuration: none ({default_path()} does not exist)")
    for name, value, origin in rows:
        _print(safe(f"{name} = {value}  ({origin})"))
    return 0


COMMANDS: dict[str, Command] = {
    "init": init,
    "check": check,
    "plan": plan,
    "run": run,
    "recover": recover,
    "cancel": cancel,
    "status": status,
    "report": report,
    "verify": verify,
    "approve": approve,
    "ledger": ledger,
    "providers": providers,
    "emulate": emulate,
    "gc": gc,
    "schema": schema,
    "config": config,
}
