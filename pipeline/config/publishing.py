"""Where inputs are published, from the user's file and the environment; no fault repeats what may hold a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pipeline.config.model import Publish
from pipeline.config.table import Table
from pipeline.errors import UserError
from pipeline.providers import address

STORE_ENV = "RUSHES_PUBLISH"
BASE_URL_ENV = "RUSHES_PUBLISH_BASE_URL"
SCHEMES = ("s3://", "gs://", "az://")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_HINT = "Write s3://bucket/folder, gs://bucket/folder, az://container/folder or file:///folder."


def publish(table: Table, environ: Mapping[str, str]) -> tuple[Publish | None, dict[str, str]]:
    """Where to publish, and for each of its settings where it comes from; the environment stands before the file.

    The file's `base_url` belongs to the file's store: another one in the environment does without it.
    Raises `UserError` that names the file's setting or the variable.
    """
    table.known(("store", "base_url"))
    in_file = f"{table.path}: {table.setting('')}"
    origins: dict[str, str] = {}
    name, store, base_url = f"{in_file}base_url", "", ""
    if table.data:
        store = checked_store(table.text("store", _HINT), f"{in_file}store")
        origins["publish.store"] = str(table.path)
        if "base_url" in table:
            hint = "Write the address at which the store's files can be read."
            base_url = address.base_url(table.text("base_url", hint), name)
            origins["publish.base_url"] = str(table.path)
    if named := environ.get(STORE_ENV, "").strip():
        other = checked_store(named, STORE_ENV)
        if other != store:
            name, store, base_url = BASE_URL_ENV, other, ""
            origins.pop("publish.base_url", None)
        origins["publish.store"] = STORE_ENV
    if named := environ.get(BASE_URL_ENV, "").strip():
        base_url = address.base_url(named, BASE_URL_ENV)
        origins["publish.base_url"] = BASE_URL_ENV
        if not store:
            raise UserError(f"{BASE_URL_ENV} is set, but no store is named.", f"Set {STORE_ENV} too. {_HINT}")
    if not store:
        return None, {}
    if store.startswith("file:") and not base_url:
        hint = "A folder has no address of its own: say at which https address its files can be read."
        raise UserError(f"{name} is missing.", hint)
    return Publish(store=store, base_url=base_url), origins


def checked_store(text: str, setting: str) -> str:
    """The URL of a store, without a slash at its end. Raises `UserError` that names the setting."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if "@" in parts.netloc or "?" in text or "#" in text:
        hint = "Leave out name, password and query: credentials stay in the environment."
        raise UserError(f"{setting} has more than a place in it.", hint)
    folder = text.startswith("file:///") and parts.path.strip("/")
    bucket = text.startswith(SCHEMES) and _BUCKET.fullmatch(parts.netloc)
    if not text.isprintable() or not (folder or bucket) or ".." in parts.path.split("/"):
        raise UserError(f"{setting} is no store.", _HINT)
    return text.rstrip("/")
