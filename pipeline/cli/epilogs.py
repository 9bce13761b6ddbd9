"""What stands below the flags in the help of a command, in lines of at most 80 columns."""

from __future__ import annotations

EXIT_CODES = """exit codes, the first that applies:
   70  a fault of ours, with a log to send
  130  interrupted, resumable
    2  the recipe, the configuration or the command is not right
    5  another run holds this recipe
    4  a decision is needed
    3  a budget left work undone
    1  some shots failed, or verify found damage
    0  done"""

EMULATE = """With -- COMMAND the services stand while COMMAND runs in their environment,
and its exit code is this command's; without, they stand until Ctrl-C, and
standard output has lines for a shell.

examples:
  rushes emulate -- rushes run r.yaml --provider seegen --yes --max-credits 2000
  rushes emulate --fault rate_limited:times=3,retry_after=2 -- make rehearse
  rushes emulate seegen --port 8100 --state rehearsal > rehearsal.env

"""

LEDGER = """Amounts are in each account's own credits; dollars are shown where the price
of a credit was known. A day is that of the reservation, in the time zone of the
configuration.
  estimated  the upper prices reserved at first, by the price books named below
  reserved   of it, still held for what is under way
  unknown    of it, held for what a service may have taken and nobody knows
  charged    what was paid: as the service told, else estimated, else as you say
  refunded   what the services say they gave back; no part of what is charged

"""

APPROVE = """Picks lie beside the recipe, in RECIPE.picks.yaml, each a take and the
digest of its file. They are of takes in the stage before the last, or of the
shots as declared. `chain`, frames, references and the film use a shot's picked
take, else its first; `rushes run RECIPE --stage FINAL`, with the last stage,
makes what was picked.

"""

GC = """Needed is what a manifest or a pick names, what a recipe last showed, and
whatever a run that is not complete may go on with. Without --paid only that
goes which costs nothing to make again; a later run makes it again, or fetches
it from the service that made it.

"""
