"""What a prompt asks to see: place, light, weather, people, camera. Knows words and chance; draws nothing.

Words are English with a handful of the commonest from other tongues. A prompt in which nothing is known still gets
a scene of its own: every choice that no word makes is made by chance seeded from the prompt.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping

from pipeline.media.drawing.paint import Color, tint
from pipeline.values import dataclass

READ_CHARACTERS = 4000

# The order decides where two places are named: the more telling one comes first.
_PLACES: Mapping[str, str] = {
    "sheet": "turnaround|character sheet|model sheet|three views|reference sheet|expression sheet",
    "stairs": "stairs|staircase|stairway|stairwell|spiral steps|escalera|escaliers?|treppen?|treppenhaus",
    "lamp": "great lamp|lamp room|lantern room|fresnel|lens of the lighthouse|the lamp",
    "harbour": "harbou?rs?|ports?|docks?|quays?|piers?|marina|wharf|puerto|hafen|гавань",
    "space": "space|planets?|galaxy|orbit|spaceships?|astronauts?|moon landing|nebula|stars? field|cosmos|космос",
    "product": "product|bottle|perfume|sneakers?|watch|phone|packshot|headphones|cosmetics?|can of|jar|packaging|logo",
    "interior": "room|kitchen|bedroom|office|interior|indoors?|studio|cafe|café|bar|hall|library|desk|table|corridor"
    "|workshop|cabin|attic|habitación|zimmer|chambre|комната",
    "city": "city|cities|streets?|downtown|skyline|skyscrapers?|urban|alley|rooftops?|traffic|metropolis|town|neon"
    "|ciudad|stadt|ville|город|улица",
    "forest": "forests?|woods?|woodland|trees?|jungle|pines?|grove|bosque|wald|forêt|лес",
    "mountain": "mountains?|peaks?|alps?|alpine|summit|valley|canyon|ridge|montañas?|berge?|montagnes?|горы",
    "desert": "deserts?|dunes?|sahara|sand|oasis|camels?|desierto|wüste|пустыня",
    "sea": "sea|ocean|coast|shore|beach|waves?|bay|island|lighthouse|cliffs?|boats?|ships?|sail|surf|lake"
    "|mar|meer|mer|море|océan",
    "portrait": "portrait|close-?up|face|eyes|headshot|retrato|gesicht|visage|портрет",
    "field": "fields?|meadow|farm|prairie|hills?|countryside|village|road|path|garden|grass|campo|feld|champ|поле",
    "abstract": "abstract|mood|texture|pattern|shapes|gradient",
}
_LIGHTS: Mapping[str, str] = {
    "storm": "storm|stormy|thunder|tempest|gale|rain|rainy|lightning|tormenta|sturm|orage|буря",
    "fog": "fog|foggy|mist|misty|haze|hazy|niebla|nebel|brume|туман",
    "snow": "snow|snowy|winter|blizzard|ice|icy|frost|nieve|schnee|neige|снег",
    "night": "night|midnight|moonlight|moonlit|dark|starry|nocturnal|neon|noche|nacht|nuit|ночь",
    "dusk": "dusk|sunset|golden hour|evening|twilight|atardecer|abend|sonnenuntergang|soir|закат|вечер",
    "dawn": "dawn|sunrise|morning|daybreak|amanecer|morgen|morgendämmerung|aube|matin|рассвет|утро",
    "overcast": "overcast|cloudy|grey|gray|gloomy|35mm|documentary|gris|grau",
    "day": "day|noon|sunny|bright|summer|blue sky|clear sky|calm|día|tag|jour|день",
}
_PEOPLE = (
    "he|she|man|woman|men|women|boy|girl|child|person|people|keeper|hero|heroine|character|actor|actress|detective"
    "|sailor|captain|fisherman|soldier|king|queen|prince|princess|dancer|runner|chef|doctor|nurse|teacher|student"
    "|worker|farmer|astronaut|knight|wizard|witch|father|mother|grandmother|grandfather|old man|someone|figure|couple"
    "|friends|crowd|hombre|mujer|mann|frau|homme|femme|мужчина|женщина|host|presenter|musician|singer|climbers?|hikers?|riders?|drivers?|travell?ers?|strangers?|lovers|twins|kids?"
    "|children|family|villagers?|diver|pilot|athlete|model|her|him|his"
)
_SEVERAL = "people|men|women|friends|crowd|children|they|three|soldiers|dancers|family|team|villagers"
_TWO = "couple|both|two (?:\\w+ )?(?:friends|people|men|women|children|kids|girls|boys|strangers|lovers)|lovers|twins"
_DRESSED = "she|woman|girl|queen|princess|witch|heroine|actress|mother|grandmother|mujer|frau|femme|женщина|dress"
_POSES: Mapping[str, str] = {
    "reach": "lights|light the|reaches|raises|waves|holds up|points|lifts|throws|reaching|lighting",
    "walk": "walks?|walking|climbs?|climbing|runs?|running|hurries|steps|strolls|marches|rushes|descends",
    "sit": "sits?|sitting|seated|reads|reading|sleeps|rests",
}
_MOVES: Mapping[str, str] = {
    "push": "push(?:es)? in|dolly in|zooms? in|move in|closer|close-?up",
    "pull": "pull(?:s)? (?:back|out)|dolly out|zooms? out|reveals?",
    "left": "pans? left|truck left|leftwards?",
    "right": "pans? right|truck right|tracking shot|tracking|follows|pans?|walks|sails|drives",
    "rise": "crane|rises|tilts? up|climbs|climbing|ascends|aerial|drone",
}
_COLORS: Mapping[str, str] = {
    "yellow": "d9a93a",
    "red": "b5483f",
    "scarlet": "b23a36",
    "orange": "cf7a3a",
    "green": "5f7f5a",
    "blue": "47698f",
    "navy": "2f4560",
    "white": "d9d4c8",
    "black": "26272b",
    "purple": "6f557f",
    "violet": "72598a",
    "pink": "c78793",
    "brown": "765640",
    "golden": "c99a4b",
    "grey": "7b7f82",
    "gray": "7b7f82",
    "teal": "3f7779",
    "turquoise": "4f8f8d",
    "silver": "a4a9ac",
    "beige": "c2ae8d",
}
_WORN = (
    "oilskin|coat|raincoat|jacket|dress|suit|shirt|hoodie|sweater|cloak|cape|scarf|hat|uniform|robe|kimono|overalls"
    "|jumper|parka|vest|gown|bottle|sneakers?|car|watch|umbrella|boat|balloon|packaging|box|jar|phone"
)
_HATS = "hat|keeper|sailor|captain|fisherman|detective|cowboy|witch|oilskin|farmer|soldier|wizard|chef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A prompt read as a storyboard artist would: `text` its opening, the rest a choice each, `dice` for the others."""

    place: str
    light: str
    people: int
    pose: str
    dress: bool
    hat: bool
    coat: Color | None
    move: str
    lighthouse: bool
    boat: bool
    rain: bool
    dice: int


