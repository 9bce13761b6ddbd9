"""The request bodies that the documents print, out of the commands that lie in `clients`, letter by letter."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).parent / "clients"


def commands(document: str) -> dict[str, str]:
    """The curl commands of a document (`S0` ...), by the place of their first line."""
    text = (CLIENTS / f"{document.lower()}.curl").read_text(encoding="utf-8")
    pieces = re.split(r"^# (S\d:\d+)\n", text, flags=re.MULTILINE)[1:]
    return {place: command.strip() for place, command in zip(pieces[::2], pieces[1::2], strict=True)}


def uncommented(text: str) -> str:
    """Without the comment that S0:129 writes into its JSON."""
    return re.sub(r" // or .*", "", text)


def body(command: str) -> Any:
    """The value of a command's body."""
    found = re.search(r"(?:-d|--data-raw) '(.*)'", command, flags=re.DOTALL)
    assert found is not None
    return json.loads(uncommented(found[1]))


S0, S2, S3, S4 = commands("S0"), commands("S2"), commands("S3"), commands("S4")
SEEGEN_REFERENCE = S0["S0:166"]  # S0:187 refuses its video, S1:127 takes it
SEEGEN = {place: command for place, command in S0.items() if "createTask" in command and command != SEEGEN_REFERENCE}
SEEGEN_ASSET = S0["S0:331"]
SEEGEN_UPSCALE = S0["S0:410"]
MOVIE = S2["S2:106"]
SEEDANCEE2 = {place: command for place, command in S3.items() if "-d" in command}
NACI = S4["S4:3"]
