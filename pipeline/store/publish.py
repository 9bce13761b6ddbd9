"""Local files where services that take only public URLs can read them: in a bucket, or in a folder behind a web server.

What is put there is named by the digest of its bytes, so it is sent once and never changed. It knows neither recipes
nor services, writes no link down, and lets no key into what it says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from pipeline.errors import StoreError, UserError
from pipeline.store import faults
from pipeline.store.copying import copy_into_place, refuse_unless_file
from pipeline.values import dataclass, field

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

_NAME = re.compile(r"[0-9a-f]{64}\.[A-Za-z0-9]{1,16}")
# WHY: a link may wait in a service's queue for days; stores sign for seven at most, and clocks differ.
_LINK_LIVES = timedelta(days=6, hours=12)
_READABLE = 0o644  # a web server runs as somebody else
_PASSABLE = 0o755

_KEYS = {  # scheme -> what of the environment opens it, in obstore's own words
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY"),
    "az": (
        "AZURE_STORAGE_ACCOUNT_NAME",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_CLIENT_ID",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_STORAGE_TENANT_ID",
    ),
}
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")  # the first that is set holds
_ENDPOINT = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?(/[!-~]*)?")
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]*")
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|\[::1\]")

_KEY_HINT = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that may read and write there"
    " (`aws configure export-credentials --format env` prints those of a profile).",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account's key that may read and write there.",
    "az": "Set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY to a key that may read and write there.",
}
_PLACE_HINT = {
    "s3": "Make the bucket, or mend `store` in [publish]; look at AWS_REGION and AWS_ENDPOINT_URL too.",
    "gs": "Make the bucket, or mend `store` in [publish].",
    "az": "Make the container, or mend `store` in [publish] (az://container/folder) or AZURE_STORAGE_ACCOUNT_NAME.",
}
_FOLDER_HINT = "Make it writable for you, or name another folder as `store` in [publish]."


class Publish(Protocol):
    """A place that public URLs lead to; `place` tells it from others in keys and never holds a secret.

    Names are 64 hex digits, a dot and a file ending; any other raises `ValueError`.
    """

    @property
    def place(self) -> str: ...

    def put(self, path: Path, name: str, content_type: str) -> None:
        """Puts the file's bytes there as `name`, whole or not at all; sends nothing if that is there in this size.

        Blocks until they are there. Raises `StoreError`.
        """

    def link(self, name: str) -> str:
        """A URL of `name` that anyone can read for at least six days, or as long as temporary credentials live.

        It asks nobody whether the bytes are there. Raises `StoreError` if the store cannot sign links.
        """


def open_publish(store: str, base_url: str, environ: Mapping[str, str]) -> Publish:
    """The place at `store` (s3:// gs:// az:// file://), its keys from `environ`; reaches for no network.

    With `base_url`, links are that and the name; a bucket without one signs its links. Raises `UserError`.
    """
    where = _parsed(store, "store")
    if base_url:
        base_url = _checked(base_url).rstrip("/")
    match where.scheme:
        case "file":
            return _folder(where, base_url)
        case "s3" | "gs" | "az":
            return _bucket(where, base_url, environ)
        case _:
            raise UserError(
                "`store` in [publish] is not a URL of a kind that is known here.",
                "Write s3://bucket/folder, gs://bucket/folder, az://container/folder, or file:///folder with base_url.",
            )


def place_of(store: str, base_url: str, environ: Mapping[str, str]) -> str:
    """What tells a place from others: the store, the endpoint or account it is at, and how its links begin.

    Nothing is checked, and nothing secret is in it that is not in `store` or `base_url`.
    """
    at = ""
    if store.startswith("s3:"):
        at = next((environ[name] for name in _ENDPOINTS if environ.get(name)), "").rstrip("/")
    elif store.startswith("az:"):
        at = environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    return store + (f" at {at}" if at else "") + (f" -> {base_url}" if base_url else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """A folder that a web server shows at `base_url`."""

    place: str
    folder: Path
    base_url: str

    def put(self, path: Path, name: str, content_type: str) -> None:
        """Copies the file; what its type is, the web server says."""
        to = self.folder / _checked_name(name)
        source = _stat_readable(path)
        try:
            self._make()
            there = refuse_unless_file(to)
            if there is None or there.st_size != source.st_size:
                copy_into_place(path, to, mtime_ns=source.st_mtime_ns)
                there = to.lstat()
            if there.st_mode & _READABLE != _READABLE:
                to.chmod(_READABLE)
        except OSError as error:
            said = faults.of_os(error, self.folder)
            raise StoreError(said.fact, _FOLDER_HINT if said.hint == faults.MAY_WRITE else said.hint) from error

    def link(self, name: str) -> str:
        """`base_url` and the name."""
        return f"{self.base_url}/{_checked_name(name)}"

    def _make(self) -> None:
        missing = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            folder.chmod(_PASSABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bucket:
    """A bucket, or a folder in it; links are signed where there is no `base_url`."""

    place: str
    scheme: str
    base_url: str
    store: AzureStore | GCSStore | S3Store = field(repr=False)

    def put(self, path: Path, name: str, content_type: str) -> None:
        """Sends the file, if it is not there; what is larger than 5 MB goes in parts."""
        import obstore
        from obstore.exceptions import BaseError

        _checked_name(name)
        source = _stat_readable(path)
        try:
            if self._size(name) == source.st_size:
                return
            obstore.put(self.store, name, path, attributes={"Content-Type": content_type}, max_concurrency=4)
        except (BaseError, OSError) as error:
            # WHY: the foreign error may quote headers, and with them what was signed: it goes no further than here.
            raise self._refusal(error) from None

    def link(self, name: str) -> str:
        """A signed link for reading alone, or `base_url` and the name."""
        import obstore
        from obstore.exceptions import BaseError

        _checked_name(name)
        if self.base_url:
            return f"{self.base_url}/{name}"
        try:
            return obstore.sign(self.store, "GET", name, _LINK_LIVES)
        except BaseError:
            what = {"gs": "a service account's key", "az": "the account's key"}.get(self.scheme, "a key")
            raise StoreError(
                f"{self.place} cannot sign links: that takes {what}.",
                f"{_KEY_HINT[self.scheme]} Or make it public, and give the address it is read at as base_url.",
            ) from None

    def _size(self, name: str) -> int | None:
        """The size of what is there; None where nothing is, or where looking is refused."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            return obstore.head(self.store, name)["size"]
        except FileNotFoundError:
            return None
        except BaseError as error:
            # WHY: to those who may not list a bucket, S3 answers 403 for what is not there; and no answer to a look
            # says in words what is wrong, while the answer to the put that follows does.
            if _status(error).startswith("4"):
                return None
            raise

    def _refusal(self, error: Exception) -> StoreError:
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

        status, code, place = _status(error), _code(error), self.place
        answer = f" ({status} {code})" if status and code else f" ({status or code})" if status or code else ""
        if code == "RequestTimeTooSkewed":
            return StoreError(f"{place} refuses requests of another time{answer}.", "Set this machine's clock right.")
        if code in ("AuthorizationHeaderMalformed", "PermanentRedirect") or "configured region" in str(error):
            return StoreError(f"{place} lies in another region{answer}.", "Set AWS_REGION to the bucket's region.")
        if isinstance(error, PermissionDeniedError | UnauthenticatedError) or code in ("ExpiredToken", "InvalidToken"):
            return StoreError(f"{place} does not let this key write{answer}.", _KEY_HINT[self.scheme])
        if isinstance(error, FileNotFoundError):
            return StoreError(f"{place} is not there{answer}.", _PLACE_HINT[self.scheme])
        if "169.254.169.254" in str(error) or "token request" in str(error):
            # WHY: with no key in the environment, the key is asked of the machine's own cloud.
            return StoreError(f"There is no key for {place}.", _KEY_HINT[self.scheme])
        if status:
            return StoreError(f"{place} did not take a file{answer}.", "Run the same command again later.")
        return StoreError(
            f"{place} could not be reached.",
            "Look at the network, and at AWS_ENDPOINT_URL." if self.scheme == "s3" else "Look at the network.",
        )


def _folder(where: SplitResult, base_url: str) -> _Folder:
    path = unquote(where.path)
    if where.netloc not in ("", "localhost") or not path.startswith("/") or "\0" in path:
        raise UserError("The folder in `store` of [publish] is not absolute.", "Write it in full: file:///folder.")
    folder = Path(path)
    if not base_url:
        raise UserError(
            f"file://{folder} is given as `store` in [publish] without base_url: nobody could read what is put there.",
            "Give the address that a web server shows the folder at: base_url, or RUSHES_PUBLISH_BASE_URL.",
        )
    place = place_of(f"file://{folder}", base_url, {})
    return _Folder(place=place, folder=folder, base_url=base_url)


def _bucket(where: SplitResult, base_url: str, environ: Mapping[str, str]) -> _Bucket:
    scheme = where.scheme
    url = f"{scheme}://{where.netloc}{where.path}".rstrip("/")
    if not _BUCKET.fullmatch(where.netloc):
        raise UserError(f"{scheme}:// in `store` of [publish] names no bucket.", f"Write {scheme}://bucket/folder.")
    try:
        from obstore.exceptions import BaseError
        from obstore.store import AzureStore, GCSStore, S3Store
    except ImportError:
        raise UserError(
            f"{url} as `store` in [publish] needs the extra `s3`, which is not installed.", "pip install 'rushes[s3]'"
        ) from None

    endpoint = _endpoint(environ) if scheme == "s3" else ""
    config = {name: environ[name] for name in _KEYS[scheme] if environ.get(name)}
    client: ClientConfig = {"timeout": timedelta(seconds=120), "connect_timeout": timedelta(seconds=10)}
    retry: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
    if endpoint:
        config["AWS_ENDPOINT_URL"] = endpoint
        client["allow_http"] = endpoint.startswith("http:")
    kind: type[AzureStore | GCSStore | S3Store] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[scheme]
    try:
        store = kind.from_url(url, config=config, client_options=client, retry_config=retry)  # type: ignore[arg-type]
    except BaseError:
        raise UserError(
            f"The keys for {url} are not complete, or not of the form they should have.", _KEY_HINT[scheme]
        ) from None
    return _Bucket(place=place_of(url, base_url, environ), scheme=scheme, base_url=base_url, store=store)


def _endpoint(environ: Mapping[str, str]) -> str:
    """Where S3 is asked, without a slash at the end; empty for Amazon's own. Plain http needs loopback or consent."""
    name = next((name for name in _ENDPOINTS if environ.get(name)), "")
    if not name:
        return ""
    found = _ENDPOINT.fullmatch(environ[name])
    # WHY: obstore panics over an address that is none, and a name and password in it would show in our messages.
    if not found or int(found[3] or 443) > 65535 or set(found[4] or "") & set("@?#"):
        raise UserError(f"{name} is not an address.", "Write https://host or https://host:port, and nothing secret.")
    consent = environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes", "on")
    if found[1] == "http" and not consent and not _LOOPBACK.fullmatch(found[2]):
        raise UserError(
            f"{name} is plain http: anyone on the way to {found[2]} could read along.",
            "Write https://, or set AWS_ALLOW_HTTP=true.",
        )
    return environ[name].rstrip("/")


def _parsed(url: str, setting: str) -> SplitResult:
    # WHY: what is refused here is not shown, since a name and a password, or a signature, may be part of it.
    try:
        where = urlsplit(url.strip())
    except ValueError:
        raise UserError(f"`{setting}` in [publish] is not a URL.", "Write it as scheme://name/folder.") from None
    if "@" in where.netloc or where.query or where.fragment:
        raise UserError(
            f"`{setting}` in [publish] carries a name and password, a query or a fragment.",
            "Leave them away: keys come from the environment.",
        )
    return where


def _checked(base_url: str) -> str:
    where = _parsed(base_url, "base_url")
    if where.scheme not in ("https", "http") or not where.hostname:
        raise UserError("`base_url` in [publish] is not a web address.", "Write it as https://host/folder.")
    return where.geturl()


def _stat_readable(path: Path) -> os.stat_result:
    with faults.told(path), path.open("rb") as file:
        return os.fstat(file.fileno())


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the digest of a file and its ending")
    return name


def _status(error: Exception) -> str:
    found = re.search(r"status code: ([0-9]{3})", str(error))
    return found[1] if found else ""


def _code(error: Exception) -> str:
    """The store's own word for what is wrong, as S3 and Azure write it; never a sentence, which may quote a key."""
    found = re.search(r"<Code>([A-Za-z]{1,60})</Code>", str(error))
    return found[1] if found else ""
