"""What the torture shares with the journeys: quarters of services whose clips are drawn once."""

from __future__ import annotations

from tests.journeys.conftest import drawn as drawn
from tests.journeys.conftest import street as street
