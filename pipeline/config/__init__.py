"""The user's own settings: read from one TOML file that only the user writes, never from beside a recipe.

Secrets are never in it. Every value remembers where it comes from, for `rushes config`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pipeline.config.model import DEFAULT, AccountSettings, Config, NaciSettings, Publish
from pipeline.config.publishing import publish
from pipeline.config.read import read
from pipeline.config.table import Table
from pipeline.errors import UserError

__all__ = ["DEFAULT", "AccountSettings", "Config", "NaciSettings", "Publish", "default_path", "load"]


def default_path() -> Path:
    """Where the configuration lies where nobody names another: the platform's folder for it."""
    import platformdirs  # 15 ms that `--help` need not pay

    return Path(platformdirs.user_config_dir("rushes", appauthor=False)) / "config.toml"


def load(environ: Mapping[str, str], providers: Collection[str]) -> Config:
    """The configuration named by RUSHES_CONFIG, else the platform's; defaults where there is none.

    The environment's own settings stand before the file's. Raises `UserError` for a file that is named and missing,
    that is no TOML, or for what nobody understands.
    """
    named = environ.get("RUSHES_CONFIG")
    path = Path(named) if named else default_path()
    data = _data(path, named=bool(named))
    file = Table(path=path, name="", data=data or {})
    config = Config() if data is None else read(file, providers)
    found, origins = publish(file.table("publish"), environ)
    return dataclasses.replace(config, publish=found, origins={**config.origins, **origins})


def _data(path: Path, *, named: bool) -> Mapping[str, Any] | None:
    """The tables of a file; None for one that nobody named and that is not there."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise UserError(
                f"RUSHES_CONFIG names {path}, which does not exist.", "Make the file, or unset RUSHES_CONFIG."
            ) from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the configuration {path} cannot be read: {_cause(error)}.", "See to the file, then try again."
        ) from None
    except (
        ValueError,
        RecursionError,
    ) as error:  # a number of 5,000 digits, or a thousand brackets, is no TOMLDecodeError
        raise UserError(f"the configuration {path} is not TOML: {error}.", "Mend that line, then try again.") from None


def _cause(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
