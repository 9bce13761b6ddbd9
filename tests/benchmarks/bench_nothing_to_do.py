"""A run in which all 1,000 steps are already there.

The floor: the same text through PyYAML's C loader, and a look at every file.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import yaml

from pipeline import api
from pipeline.desk import House
from pipeline.providers.catalog import PROVIDERS
from tests import stub

COUNT = 1000

if __name__ == "__main__":
    house = House(providers={**PROVIDERS, "stub": stub}, processors=2)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "recipe.yaml"
        shots = "".join(
            f"  - {{id: s{i}, kind: image, prompt: 'number {i} of {{{{ many }}}}'}}\n" for i in range(COUNT)
        )
        path.write_text(
            f"rushes: 1\nname: many\nvars: {{many: {COUNT}}}\ndefaults: {{provider: stub}}\nshots:\n{shots}"
        )
        began = time.perf_counter()
        first = api.run(path, house=house)
        print(f"{COUNT} stills made: {time.perf_counter() - began:.2f} s, {first.status}")
        took, floors = [], []
        for _ in range(5):
            began = time.perf_counter()
            yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
            for i in range(COUNT):
                (first.output / "shots" / f"s{i}.png").stat()
            floors.append(time.perf_counter() - began)
            began = time.perf_counter()
            again = api.run(path, house=house)
            took.append(time.perf_counter() - began)
            assert not again.began
        took.sort()
        floors.sort()
        one, other = took[2], floors[2]
        print(f"all {COUNT} steps already there: {one:.3f} s; floor {other:.3f} s; ratio {one / other:.1f}")
