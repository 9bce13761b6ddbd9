"""Where links may lead: what a service names, and where that redirects to, is followed to public https alone."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pipeline.errors import Advice, ProviderError
from pipeline.providers import seegen
from pipeline.providers.base import Call
from pipeline.providers.download import is_inside
from tests.providers.test_http import KEY, LINK, caught, run, wire

INSIDE = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "0.0.0.0",
    "100.64.0.1",
    "255.255.255.255",
    "224.0.0.1",
    "10.0.0.1.",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "::1",
    "::",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "2002:0a00:0001::1",
]
OUTSIDE = ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "cdn.example", "10.example", "", "1.2.3.4.5"]


@pytest.mark.parametrize("host", INSIDE)
def test_a_number_of_a_private_place_is_inside(host: str) -> None:
    """In every spelling that a resolver takes."""
    assert is_inside(host)


@pytest.mark.parametrize("host", OUTSIDE)
def test_public_numbers_and_names_are_not(host: str) -> None:
    """Names are not looked up."""
    assert not is_inside(host)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


BAD = [
    *(f"https://{_in_url(host)}/x" for host in INSIDE),
    "https://localhost/x",
    "https://cdn.example:99999/x",
    "https://cdn.example:0/x",
    "https://cdn.example:99999999999999999999/x",
    "https://[@127.0.0.1/x",
    "https://[x/",
    "https://cdn.example\\@127.0.0.1/",
    "https://me:pw@cdn.example/",
    "https://cdn.example/\ud800",
    "https://cdn.example/\x1b[2J",
    "https://cdn.example/" + "a" * 70_000,
    "https://",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("url", BAD, ids=lambda url: ascii(url[:50]))
def test_such_a_link_is_told_and_not_followed(url: str, tmp_path: Path) -> None:
    """By a download, by an upload, and after a redirect; nothing is asked of it, and nothing else comes out."""
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, content=b"x")

    file = tmp_path / "k.png"
    file.write_bytes(b"x")
    for go in (
        lambda: wire(handler).download(url, tmp_path / "out"),
        lambda: wire(handler).put(url, file, "image/png"),
    ):
        error = caught(go)
        assert "gave a link that is not followed" in error.fact
        assert (error.advice, bool(error.hint), error.fact.isprintable()) == (Advice.NEVER, True, True)
    assert asked == []


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://[@127.0.0.1/x", "no address"),
        ("http://[x/", "no address"),
        ("file:///etc/passwd", "file://"),
        ("https://169.254.169.254/latest", "https://169.254.169.254"),
        ("https://edge.example:99999/x", "https://edge.example:99999"),
        ("http://edge.example/x", "http://edge.example"),
        ("//10.0.0.1/x", "https://10.0.0.1"),
    ],
)
def test_a_redirect_to_one_is_told_as_such(location: str, told: str, tmp_path: Path) -> None:
    """With where it leads, without its path."""
    line = wire(lambda _: httpx.Response(302, headers={"location": location}))
    error = caught(lambda: line.download(LINK, tmp_path / "out"))
    assert error.fact == f"seegen was redirected to an address that is not followed: {told}."
    assert error.advice is Advice.NEVER
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["https://8.8.8.8/x", "https://cdn.example:8443/x", "https://[2606:4700::1111]/x"])
def test_public_links_are_followed(url: str, tmp_path: Path) -> None:
    """By name, by number, with a port."""
    assert run(lambda: wire(lambda _: httpx.Response(200, content=b"xyz")).download(url, tmp_path / "out"))


def test_private_links_are_not_followed_in_a_rehearsal_either() -> None:
    """Only those to this machine are."""
    here = wire(lambda _: httpx.Response(200), base="http://127.0.0.1:8080")
    for good in ("http://127.0.0.1:9/x", "https://localhost/x", "http://[::1]:9/x"):
        here._check(good)
    for bad in ("http://127.0.0.1:99999/x", "https://10.0.0.1/x", "http://169.254.169.254/x", "http://10.0.0.1/x"):
        with pytest.raises(ProviderError):
            here._check(bad)


@pytest.mark.parametrize("location", ["http://[@127.0.0.1/x", "http://[x/", "", "https://a\\b", "https://x:99999/"])
def test_a_call_that_is_redirected_to_nonsense_is_still_a_redirect(location: str) -> None:
    """A refusal like any other: the address is wrong, and nothing was bought."""
    line = wire(lambda _: httpx.Response(302, headers={"location": location}))
    reply = run(lambda: line.send(Call(method="POST", path="/x", body={})))
    error = seegen.fault(reply, "create")
    assert (reply.status, reply.json, error.advice) == (302, None, Advice.NEVER)
    assert "a redirect to " in error.fact
    assert KEY not in error.fact
