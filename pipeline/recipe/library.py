"""Templates in files of the recipe's folder, for others to borrow from; each is read once, and never within itself."""

from __future__ import annotations

from pipeline.errors import RecipeError
from pipeline.recipe import source
from pipeline.recipe.allowance import Borrowed, TemplateFault, Work
from pipeline.recipe.files import InputFault
from pipeline.recipe.template import parsed
from pipeline.recipe.texts import Prose, Texts
from pipeline.recipe.words import clipped

_MOST_DEEP = 20


class Library:
    """The templates in files of one recipe."""

    def __init__(self, texts: Texts, work: Work) -> None:
        self.texts, self.work = texts, work
        self._known: dict[str, Borrowed | TemplateFault] = {}
        self._open: list[str] = []

    def template(self, name: str, offset: int) -> Borrowed:
        """The template in a file, named at a character of another. Raises `TemplateFault`, there or in the file."""
        if name in self._open:
            chain = clipped(" -> ".join([*self._open, name]), 300)
            raise TemplateFault(f"'{clipped(name)}' includes itself: {chain}.", "Take this one out.", offset)
        if len(self._open) >= _MOST_DEEP:
            raise TemplateFault(f"Templates include others, more than {_MOST_DEEP} deep.", "Include fewer.", offset)
        if name not in self._known:
            self._open.append(name)
            try:
                self._known[name] = self._read(name, offset)
            except TemplateFault as fault:
                if fault.at is None:
                    raise
                self._known[name] = fault
            finally:
                self._open.pop()
        found = self._known[name]
        if isinstance(found, TemplateFault):
            raise found.with_traceback(None)
        return found

    def _read(self, name: str, offset: int) -> Borrowed:
        try:
            text = self.texts.read(name, "template")
        except InputFault as fault:
            raise TemplateFault(fault.fact, fault.hint, offset) from None
        except RecipeError as error:
            (flaw,) = error.faults
            raise TemplateFault(f"'{clipped(name)}' cannot be read: {flaw.fact}", flaw.hint, offset) from None
        text = source.changed(text, text.characters.replace("\r\n", "\n"))
        at = (*self.texts.add(Prose(text=text)), "template")
        try:
            tree, names = parsed(text.characters.rstrip("\n"), self.work)
        except TemplateFault as fault:
            fault.at = fault.at or at
            raise
        return Borrowed(at=at, body=tree.body, names=names)
