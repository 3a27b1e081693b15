"""Addresses have one reading: that of the check is that of the request."""

from __future__ import annotations

import httpx
import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from wren_async import CNaughtClient, InvalidConfiguration, WrenClient
from wren_async.http.address import UnreadableAddress, join_address, read_address

PLAIN = {
    "https://api.example.com": ("api.example.com", None, ""),
    "https://api.example.com/": ("api.example.com", None, "/"),
    "HTTPS://API.Example.COM:8443/V1": ("api.example.com", 8443, "/V1"),
    "http://my_service:80/x": ("my_service", 80, "/x"),
    "http://127.0.0.1:8000": ("127.0.0.1", 8000, ""),
    "http://[::1]:8000/": ("::1", 8000, "/"),
    "http://[0:0:0:0:0:0:0:1]": ("::1", None, ""),
    "https://xn--mller-kva.example": ("xn--mller-kva.example", None, ""),
    "https://a.example?x=1": ("a.example", None, "?x=1"),
    "https://a.example/b?x=%41&y=/?#frag": ("a.example", None, "/b?x=%41&y=/?"),
    "https://a.example/é/%zz/{x}": ("a.example", None, "/%C3%A9/%25zz/%7Bx%7D"),
    "https://a.example/a/../b/./c": ("a.example", None, "/b/c"),
    "https://a.example/../../b": ("a.example", None, "/b"),
    "https://a.example//b": ("a.example", None, "//b"),
    "https://a.example/@b:c": ("a.example", None, "/@b:c"),
}

TRICKY = [
    "",
    "api.example.com",
    "//api.example.com",
    "https:/api.example.com",
    "https:api.example.com",
    "https://",
    "https:///x",
    "https://:8000",
    "ftp://api.example.com",
    "file:///etc/passwd",
    "javascript://api.example.com/%0aalert(1)",
    "http+unix://x",
    " https://api.example.com",
    "https://api.example.com ",
    "https://user@api.example.com",
    "https://user:password@api.example.com",
    "https://api.example.com@evil.example",
    "https://@api.example.com",
    "http://localhost:80@evil.example",
    "http://evil.example\\.localhost",
    "http://evil.example\\@localhost",
    "http://localhost\\@evil.example",
    "http://evil.example%2F.localhost",
    "http://evil.example%2f@localhost",
    "http://evil.example%23.localhost",
    "http://evil.example%00.localhost",
    "http://%6c%6f%63alhost",
    "http://evil.example\x00.localhost",
    "http://local\thost",
    "http://local\nhost",
    "http://evil.example\r\nX: y",
    "http://evil.example .localhost",
    "http://evil.example;.localhost",
    "http://evil.example,localhost",
    "http://127。0。0。1",
    "http://１２７.0.0.1",
    "http://ⓛocalhost",
    "http://localhost。evil.example",
    "https://bücher.example",
    "https://xn--a",
    "https://xn--.example",
    "https://api\ud800.example",
    "https://api.example/\ud800",
    "https://api.example.com.",
    "http://localhost.",
    "https://api..example.com",
    "https://.example.com",
    "https://-api.example.com",
    "https://api-.example.com",
    f"https://{'a' * 64}.example",
    f"https://{'a.' * 130}example",
    "http://2130706433",
    "http://0x7f000001",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://127.1",
    "http://127.0.0.1.1",
    "http://127.0.0.256",
    "http://127.0.0.01",
    "http://[::1%25eth0]",
    "http://[::1%eth0]",
    "http://[fe80::1%lo]",
    "http://[::1",
    "http://::1",
    "http://[127.0.0.1]",
    "http://[v1.x]",
    "http://[::1]x",
    "https://api.example.com:",
    "https://api.example.com:0",
    "https://api.example.com:65536",
    "https://api.example.com:999999",
    "https://api.example.com:-1",
    "https://api.example.com:port",
    "https://api.example.com:80:80",
    "https://api.example.com:٣",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_address_is_read(text: str) -> None:
    address = read_address(text)
    assert (address.host, address.port, address.target) == PLAIN[text]
    assert read_address(address.text) == address


@pytest.mark.parametrize("text", TRICKY)
def test_a_tricky_address_is_refused_with_a_reason_that_repeats_nothing(text: str) -> None:
    with pytest.raises(UnreadableAddress) as caught:
        read_address(text)
    assert "password@" not in str(caught.value)
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [text for text in TRICKY if text.strip() == text and text != "https://api.example.com:"]
)
def test_no_client_takes_a_tricky_address(text: str) -> None:
    for client in (WrenClient, CNaughtClient):
        with pytest.raises(InvalidConfiguration, match="base_url"):
            client("t", base_url=text)


