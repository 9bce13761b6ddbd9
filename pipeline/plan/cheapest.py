"""`provider: cheapest`: who makes a shot, settled before anything is spent, by the upper price of a take in dollars.

Only services compete of which the user has configured an account, that can make the shot with all its inputs, and
whose price in dollars is known; the others are named. What is there already, or on its way, is never bought a second
time elsewhere: such a shot stays where it is, whatever has become of prices and keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter

from pipeline.errors import Fault, Place, RecipeError, listed
from pipeline.money import ZERO, dollars
from pipeline.plan.enlarge import Way
from pipeline.plan.known import Known
from pipeline.plan.ladder import Ladders, Rung
from pipeline.plan.model import take_id
from pipeline.plan.requests import Request, Requests
from pipeline.plan.setting import Setting
from pipeline.plan.wish import wish_of
from pipeline.providers.base import Input, Service, Wish, as_service
from pipeline.providers.catalog import CHEAPEST, DEFAULT
from pipeline.recipe.model import Shot
from pipeline.recipe.stages import room
from pipeline.values import dataclass

Ask = Callable[[Shot, int, Sequence[Sequence[Input]]], list[Request]]
"""Every rung of a take as a plan would ask for it."""

_COULD = "could, and "
_NAMES = "\0"  # in a fact that is so of several shots: where their names go
_NEW = 2  # the rank of those who have nothing of a shot that must be kept
_LONGEST = 120  # characters of why one service cannot make a shot


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A shot on one service: the upper price of a take, made larger where that is due; what there is of it already."""

    shot: Shot
    usd: Decimal | None  # None: not known, for the reason `lacks`
    lacks: str = ""
    unfit: str = ""  # why it cannot be asked for more than is there
    there: int = 0  # takes that are kept, on their way, or of unknown outcome
    failed: int = 0
    shown: int = 0  # takes that the recipe shows now
    is_picked: bool = False  # of what is there one is the take that was picked

    @property
    def name(self) -> str:
        """The service."""
        return self.shot.provider

    @property
    def price(self) -> str:
        """The price in words."""
        return f"({self.lacks})" if self.usd is None else f"at {dollars(self.usd)}"


def refuse_too_many(shots: Iterable[Shot], setting: Setting, stages: int) -> None:
    """Raises `RecipeError` where more requests would be compared than such a recipe may have results: see `room`."""
    services = sum(as_service(page) is not None for page in setting.providers.values())
    asked, (most, where) = 0, room(stages)
    for shot in shots:
        asked += services * len(shot.numbers) * sum(_is_open(rung, setting) for rung in shot.rungs)
        if asked > most:
            found = f"Asking {services} services for the price of each take and fallback is more than {most:,} requests"
            fact = f"{found}; a recipe may have no more{where}."
            hint = "Name a provider instead of `cheapest`, or ask for fewer takes and fallbacks."
            raise RecipeError([Fault(place=shot.where("provider"), fact=fact, hint=hint)])


