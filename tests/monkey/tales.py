"""The recipes that the monkey edits, as values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.monkey.services import ACCOUNTS

SECONDS = 2
SIZES = {"": "720p", "draft": "480p", "final": "720p"}


@dataclass(slots=True)
class Shot:
    """A shot; `words` is the version of its prompt, `who` who makes it: an account of the till's, or of the box."""

    id: str
    words: int = 0
    takes: int = 1
    who: str = "till@rehearsal"
    chained: bool = False
    larger: bool = False
    falls: bool = False
    retry: int = 0
    there: bool = True

    @property
    def prompt(self) -> str:
        """What no other shot asks for."""
        return f"{self.id}{self.words}"

    @property
    def asks(self) -> str:
        """What another provider or prompt makes another wish of."""
        return f"{provider_of(self.who)} {self.prompt}"

    @property
    def names(self) -> list[str]:
        """The ids of its takes."""
        return [f"{self.id}@{number}" for number in range(1, self.takes + 1)]

    def line(self, before: str) -> str:
        """The shot as a recipe has it."""
        fields = [f"id: {self.id}", f"prompt: {self.prompt}", f"takes: {self.takes}", f"retry: {self.retry}"]
        fields += [f"provider: {provider_of(self.who)}", f"account: {self.who}"]
        fields += [f"chain: {before}"] * (self.chained and bool(before))
        fields += ["upscale: {to: 1080p, by: service}"] * self.larger
        fields += ["fallback: [{provider: box, account: box@rehearsal}]"] * (self.falls and self.who[:3] != "box")
        return f"  - {{{', '.join(fields)}}}\n"


def provider_of(account: str) -> str:
    """Whose account it is."""
    return next(name for name, accounts in ACCOUNTS.items() if account in accounts)


@dataclass(slots=True)
class Tale:
    """A recipe in a folder of its own; two tales ask for some of the same. `day` caps the credits of a till's day."""

    name: str
    shots: list[Shot]
    exceed: str = "refuse"
    day: int = 0
    staged: bool = False
    stage: str = ""  # that it is run in now
    begun: dict[str, set[str]] = field(default_factory=dict)  # takes of a redo that has not ended, and their wishes

    @property
    def path(self) -> Path:
        """Where it lies below the monkey's folder."""
        return Path(self.name) / "recipe.yaml"

    @property
    def output(self) -> Path:
        """Where its results go below the monkey's folder."""
        return Path(self.name) / "out" / self.name / self.stage

    def there(self) -> Iterator[Shot]:
        """The shots that are in it now."""
        return (shot for shot in self.shots if shot.there)

    def text(self) -> str:
        """The recipe."""
        told = f"rushes: 1\nname: {self.name}\ndefaults: {{duration: {SECONDS}}}\n"
        names = [account for accounts in ACCOUNTS.values() for account in accounts]
        day = f", day: {{credits: {{{', '.join(f'{name}: {self.day}' for name in names)}}}}}" if self.day else ""
        told += f"budget: {{on_exceed: {self.exceed}{day}}}\n"
        told += "stages: {draft: {resolution: 480p}, final: {resolution: 720p}}\n" if self.staged else ""
        told += "shots:\n"
        before = ""
        for shot in self.there():
            told += shot.line(before)
            before = shot.id
        return told