def dice(*parts: object) -> int:
    """A number that only these parts decide, the same in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _has(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w)(?:{words})(?!\w)", text) is not None


def _first(table: Mapping[str, str], text: str) -> str:
    return next((name for name, words in table.items() if _has(words, text)), "")


def _coat(text: str) -> Color | None:
    names = "|".join(_COLORS)
    worn = re.search(rf"(?<!\w)({names})\W+(?:\w+\W+)?(?:{_WORN})(?!\w)", text)
    found = worn or re.search(rf"(?<!\w)({names})(?!\w)(?!\W+(?:sky|light|hour))", text)
    return tint(_COLORS[found[1]]) if found else None


def read(prompt: str, seed: int) -> Brief:
    """The brief of a prompt, of which the first 4,000 characters are read; `seed` moves only what no word decides."""
    text = prompt[:READ_CHARACTERS].lower()
    own = random.Random(dice("scene", text))
    take = random.Random(dice("take", text, seed))
    someone = _has(_PEOPLE, text)
    place = _first(_PLACES, text)
    if not place:
        place = "portrait" if someone and own.random() < 0.3 else own.choice(("abstract", "field", "abstract", "city"))
        place = "field" if someone and place == "abstract" else place
    if place == "portrait" and not someone:
        someone = True
    light = _first(_LIGHTS, text) or own.choice(("dawn", "day", "dusk", "overcast", "dusk"))
    move = _first(_MOVES, text) or take.choice(("left", "right", "push", "rise", "pull", "left", "right"))
    return Brief(
        place=place,
        light=light,
        people=0 if not someone else 2 if _has(_TWO, text) else 3 if _has(_SEVERAL, text) else 1,
        pose=_first(_POSES, text) or "stand",
        dress=_has(_DRESSED, text),
        hat=_has(_HATS, text),
        coat=_coat(text),
        move=move,
        lighthouse=_has("lighthouse|keeper|beacon", text),
        boat=_has("boats?|ships?|sails?|sailing|fisherm[ae]n|harbou?r|yacht", text),
        rain=_has("rain|rainy|storm|stormy|tempest|downpour", text),
        dice=dice("world", text, seed),
    )
