"""Addresses of services: https, or this machine."""

from __future__ import annotations

import pytest

from pipeline.errors import UserError
from pipeline.providers.address import base_url, is_loopback


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("10.0.0.1", False),
     ("0.0.0.0", False), ("127.0.0.1.evil.example", False), ("localhost.evil.example", False), ("", False)],
)  # fmt: skip
def test_this_machine_is_known_by_name_or_number(host: str, here: bool) -> None:
    """And nothing that only looks like it."""
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    "bad", ["https://x.example/a\nb", "https://x.example/\t", " https://x.example", "https://x.example/a b"]
)
def test_blanks_are_no_part_of_an_address(bad: str) -> None:
    """Also where the parser of URLs would pass over them."""
    with pytest.raises(UserError) as caught:
        base_url(bad, "SEEGEN_BASE_URL")
    assert (caught.value.fact, caught.value.hint) == (
        "SEEGEN_BASE_URL is no base URL.",
        "Use https; plain http is only for this machine.",
    )


@pytest.mark.parametrize("bad", ["https://x.example?", "https://x.example/#", "https://@x.example", "https://x?pw"])
def test_an_address_has_no_more_than_an_address(bad: str) -> None:
    """Not even an empty query, which would swallow the path of every call."""
    with pytest.raises(UserError) as caught:
        base_url(bad, "SEEGEN_BASE_URL")
    assert caught.value.fact == "SEEGEN_BASE_URL has more than an address in it."
    assert "pw" not in str(caught.value)
