"""The command `rushes`: its arguments, and the one place where errors become exit codes.

Only argparse is imported here: everything else waits until a command asks for it, so `--help` is quick.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from pipeline import __version__
from pipeline.cli.epilogs import APPROVE, EMULATE, EXIT_CODES, GC, LEDGER

if TYPE_CHECKING:
    from pipeline.cli.console import Console
    from pipeline.desk import House


class _Mistyped(Exception):
    """A command line that is none; its arguments are what is so, and the way out."""


class _Parser(argparse.ArgumentParser):
    """argparse, whose complaints are told as all others here."""

    def error(self, message: str) -> NoReturn:
        raise _Mistyped(f"{message}.", f"{self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """The whole command line, for parsing and for help."""
    top = _Parser(
        prog="rushes",
        description="Runs batches of AI video from YAML recipes: planned, priced, within caps,\nnever paid twice.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"rushes {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    init = command("init", "write a small recipe that runs, or one of the library")
    init.add_argument("folder", nargs="?", default=".", metavar="DIR", help="where to write it (default: here)")
    init.add_argument(
        "--from", "--recipe", dest="recipe", default="starter", metavar="NAME", help="which one (default: starter)"
    )
    init.add_argument("--list", action="store_true", help="only tell what recipes there are")
    _output(init, formats=("table", "json"))

    check = command("check", "tell every fault of recipes at once")
    check.add_argument("recipes", nargs="+", metavar="RECIPE", help="a recipe's file, as recipe.yaml")
    _wants(check, spending=False)
    _output(check, formats=("table", "json"))

    plan = command("plan", "show what would run, why, and what it costs; spends nothing")
    plan.add_argument("recipe", metavar="RECIPE", help="a recipe's file, as recipe.yaml")
    plan.add_argument("--out", metavar="PLAN", help="save the plan, for `rushes run PLAN`")
    plan.add_argument(
        "--explain", action="append", default=[], metavar="SHOT", help="only tell where each field of this shot is from"
    )
    _wants(plan)
    _output(plan, formats=("table", "json", "markdown", "svg", "mermaid", "dot"))

    run = command("run", "carry a recipe or a saved plan out; again: finish the remainder")
    run.add_argument("recipe", metavar="RECIPE|PLAN", help="a recipe's file, or a plan saved by `rushes plan --out`")
    _wants(run)
    run.add_argument("--yes", action="store_true", help="spend without asking; needs a cap for the run")
    run.add_argument("--allow-unpriced", action="store_true", help="run what has no known price, if no cap is set")
    run.add_argument("--fail-fast", action="store_true", help="begin nothing more once a shot has failed for good")
    run.add_argument(
        "--max-failures", metavar="N", help="begin nothing more once N shots have failed; what is under way is kept"
    )
    run.add_argument("--webhook", default="", metavar="URL", help="public https address that services may tell of ends")
    run.add_argument(
        "--listen", default="127.0.0.1:8088", metavar="ADDR", help="where it leads to here (default: 127.0.0.1:8088)"
    )
    _output(run)

    recover = command("recover", "settle submissions of which nobody knows whether they arrived")
    recover.add_argument("recipe", nargs="?", default="", metavar="RECIPE", help="its runs alone (default: all here)")
    recover.add_argument(
        "--adopt", action="append", default=[], metavar="STEP=TASK_ID", help="the service has it, as this task"
    )
    recover.add_argument(
        "--resubmit", action="append", default=[], metavar="STEP", help="it was not taken: send it anew"
    )
    recover.add_argument(
        "--write-off", action="append", default=[], metavar="STEP", help="give it up: what it reserved counts as spent"
    )
    _workspace(recover)
    _output(recover, formats=("table", "json"))

    cancel = command("cancel", "cancel what services still have of a run, where they can")
    cancel.add_argument(
        "what", nargs="?", default="", metavar="RECIPE|RUN", help="its latest run, or that run (default: the newest)"
    )
    cancel.add_argument("--only", action="append", default=[], metavar="SHOT", help="this shot's jobs alone")
    cancel.add_argument("--yes", action="store_true", help="cancel without asking")
    _workspace(cancel)
    _output(cancel, formats=("table", "json"))

    status = command("status", "show what is done, in flight, failed and spent")
    report = command("report", "make the review page again")
    verify = command("verify", "check every file of a run: there, of its digest, decoding to its end")
    for one in (status, report, verify):
        one.add_argument(
            "what",
            nargs="?",
            default="",
            metavar="RECIPE|RUN|MANIFEST",
            help="a recipe, a run's id, a manifest.json or its folder (default: the newest run of this workspace)",
        )
        _wants(one, spending=False)
    _output(status)
    _output(report, formats=("table",))
    _output(verify, formats=("table", "json"))

    approve = command("approve", "write down which takes are picked, for the last stage, chains and the film")
    approve.epilog = APPROVE + EXIT_CODES
    approve.add_argument("recipe", metavar="RECIPE", help="a recipe's file, as recipe.yaml")
    approve.add_argument("takes", nargs="*", metavar="TAKE", help="dawn@2, dawn (its first take), or a glob as *@2")
    approve.add_argument(
        "--clear", nargs="+", action="extend", default=[], metavar="SHOT", help="let go of the picks of these shots"
    )
    _wants(approve, spending=False)
    _output(approve, formats=("table", "json"))

    ledger = command("ledger", "show what was spent, and where each figure comes from")
    ledger.epilog = LEDGER + EXIT_CODES
    ledger.add_argument("--by", choices=("account", "day", "recipe", "shot"), default="account", help="what to add up")
    ledger.add_argument("--since", default="", metavar="DATE", help="from this day on, as 2026-11-21")
    ledger.add_argument("--until", default="", metavar="DATE", help="up to this day and with it")
    ledger.add_argument("--account", default="", metavar="NAME", help="this account alone; NAME@rehearsal is another")
    ledger.add_argument("--recipe", default="", metavar="NAME", help="the recipes of this name alone")
    _workspace(ledger)
    _output(ledger)

    providers = command("providers", "show what each provider can do, its prices, and whether a key is set")
    providers.add_argument("names", nargs="*", metavar="NAME", help="a provider or an account (default: all)")
    providers.add_argument("--check", action="store_true", help="ask for balances, and whether the keys are good")
    _output(providers)

    emulate = command("emulate", "let local stand-ins of the services stand, to rehearse a recipe over real HTTP")
    emulate.usage = "rushes emulate [options] [SERVICE ...] [-- COMMAND [ARG ...]]"
    emulate.epilog = EMULATE + EXIT_CODES
    emulate.add_argument(
        "services",
        nargs="*",
        metavar="SERVICE",
        help="of seegen, seedance2-movie, seedancee2, naci (default: all)",
    )
    emulate.add_argument("--port", type=int, metavar="BASE", help="on BASE, BASE+1, ... (default: free ports)")
    emulate.add_argument("--seconds", metavar="S", help="how long a job takes (default: 0.3)")
    emulate.add_argument("--credits", metavar="N", help="what each account has to begin with (default: 1000000)")
    emulate.add_argument("--state", metavar="DIR", help="keep accounts, jobs and published inputs there")
    emulate.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[:FIELD=VALUE,...]",
        help="let this go wrong, once unless told; may be repeated; `--fault list` tells what there is",
    )
    _output(emulate, formats=("table",))

    gc = command("gc", "free the space of what nothing shows or needs any more")
    gc.epilog = GC + EXIT_CODES
    gc.add_argument("--dry-run", action="store_true", help="only tell what would be freed")
    gc.add_argument("--paid", action="store_true", help="also what was bought and nothing shows any more")
    gc.add_argument("--older-than", metavar="DAYS", help="only what was kept so many days ago or earlier")
    gc.add_argument("--yes", action="store_true", help="free it without asking")
    _workspace(gc)
    _output(gc, formats=("table", "json"))

    schema = command("schema", "print a JSON schema: recipe, plan or manifest")
    schema.add_argument("name", choices=("recipe", "plan", "manifest"), metavar="NAME", help="recipe, plan or manifest")
    schema.add_argument("--format", choices=("json",), default="json", help="what standard output carries")
    _output(schema, formats=())

    config = command("config", "show the configuration and where each value comes from")
    _output(config, formats=("table", "json"))
    return top


def _wants(command: argparse.ArgumentParser, *, spending: bool = True) -> None:
    command.add_argument("--var", action="append", default=[], metavar="K=V", help="set a variable of the recipe")
    command.add_argument("--date", default="", metavar="YYYY-MM-DD", help="run.date; results go below a folder of it")
    command.add_argument("--stage", default="", metavar="NAME", help="a stage of the recipe; results go below its name")
    command.add_argument(
        "--provider", default="", metavar="NAME", help="move every shot there that NAME can make; or: cheapest"
    )
    command.add_argument("--preview", action="store_true", help="draw every shot on animatic: free, below preview/")
    _workspace(command)
    command.add_argument("--output", metavar="DIR", help="where results go (default: out/NAME beside the recipe)")
    if spending:
        command.add_argument(
            "--only", action="append", default=[], metavar="SHOT", help="this shot, or all of a glob, and what it needs"
        )
        command.add_argument(
            "--redo", action="append", default=[], metavar="SHOT", help="this shot anew; the old result is kept"
        )
        command.add_argument("--follow", action="store_true", help="also pay for shots that only follow a changed one")
        command.add_argument(
            "--max-credits", action="append", default=[], metavar="[ACCOUNT=]N", help="cap of this run in credits"
        )
        command.add_argument("--max-usd", metavar="N", help="cap of this run in dollars")


def _workspace(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--workspace", metavar="DIR", help="the workspace folder itself (else RUSHES_WORKSPACE, .rushes)"
    )


def _output(command: argparse.ArgumentParser, formats: Sequence[str] = ("table", "json", "markdown")) -> None:
    if len(formats) > 1:
        command.add_argument("--format", choices=formats, default="table", help="what standard output carries")
    command.add_argument("--quiet", action="store_true", help="no progress and no messages, errors only")
    command.add_argument("--log", choices=("text", "json"), default="text", help="how standard error is written")


def main(argv: Sequence[str], house: House | None = None) -> int:
    """Carries one command out and gives its exit code; nothing it does shows a traceback."""
    argv, rehearsed = _apart(argv)
    try:
        given, strange = parser().parse_known_args(argv)
        if strange:
            raise _Mistyped(f"unrecognized arguments: {' '.join(strange)}.", f"rushes {given.command} --help")
        given.rehearsed = rehearsed
    except SystemExit as stop:
        return int(stop.code or 0)
    except _Mistyped as error:
        return _mistyped(error, argv)
    from pipeline.cli.commands import COMMANDS
    from pipeline.cli.console import Console
    from pipeline.errors import RushesError

    console = Console(quiet=given.quiet, log=given.log)
    try:
        if house is None:
            from pipeline.desk import House

            house = House.of_user(os.environ)
        return COMMANDS[given.command](given, house, console)
    except RushesError as error:
        console.refuse(error)
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted(console)
    except BrokenPipeError:
        sys.stdout = None  # whoever read it has gone: say no more, also not at exit
        return 0
    except BaseExceptionGroup as group:
        return _grouped(group, console)
    except OSError as error:
        console.refuse_os(error)
        return 2
    except Exception as error:
        return console.crash(error)


def _mistyped(error: _Mistyped, argv: Sequence[str]) -> int:
    """Tells of it as `--log` asks, the one flag that is read whatever the others are."""
    from pipeline.cli.console import Console
    from pipeline.errors import UserError

    alone = argparse.ArgumentParser(add_help=False)
    alone.add_argument("--log", nargs="?")
    Console(quiet=True, log=alone.parse_known_args(argv)[0].log).refuse(UserError(*error.args))
    return UserError.exit_code


def _interrupted(console: Console) -> int:
    console.say("interrupted. Nothing is lost: the same command goes on.")
    return 130


def _apart(argv: Sequence[str]) -> tuple[Sequence[str], list[str] | None]:
    """The words of `rushes emulate` and, where there is a `--`, those of the command it is to run."""
    # WHY: argparse takes `--` for itself, and for words of ours what comes after it.
    if not argv or argv[0] != "emulate" or "--" not in argv:
        return argv, None
    at = list(argv).index("--")
    return argv[:at], list(argv[at + 1 :])


def _grouped(group: BaseExceptionGroup[BaseException], console: Console) -> int:
    """The worst of several errors, by the order of the exit codes: tasks that ran beside each other fail as a group."""
    from pipeline.errors import RushesError

    known, ours = group.split((RushesError, OSError, KeyboardInterrupt))
    if ours is None and group.subgroup(KeyboardInterrupt):
        return _interrupted(console)
    error: BaseException | None = ours or known
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert error is not None
    if isinstance(error, RushesError):
        console.refuse(error)
        return error.exit_code
    if isinstance(error, OSError):
        console.refuse_os(error)
        return 2
    return console.crash(error)


def _open_streams() -> None:
    """Puts nothing in the place of standard streams that were closed before we began."""
    # WHY: else the next file opened takes their number, and whatever a library complains of is written into it.
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(file)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


def _heed_signals() -> None:
    """Lets what ends a process end it as Ctrl-C does, so that what it holds is let go of; nohup is heeded."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        # WHY: what tasks say while they are torn down is asyncio's to log, with tracebacks.
        if logger := getattr(sys.modules.get("asyncio.log"), "logger", None):
            logger.disabled = True
        raise KeyboardInterrupt

    for word in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(word) is not signal.SIG_IGN:
            signal.signal(word, interrupt)


def entry() -> None:
    """The command as installed. Ends the process at once: what is unfinished is in the ledger, threads included."""
    _open_streams()
    _heed_signals()
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # before anything was begun: while modules were read
        code = 130
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except BrokenPipeError:
            pass  # whoever read it has gone, which says nothing of how the command ended
        except OSError:
            code = code or 1
    os._exit(code)