class Cheapest:
    """Settles who makes the shots of a plan in the making; `told` says of each rung it settled why it is that one."""

    def __init__(
        self,
        *,
        setting: Setting,
        known: Known,
        ladders: Ladders,
        requests: Requests,
        ask: Ask,
        warnings: list[Fault],
    ) -> None:
        self.setting, self.known, self.ladders = setting, known, ladders
        self.requests, self.ask = requests, ask
        self.faults, self.warnings = requests.faults, warnings
        self.told: dict[tuple[str, int], str] = {}
        self._nobodies: dict[tuple[str, str], tuple[Place, list[str], int]] = {}  # where, of whom, which in its list

    def settled(self, shot: Shot, inputs: Sequence[Sequence[Input]]) -> Shot | None:
        """The shot with everybody named who is to make it; None where nobody can, which is told of.

        A fallback asks nobody for what was asked of them before; one that then has nobody left is taken away.
        """
        if not any(_is_open(rung, self.setting) for rung in shot.rungs):
            return shot
        rungs = [dataclasses.replace(rung, fallback=()) for rung in shot.rungs]
        found: list[Shot] = []
        faults = len(self.faults)
        for number, (rung, given) in enumerate(zip(rungs, inputs, strict=True)):
            made: Shot | None = rung
            if _is_open(rung, self.setting):
                slots = sum(_is_open(one, self.setting) and _asks_same(one, rung) for one in rungs[number:])
                made = self._settled(rung, given, found, number, slots)
            if made and not any(_asks_same(one, made) and _by(one) == _by(made) for one in found):
                found.append(made)
        return (
            dataclasses.replace(found[0], fallback=tuple(found[1:])) if found and len(self.faults) == faults else None
        )

    def _settled(
        self, rung: Shot, given: Sequence[Input], before: Sequence[Shot], number: int, slots: int
    ) -> Shot | None:
        """A rung on the service that is to make it; `slots`: how many rungs ask for the same of one service each."""
        offers, lost = self._offers(rung, given, before)
        whose = f"fallback {number} of {rung.id}" if number else rung.id
        if not offers and not any(map(self._account, self._services())):
            return self._drawn(rung)
        if not offers:
            return self._nobody(rung, lost, before, whose)
        place = rung.id, len(before)
        chosen = next((one for one in offers if one.name == self.setting.chosen.get(place)), None)
        if chosen:
            self.told[place] = f"chosen by the saved plan {chosen.price}"
            return chosen.shot
        best = min(offers, key=lambda offer: _rank(offer, slots))
        stays = _rank(best, slots)[0] < _NEW
        if best.usd is None and len(offers) > 1 and not stays:
            fact = f"Who makes {_NAMES} for the least cannot be told: no price in dollars is known."
            hint = "Write usd_per_credit under [providers.NAME] of your configuration, or name a provider."
            self._tell(rung, whose, fact, {offer.name: offer.lacks for offer in offers}, hint)
        self.told[place] = _told(best, offers, "asked before" if stays else "cheapest")
        return best.shot

    def _services(self) -> list[Service]:
        return [service for page in self.setting.providers.values() if (service := as_service(page))]

    def _account(self, page: Service, own: str = "") -> str:
        """The account that pays this service: a shot's own, else the service's, else another; empty for none."""
        accounts, configured = self.setting.accounts, self.setting.configured
        if accounts.get(own) == page.NAME:
            return own if own in configured else ""
        others = (name for name, service in accounts.items() if service == page.NAME and name in configured)
        return page.NAME if page.NAME in configured else next(others, "")

    def _offers(self, rung: Shot, given: Sequence[Input], before: Sequence[Shot]) -> tuple[list[Offer], dict[str, str]]:
        """What services offer, in the order of the catalog; and of the others why they cannot."""
        accounts, own = self.setting.accounts, rung.account
        asked: list[tuple[Offer, list[Request]]] = []
        lost: dict[str, str] = {}
        taken = {one.provider for one in before if _asks_same(one, rung)}
        for page in self._services():
            if page.NAME in taken:
                continue
            account = self._account(page, own)
            is_said = accounts.get(own) == page.NAME or (own not in accounts and own and rung.provider == CHEAPEST)
            there = dataclasses.replace(rung, provider=page.NAME, account=own if is_said else account or page.NAME)
            wish = wish_of(there, 1, given, page)
            wrong = next((complaint.fact for complaint in page.complaints(wish) if not complaint.warning), "")
            requests: list[Request] = []
            if not wrong:
                requests, wrong = self._requests(there, given)
            if wrong:
                lost[page.NAME] = wrong
                continue
            unfit = self._lacks(wish, page, requests[0].larger) if account else f"{_COULD}{page.KEY_ENV} is not set"
            asked.append((self._priced(there, requests[0], unfit), requests))
        found = self._looked_up(asked)
        lost |= {offer.name: offer.unfit for offer in found if offer.unfit and not offer.there}
        return [offer for offer in found if offer.there or not offer.unfit], lost

    def _lacks(self, wish: Wish, page: Service, larger: Way | None) -> str:
        """What a service is not given that it needs to make a shot, and make it larger; empty where it has all."""
        if larger and larger.by and larger.provider not in (page.NAME, *self.setting.configured):
            return f"leaves the upscale to {larger.provider}, of which no key is set"
        if self.setting.published:
            return ""
        if larger and larger.by:
            return f"leaves the upscale to {larger.provider}, which reads clips at a URL, and no [publish] is set"
        lost = next((i for i in wish.inputs if i.local and page.reach(wish, i) in ("url", "asset")), None)
        return f"reads {lost.name or f'its {lost.media}'} at a URL alone, and no [publish] is set" if lost else ""

    def _requests(self, shot: Shot, given: Sequence[Input]) -> tuple[list[Request], str]:
        """Every take as this service would be asked for it, and why it cannot be; empty where it can."""
        known = len(self.faults)
        asked = [self.ask(shot, take, [given])[0] for take in shot.numbers]
        if wrong := self.faults[known:]:  # of what is only tried, and no fault of the recipe's
            del self.faults[known:]
            return [], wrong[0].fact
        return asked, ""

    def _priced(self, shot: Shot, request: Request, unfit: str) -> Offer:
        prices = [request.price]
        if request.larger:
            prices.append(self.requests.price(request.larger.price, request.larger.provider))
        parts = [price.usd for price in prices if price.usd is not None]
        if len(parts) == len(prices):
            return Offer(shot=shot, unfit=unfit, usd=sum(parts, ZERO))
        known = all(price.known for price in prices)
        lacks = "price in dollars unknown: set usd_per_credit" if known else "price unknown"
        return Offer(shot=shot, unfit=unfit, usd=None, lacks=lacks)

    def _looked_up(self, asked: Sequence[tuple[Offer, Sequence[Request]]]) -> list[Offer]:
        """The offers with what is known of the requests that they would make."""
        keys = {request.keys.key for _, requests in asked for request in requests}
        kept, lines = self.known.kept(keys), self.known.lines()
        there = {*kept, *self.known.pending(keys), *self.known.making(keys)}
        found = []
        for offer, requests in asked:
            names = (f"{take_id(offer.shot.id, number)}/generate" for number in offer.shot.numbers)
            shown = sum(
                name in lines and lines[name].key == request.keys.key
                for name, request in zip(names, requests, strict=True)
            )
            mine = [Rung(key=request.keys.key, account=request.account) for request in requests]
            failed = sum(rung.key not in there and self.ladders.has_failed(rung) for rung in mine)
            have = sum(rung.key in there for rung in mine)
            pick = self.requests.picks.get(offer.shot.id)
            made = (kept.get(request.keys.key) for request in requests)
            files = {artifact.sha256 for one in made if one for artifact in one.result.outputs.values()}
            is_picked = pick is not None and pick.sha256 in files
            found.append(dataclasses.replace(offer, there=have, failed=failed, shown=shown, is_picked=is_picked))
        return found

    def _drawn(self, rung: Shot) -> Shot:
        """The rung on this machine, which is told of."""
        keys = ", ".join(page.KEY_ENV for page in self._services())
        fact = f"No service is configured, so {DEFAULT} draws what the cheapest one would make."
        hint = f"Set the key of one ({keys}); `rushes providers` tells more."
        self.warnings.append(Fault(place=rung.where("provider"), fact=fact, hint=hint, warning=True))
        return dataclasses.replace(rung, provider=DEFAULT, account=DEFAULT)

    def _nobody(self, rung: Shot, lost: Mapping[str, str], before: Sequence[Shot], whose: str) -> Shot | None:
        """What becomes of a rung that no service which is configured can make: it stays, goes, or is at fault."""
        able = next((name for name, reason in lost.items() if reason.startswith(_COULD)), "")
        hint = (
            f"Set the key of {able}; `rushes providers` names the variable."
            if able
            else "Change what it asks for, or name a provider; `rushes providers` tells who can do what."
        )
        if rung.provider != CHEAPEST:
            fact = f"No configured service can make {_NAMES}, so what the recipe says holds: {rung.provider}."
            self._tell(rung, whose, fact, lost, hint, warning=True)
            return rung
        asked_before = any(_asks_same(one, rung) for one in before)
        fact = f"No{' other' if asked_before else ''} configured service can make {_NAMES}."
        self._tell(rung, whose, fact, lost, hint, warning=asked_before)
        return None

    def _tell(
        self, rung: Shot, whose: str, fact: str, reasons: Mapping[str, str], hint: str, *, warning: bool = False
    ) -> None:
        """A fault or warning with a line for each service; what is so of several shots for one reason is told once."""
        told = self.warnings if warning else self.faults
        whole = fact + "".join(f"\n  {_line(name, reason)}" for name, reason in reasons.items())
        place, names, at = self._nobodies.setdefault((whole, hint), (rung.where("provider"), [], len(told)))
        names.append(whose)
        fault = Fault(place=place, fact=whole.replace(_NAMES, listed(names)), hint=hint, warning=warning)
        told[at : at + 1] = [fault]


