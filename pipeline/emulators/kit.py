"""What every service is given: its settings, its desk, what came in and what goes out."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pipeline.emulators.call import Call, Service
from pipeline.emulators.desk import Desk
from pipeline.emulators.files import Files
from pipeline.emulators.inputs import Inputs
from pipeline.emulators.jobs import Job, Stage
from pipeline.emulators.settings import Settings
from pipeline.emulators.studio import Studio


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """The furniture of one service; `root` is the server's own address."""

    root: str
    settings: Settings
    desk: Desk
    inputs: Inputs
    studio: Studio
    files: Files
    chance: random.Random = field(default_factory=random.SystemRandom)

    def take(self, service: Service, call: Call, job: Job) -> Job:
        """Take a job in, with the faults that this request drew."""
        traits = []
        values: dict[str, Any] = {}
        for fault in call.traits:
            fate: Stage = "expired" if fault.name == "job_expires" else "failed"
            match fault.name:
                case "moderated_later" | "job_fails" | "job_expires":
                    code, message = service.verdict(fault)
                    values.update(fate=fate, code=code, message=message)
                case "slow_job":
                    values["pace"] = fault.seconds
                case "frozen" | "url_in_fail_reason":
                    pass
                case _:
                    continue
            traits.append(fault.name)
        job = self.desk.accept(replace(job, traits=tuple(traits), **values))
        call.made.append(job.id)
        return job

    def word(self, length: int, letters: str = string.ascii_lowercase + string.digits) -> str:
        """A word by chance, for ids."""
        return "".join(self.chance.choices(letters, k=length))


def iso(seconds: float, *, milliseconds: bool = True) -> str:
    """A moment as ISO 8601 in UTC with a Z."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds" if milliseconds else "seconds").replace("+00:00", "Z")