SCRAPS = [
    "http://",
    "https://",
    "a.example",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "@",
    ":",
    "80",
    "/",
    "\\",
    "?",
    "#",
    "%2F",
]
SCRAPS += [
    "%",
    ".",
    "..",
    "xn--",
    "。",
    "é",
    "\t",
    " ",
    "0x7f",
    "1",
    "x",
    ";",
    "&",
    "[",
    "]",
    "\ud800",
    "\x00",
    "|",
    "^",
]


@given(st.lists(st.sampled_from(SCRAPS), max_size=9).map("".join).map("http://".__add__) | st.text(max_size=20))
@example("http://a.example/a%2F..%2fb?x=[1]|2^`{}<>\"'")
@example("https://a.example/..;/%2e%2e/x")
def test_all_http_libraries_read_what_was_read_alike(text: str) -> None:
    try:
        address = read_address(text)
    except UnreadableAddress:
        return
    theirs, others = httpx.URL(address.text), URL(address.text, encoded=True)
    assert {theirs.host, httpx2.URL(address.text).host, others.raw_host} == {address.host}
    assert {theirs.scheme, others.scheme} == {address.scheme}
    assert theirs.raw_path.decode() == (address.target if address.target.startswith("/") else f"/{address.target}")
    assert theirs.raw_path.decode() == others.raw_path_qs


@pytest.mark.parametrize(
    ("host", "loopback", "public"),
    [
        ("localhost", True, False),
        ("sandbox.localhost", True, False),
        ("127.8.8.8", True, False),
        ("[::1]", True, False),
        ("[::ffff:127.0.0.1]", True, False),
        ("notlocalhost", False, False),
        ("localhost.example.com", False, True),
        ("127.0.0.1.example.com", False, True),
        ("0.0.0.0", False, False),
        ("[::]", False, False),
        ("10.1.2.3", False, False),
        ("192.168.1.1", False, False),
        ("169.254.169.254", False, False),
        ("[fd00::1]", False, False),
        ("[fe80::1]", False, False),
        ("[::ffff:10.0.0.1]", False, False),
        ("224.0.0.1", False, False),
        ("metadata.google.internal", False, False),
        ("printer.local", False, False),
        ("intranet", False, False),
        ("93.184.215.14", False, True),
        ("[2606:4700::1111]", False, True),
        ("files.example", False, True),
    ],
)
def test_where_a_host_is(host: str, loopback: bool, public: bool) -> None:
    address = read_address(f"https://{host}/x")
    assert (address.is_loopback, address.is_public) == (loopback, public)


@pytest.mark.parametrize(
    ("reference", "joined"),
    [
        ("/c.pdf", "https://a.example:8443/c.pdf"),
        ("c.pdf", "https://a.example:8443/v1/c.pdf"),
        ("?x=1", "https://a.example:8443/v1/b?x=1"),
        ("//b.example/c", "https://b.example/c"),
        ("http://b.example", "http://b.example"),
        ("../../../c", "https://a.example:8443/c"),
    ],
)
def test_a_reference_is_joined(reference: str, joined: str) -> None:
    assert join_address(read_address("https://a.example:8443/v1/b"), reference).text == joined


@pytest.mark.parametrize(
    "reference", ["file:///etc/passwd", "ftp://a/b", "//user@b.example", "\\\\evil.example", "//[x"]
)
def test_a_reference_that_leads_nowhere_is_refused(reference: str) -> None:
    with pytest.raises(UnreadableAddress):
        join_address(read_address("https://a.example"), reference)