def _is_open(rung: Shot, setting: Setting) -> bool:
    return CHEAPEST in (rung.provider, setting.provider)


def _asks_same(one: Shot, other: Shot) -> bool:
    """Whether two rungs ask for the same, whoever is asked."""
    return one is other or _asked(one) == _asked(other)


_WHO = ("provider", "account", "note", "fallback")
_asked = attrgetter(*(one.name for one in dataclasses.fields(Shot) if one.compare and one.name not in _WHO))
_by = attrgetter("provider", "account")


def _rank(offer: Offer, slots: int) -> tuple[int, bool, int, int, bool, Decimal]:
    """Who comes first: what failed as long as another rung is there for what is kept, then that, then what costs least.

    Of those that have something, whoever made what was picked; whoever was asked for most takes, as the first rung is;
    then what is shown.
    """
    usd = offer.usd or ZERO
    was = 0 if slots > 1 and offer.failed else 1 if offer.there else _NEW
    if was == _NEW:
        return was, False, 0, 0, offer.usd is None, usd
    return was, not offer.is_picked, -(offer.there + offer.failed), -offer.shown, offer.usd is None, usd


def _told(best: Offer, offers: Sequence[Offer], how: str) -> str:
    """The choice in words, with the next best; and those that do not compete."""
    rest = [offer for offer in offers if offer is not best]
    chosen = f"{how} {best.price}"
    priced = [(offer.usd, offer) for offer in rest if offer.usd is not None]
    if priced:
        following = min(priced, key=lambda one: one[0])[1]
        chosen = f"{chosen}, then {following.name} {following.price}"
    elif not rest:
        chosen = f"{chosen}, the only one that can"
    return "; ".join([chosen, *(f"{offer.name}: {offer.lacks}" for offer in rest if offer.usd is None)])


def _line(name: str, reason: str) -> str:
    """Why of one service, in one short line."""
    said = " ".join(reason.split())
    said = said if said.startswith(f"{name} ") else f"{name}: {said}"
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
