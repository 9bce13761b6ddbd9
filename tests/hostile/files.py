"""Attacks by what lies beside the recipe, or is named as if it did: paths, links, addresses, poisoned media."""

from __future__ import annotations

import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.hostile.case import HEAD, SHOTS, Case, shot

KEEP = b"keep out"


def _frame(name: str) -> str:
    """A still frame by this name."""
    return shot(f"chain: '', first_frame: '{name}'").replace("chain: '', ", "")


def _png(width: int, height: int, *, end: bool = True, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows or zlib.compress(bytes(1_000)))
    return whole + (chunk(b"IEND", b"") if end else b"")


GOOD = _png(8, 8)


def written(name: str, data: bytes) -> Callable[[Path], object]:
    """Puts a file beside the recipe."""

    def lay(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return lay


def linked(name: str, to: str) -> Callable[[Path], object]:
    """Puts a symbolic link beside the recipe."""
    return lambda folder: (folder / name).symlink_to(to)


def _outside(folder: Path) -> None:
    (folder.parent / "outside").mkdir(exist_ok=True)
    (folder.parent / "outside" / "k.png").write_bytes(GOOD)
    (folder / "away").symlink_to("../outside")


def _chained(count: int) -> Callable[[Path], object]:
    def lay(folder: Path) -> None:
        (folder / "l0").write_bytes(GOOD)
        for i in range(count):
            (folder / f"l{i + 1}").symlink_to(f"l{i}")

    return lay


def _ending_in(name: str) -> Callable[[Path], object]:
    def lay(folder: Path) -> None:
        _chained(1_500)(folder)
        (folder / name).symlink_to("l1500")

    return lay


def _swarm(folder: Path) -> None:
    """Links of which each is two of the next."""
    (folder / "d0").mkdir()
    (folder / "d0" / "k.png").write_bytes(GOOD)
    for i in range(30):
        (folder / f"d{i + 1}").symlink_to(f"d{i}/../d{i}")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the name of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("s.png")
    finally:
        os.chdir(here)


def _sparse(folder: Path) -> None:
    with (folder / "v.mp4").open("wb") as file:
        file.write(b"\0\0\0\x18ftypisom" + bytes(12))
        file.truncate(100 * 1024**2)


def _zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "k.png", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("x", bytes(1_000_000))


_OUT = "out of the recipe's folder"
_ABSOLUTE = "absolute path"
NAMES: dict[str, tuple[str, str]] = {
    "up": ("../outside/k.png", _OUT),
    "up from below": ("a/../../outside/k.png", "no file"),
    "up through here": ("./../outside/k.png", _OUT),
    "the root": ("/etc/passwd", _ABSOLUTE),
    "the root twice": ("//etc/passwd", _ABSOLUTE),
    "home": ("~/k.png", _ABSOLUTE),
    "another's home": ("~root/k.png", _ABSOLUTE),
    "a variable of the shell": ("$HOME/k.png", "no file"),
    "a command of the shell": ("`id`.png", "no file"),
    "backslashes": ("..\\outside\\k.png", "no path"),
    "a drive": ("C:/k.png", "no path"),
    "a drive's folder": ("c:k.png", "no path"),
    "a share": ("\\\\host\\share\\k.png", "no path"),
    "a file's address": ("file:///etc/passwd", "no URL"),
    "a file's short address": ("file:k.png", "no URL"),
    "a file's address on a host": ("FILE://host/etc/passwd", "no URL"),
    "data": ("data:image/png;base64,iVBORw0KGgo=", "no URL"),
    "a script's address": ("javascript://x/k.png", "no URL"),
    "a stream of another file": ("k.png::$DATA", "no shot or reference"),
    "a name with a line break": ("k\n.png", "cannot be the path"),
    "a dot": (".", "no shot or reference"),
    "a dot and a slash": ("./", "is a folder"),
    "many slashes": ("a" + "/" * 900 + "k.png", "no file"),
    "many dots": ("./" * 400 + "k.png", "no file"),
    "a dot behind": ("k.png.", "no shot or reference"),
    "a space behind": ("k.png ", "no shot or reference"),
    "a long name": ("x" * 300 + ".png", "cannot be read"),
    "a longer name": ("x/" * 700 + "k.png", "cannot be the path"),
    "a descriptor": ("/proc/self/fd/0", _ABSOLUTE),
    "a device": ("/dev/zero", _ABSOLUTE),
    "the recipe": ("recipe.yaml", "not a picture, video or sound"),
}

ADDRESSES: dict[str, tuple[str, str]] = {
    "a password": ("https://u:p@example.com/k.png", "name or a password"),
    "a name": ("https://u@example.com/k.png", "name or a password"),
    "an empty name": ("https://@example.com/k.png", ""),
    "a metadata service": ("http://169.254.169.254/latest/k.png", "plain http"),
    "a private host": ("http://10.0.0.1/k.png", "plain http"),
    "this machine": ("http://127.0.0.1:1/k.png", ""),
    "this machine as a number": ("http://2130706433/k.png", "plain http"),
    "this machine in octal": ("http://0177.0.0.1/k.png", "plain http"),
    "a name that begins like this machine": ("http://127.0.0.1.example.com/k.png", "plain http"),
    "this machine in IPv6": ("http://[::1]/k.png", ""),
    "this machine mapped": ("http://[::ffff:127.0.0.1]/k.png", "plain http"),
    "a broken IPv6": ("https://[::1/k.png", "no URL"),
    "no IPv6": ("https://[nope]/k.png", "no URL"),
    "a zone": ("https://[fe80::1%25eth0]/k.png", ""),
    "another alphabet": ("https://ехаmple.com/k.png", ""),
    "a port beyond": ("https://example.com:99999/k.png", "no URL"),
    "a port of letters": ("https://example.com:x/k.png", "no URL"),
    "a port of other digits": ("https://example.com:٣/k.png", "no URL"),
    "no host": ("https:///k.png", "no URL"),
    "spaces": ("https://example.com/k k.png", "no URL"),
    "a tab": ("https://exa\tmple.com/k.png", "no URL"),
    "a line break": ("https://example.com/k.png\n", "no URL"),
    "a long one": ("https://example.com/" + "x" * 3000, "no URL"),
    "a gopher": ("gopher://example.com/k.png", "no URL"),
    "a bucket": ("s3://bucket/k.png", "no URL"),
}


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace('"', '\\"') + '"'


def _named(name: str) -> str:
    return SHOTS + f"- {{id: a, prompt: p, references: [{_quoted(name)}]}}\n"


PATHS = {f"the path of {what}": Case(text=_named(name), fact=fact) for what, (name, fact) in NAMES.items()}
URLS = {f"the address of {what}": Case(text=_named(name), fact=fact) for what, (name, fact) in ADDRESSES.items()}

_K = _named("k.png")
_CUT = "cut short"
LAID = {
    "a good picture": Case(text=_K, lay=written("k.png", GOOD)),
    "a link to a file outside": Case(text=_K, fact=_OUT, lay=linked("k.png", "/etc/passwd")),
    "a link to a folder outside": Case(text=_named("away/k.png"), fact=_OUT, lay=_outside),
    "a link to itself": Case(text=_K, fact="cannot be read", lay=linked("k.png", "k.png")),
    "a link to nowhere": Case(text=_K, fact="no file 'k.png'", lay=linked("k.png", "gone.png")),
    "a link to a descriptor": Case(text=_K, fact=_OUT, lay=linked("k.png", "/proc/self/fd/0")),
    "a link to a device": Case(text=_K, fact=_OUT, lay=linked("k.png", "/dev/zero")),
    "a link out by dots": Case(text=_K, fact=_OUT, lay=linked("k.png", "../../../../../../../etc/passwd")),
    "a link to the folder": Case(text=_named("here/k.png"), fact="no file", lay=linked("here", ".")),
    "links upon links": Case(text=_named("l30"), fact="no shot or reference"),
    "thirty links": Case(text=_named("./l30"), lay=_chained(30)),
    "two thousand links": Case(text=_named("./l2000"), fact="Too many levels", lay=_chained(2000)),
    "results behind links without end": Case(
        text=SHOTS + "- {id: a, prompt: p}\n", fact="without end", at=0, lay=_ending_in("out")
    ),
    "a workspace behind links without end": Case(
        text=SHOTS + "- {id: a, prompt: p}\n", fact=".rushes is a link", at=0, lay=_ending_in(".rushes")
    ),
    "results that lead out": Case(
        text=SHOTS + "- {id: a, prompt: p}\n", fact="leads out of the recipe's folder", at=0, lay=linked("out", "..")
    ),
    "links that double": Case(text=_named("d30/k.png"), fact="Too many levels", lay=_swarm),
    "a named pipe": Case(text=_K, fact="no ordinary file", lay=lambda folder: os.mkfifo(folder / "k.png")),
    "a socket": Case(text=_named("s.png"), fact="cannot be read", lay=_socket),
    "a folder for a file": Case(text=_K, fact="is a folder", lay=lambda folder: (folder / "k.png").mkdir()),
    "a file for a folder": Case(text=_named("k.png/x.png"), fact="no file", lay=written("k.png", GOOD)),
    "an empty file": Case(text=_K, fact="is empty", lay=written("k.png", b"")),
    "a bomb of pixels": Case(text=_K, fact="65,535 x 65,535 pixels", lay=written("k.png", _png(65_535, 65_535))),
    "a picture without width": Case(text=_K, fact="begins like a picture", lay=written("k.png", _png(0, 9))),
    "a picture wider than numbers": Case(text=_K, fact="pixels", lay=written("k.png", _png(2**32 - 1, 2**32 - 1))),
    "a picture cut short": Case(text=_K, fact=_CUT, lay=written("k.png", _png(9, 9, end=False))),
    "a picture of endless pieces": Case(
        text=_K, lay=written("k.png", GOOD[:33] + (b"\0\0\0\0teXt" + bytes(4)) * 100_000)
    ),
    "a moving picture of endless pieces": Case(
        text=_K, lay=written("k.png", b"GIF89a\1\0\1\0\0\0\0!\xfe" + b"\1x" * 500_000)
    ),
    "a photograph without end": Case(
        text=_K,
        fact=_CUT,
        lay=written("k.png", b"\xff\xd8\xff\xc0\0\x0b\x08\0\x09\0\x09\x01\x01\x11\0\xff\xda" + bytes(2_000_000)),
    ),
    "a photograph of fillers": Case(
        text=_K, fact="begins like a picture and is none", lay=written("k.png", b"\xff\xd8" + b"\xff" * 3_000_000)
    ),
    "a page for a picture": Case(
        text=_K, fact="not a picture", lay=written("k.png", b"<html><script>alert(1)</script>")
    ),
    "a drawing for a picture": Case(text=_K, fact="not a picture", lay=written("k.png", b"<svg onload='alert(1)'/>")),
    "an archive for a picture": Case(text=_K, fact="not a picture", lay=_zip),
    "a program for a picture": Case(text=_K, fact="not a picture", lay=written("k.png", b"\x7fELF" + bytes(99))),
    "a picture with a page behind": Case(text=_K, lay=written("k.png", GOOD + b"<script>alert(1)</script>" * 99)),
    "a sound for a picture": Case(
        text=HEAD + "references: {k: {image: k.png}}\nshots:\n- {id: a, prompt: p, references: [k]}\n",
        fact="a sound, not a picture",
        at=3,
        lay=written("k.png", b"ID3" + bytes(99)),
    ),
    "boxes in boxes": Case(
        text=_named("v.mp4"), lay=written("v.mp4", b"\0\0\0\x18ftypisom" + bytes(12) + b"\0\0\0\x08moov" * 50_000)
    ),
    "a box of no size": Case(
        text=_named("v.mp4"), lay=written("v.mp4", b"\0\0\0\x18ftypisom" + bytes(12) + b"\0\0\0\0moov" * 99)
    ),
    "a box of every size": Case(
        text=_named("v.mp4"), lay=written("v.mp4", b"\0\0\0\x18ftypisom" + bytes(12) + b"\0\0\0\x01moov" + b"\xff" * 8)
    ),
    "elements without end": Case(
        text=_named("v.webm"),
        lay=written("v.webm", b"\x1a\x45\xdf\xa3\x84webm\x18\x53\x80\x67" + b"\x01" + b"\xff" * 90_000),
    ),
    "a sound of endless frames": Case(
        text=_named("a.mp3"), lay=written("a.mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(99_000))
    ),
    "a wave of endless pieces": Case(
        text=_named("a.wav"), lay=written("a.wav", b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\0\0\0\0" * 90_000)
    ),
    "a video of holes": Case(text=_named("v.mp4"), lay=_sparse, seconds=4),
    "one video by many names": Case(
        text=SHOTS
        + "- {id: a, prompt: p, references: ["
        + ", ".join("'" + "./" * n + "v.mp4'" for n in range(1, 90))
        + "]}\n",
        lay=_sparse,
        seconds=4,
    ),
    "a thousand photographs without end": Case(
        text=SHOTS
        + "".join(
            f"- {{id: a{n}, prompt: p, references: ['{'./' * (n % 400)}.//{'/' * (n // 400)}k.png']}}\n"
            for n in range(1000)
        ),
        fact=_CUT,
        lay=written("k.png", b"\xff\xd8\xff\xc0\0\x0b\x08\0\x09\0\x09\x01\x01\x11\0\xff\xda" + bytes(8_000_000)),
        seconds=4,
    ),
}

SETTINGS = b'[providers.naci]\nusd_per_credit = "0"\n[publish]\nstore = "file:///"\n'
BESIDE = {
    f"a {name} beside the recipe": Case(text=SHOTS + "- {id: a, prompt: p}\n", lay=written(name, data))
    for name, data in {
        "config.toml": SETTINGS,
        "rushes.toml": SETTINGS,
        ".env": b"SEEGEN_API_KEY=x\nRUSHES_CONFIG=config.toml\n",
        "rushes/config.toml": SETTINGS,
        "pyproject.toml": b"[tool.rushes]\nstore = 'x'\n",
        "sitecustomize.py": b"raise SystemExit('ran')\n",
        "yaml.py": b"raise SystemExit('ran')\n",
        "recipe.schema.json": b"{}",
    }.items()
}

DIGEST = b"sha256:" + b"a" * 64
PICKS = {
    f"picks that are {name}": Case(
        text=SHOTS + "- {id: a, prompt: p}\n",
        lay=written("recipe.picks.yaml", data),
        fact=fact,
        at=line,
        seconds=seconds,
    )
    for name, (data, fact, line, seconds) in {
        "code": (b"!!python/object/apply:os.system [id]\n", "Picks cannot be a list.", 1, 2),
        "a bomb of aliases": (
            b"a: &a [x, x, x, x, x, x, x, x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 8)) for n in range(98, 112)),
            "unfolds to more than 400,000 values",
            7,
            4,
        ),
        "nested deep": (b"{a: " * 10_000, "This is nested more than", 1, 2),
        "very many": (
            b"".join(b"s%d: {take: 1, sha256: %s}\n" % (n, DIGEST) for n in range(30_000)),
            "There is no shot 's0' to pick a take of.",
            1,
            8,
        ),
        "too large": (b"# x\n" * 2_000_000, "The picks cannot be read", 1, 2),
    }.items()
}

CASES = {**PATHS, **URLS, **LAID, **BESIDE, **PICKS}
