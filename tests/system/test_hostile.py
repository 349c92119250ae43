"""What a broken or hostile peer may do to us: a clear word, and nothing else.

One server bears all of it, and after each test it must still be the same
process, with a log and a memory that did not run away.
"""

import contextlib
import functools
import itertools
import json
import random
import re
import socket

import pytest

from lampfield import BUILD, DEADLINE, Server, wait_for
from peer import BUSY, PIDF, Sipp, TcpPeer

NUMBERS = itertools.count(3001)
MAX_LOG = 1 << 20
MAX_GROWTH_KB = 40 << 10

BOMB = ('<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi"))
        + ']><presence xmlns="urn:ietf:params:xml:ns:pidf">&i;</presence>')
EXTERNAL = ('<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            '<presence xmlns="urn:ietf:params:xml:ns:pidf"><note>&x;</note></presence>')
DEEP = "<a>" * 5000 + "</a>" * 5000

# What a document that cannot be used looks like: body, Content-Type.
BAD = {
    "garbage": ("\x01\x02 no xml & at < all", "application/pidf+xml"),
    "half": (BUSY[:150], "application/pidf+xml"),
    "bomb": (BOMB, "application/pidf+xml"),
    "external-entity": (EXTERNAL, "application/pidf+xml"),
    "deep": (DEEP, "application/pidf+xml"),
    "other-root": ("<html/>", "application/pidf+xml"),
    "wrong-type": (BUSY, "text/plain"),
    "image": ("\x89PNG", "image/png"),
    "multipart-without-boundary": (BUSY, "multipart/related"),
    "dialog-type-for-presence": (BUSY, "application/dialog-info+xml"),
}

# reason -> the condition it leads to; None: asks again and is right again.
REASONS = {
    "reason=deactivated": None,
    "reason=timeout": None,
    "reason=rejected": "access_denied",
    "reason=noresource": "not_found",
    "reason=probation;retry-after=60": "error",
    "reason=giveup;retry-after=60": "error",
    "reason=invariant": "ok",
    "reason=nonsense": None,
    "expires=0": None,
}


@functools.cache
def is_sanitized():
    """AddressSanitizer keeps what was freed: its memory says nothing."""
    with open(f"{BUILD}/admin/lampfieldd", "rb") as f:
        return b"__asan_init" in f.read()


def memory_kb(pid):
    if is_sanitized():
        return 0
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("hostile"))
    server.start()
    server.pid = server.process.pid
    yield server
    assert server.stop() == 0


@pytest.fixture
def unhurt(daemon):
    """The server of all tests, and what it must still be afterwards."""
    before = memory_kb(daemon.pid)
    yield daemon
    assert daemon.process.is_alive()
    assert daemon.ctl("status") is not None
    assert len(daemon.text()) < MAX_LOG
    assert memory_kb(daemon.pid) - before < MAX_GROWTH_KB


class Line:
    """A user whose line is at one peer."""

    def __init__(self, server, peer, **more):
        self.server = server
        self.ext = str(next(NUMBERS))
        self.feed = f"f{self.ext}"
        server.add_users([self.ext])
        server.add_feed(peer.server, self.feed, package="presence", **more)
        server.ctl("subscribe", self.ext)

    def why(self):
        """What this feed last said."""
        rows = self.server.ctl("why", self.ext)
        return next((r for r in rows if r["feed"] == self.feed), {})

    def wait(self, **values):
        return wait_for(f"{values}, not {self.why()}", lambda: all(
            self.why().get(k) == v for k, v in values.items()) and self.why())

    def said(self, words):
        wait_for(words, lambda: self.server.ctl("why", self.ext) and any(
            words in s for s in self.server.said))

    def status(self):
        return self.server.feed(self.feed)

    def stop(self):
        self.server.ctl("user", "del", self.ext)
        self.server.ctl("set", f"feed.{self.feed}.enable=no")


@pytest.fixture
def peer(tmp_path, cleanup, unhurt):
    """Starts a peer of sipp and somebody's line there."""
    def start(name, transport="udp", **values):
        sipp = cleanup(Sipp(str(tmp_path), name, transport, **values))
        line = cleanup(Line(unhurt, sipp, protocol=transport))
        line.peer = sipp
        return line
    return start


@pytest.mark.parametrize("name", ["plain", "late", "twice", "early", "forked", "bare",
                                  "backwards", "stranger"])
def test_an_odd_peer_is_understood_all_the_same(peer, name):
    line = peer(name)
    line.wait(condition="ok", line="busy")


def test_200_without_notify_is_no_lamp(peer):
    line = peer("silent")
    wait_for("accepted", lambda: line.peer.received("SUBSCRIBE"))
    assert line.why()["condition"] == "requesting"
    assert line.server.lamps()[line.ext] not in ("available", "busy")


@pytest.mark.parametrize("status, condition", [
    ("404 Not Found", "not_found"), ("403 Forbidden", "access_denied"),
    ("481 No Such Dialog", "error"), ("489 Bad Event", "error"),
    ("500 Oops", "error"), ("603 Decline", "access_denied")])
def test_a_refusal_is_said_in_the_peers_words(peer, status, condition):
    line = peer("refused", status=status)
    row = line.wait(condition=condition)
    assert status in row["hint"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_makes_no_lamp(unhurt, cleanup, peer, name):
    body, content_type = BAD[name]
    if "<!" in body or "\x01" in body:  # more than sipp can say
        bare = cleanup(TcpPeer(body.encode(), content_type))
        line = cleanup(Line(unhurt, bare, protocol="tcp"))
        line.peer = bare
    else:
        line = peer("worse", bad=body, badtype=content_type)
    row = line.wait(condition="error", line="-")
    assert "cannot be read" in row["hint"]
    assert line.server.lamps()[line.ext] == "unknown"
    logged = [t for t in line.server.text().splitlines()
              if line.peer.server in t and "cannot be read" in t]
    assert len(logged) == 1, "the peer's address, in one line of the log"


def test_300_kilobytes_are_refused_by_size(unhurt, cleanup):
    peer = cleanup(TcpPeer(b"<presence>" + b" " * 300000 + b"</presence>"))
    line = cleanup(Line(unhurt, peer, protocol="tcp"))
    wait_for("413", lambda: 413 in peer.answers)
    assert line.why()["condition"] == "requesting"
    assert any(peer.server in t and "413" in t for t in unhurt.text().splitlines())


@pytest.mark.parametrize("reason", REASONS)
def test_each_end_of_a_subscription(peer, reason):
    line = peer("ended", reason=reason)
    condition = REASONS[reason]
    if condition:
        line.wait(condition=condition)
    else:
        wait_for("asked again", lambda: line.peer.received("SUBSCRIBE") > 1)
        line.wait(condition="ok", line="busy")


# ---- strangers ----

REQUEST = ("{method} sip:2001@127.0.0.1:{port} SIP/2.0\r\n"
           "Via: SIP/2.0/UDP {me};branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n"
           "From: <sip:evil@example.net>;tag=e{n}\r\nTo: <sip:2001@127.0.0.1>{tag}\r\n"
           "Call-ID: {n}@evil\r\nCSeq: 1 {method}\r\nEvent: presence\r\n"
           "Subscription-State: active\r\nContact: <sip:evil@{me}>\r\n"
           "Expires: 600\r\nContent-Length: 0\r\n\r\n")


def counter(server, word):
    """A figure of `lampctl status`: the number after these words."""
    server.ctl("status")
    text = " ".join(server.said)
    return int(re.search(rf"\b{word} (\d+)", text)[1])


@pytest.fixture
def stranger(cleanup):
    """A UDP socket at an address that no trunk allows."""
    s = cleanup(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    s.bind(("127.0.0.2", 0))
    s.settimeout(DEADLINE)
    return s


def ask(server, sock, method, n, tag=""):
    me = "{}:{}".format(*sock.getsockname())
    text = REQUEST.format(method=method, port=server.sip_port, me=me, n=n, tag=tag)
    sock.sendto(text.encode(), ("127.0.0.1", server.sip_port))


@pytest.mark.parametrize("method, tag, status, counted", [
    ("NOTIFY", "", 403, "strangers refused"), ("NOTIFY", ";tag=x", 403, "strangers refused"),
    ("INVITE", "", 403, "strangers refused"), ("BREW", "", 403, "strangers refused"),
    # A user of ours with a password may ask these.
    ("SUBSCRIBE", "", 401, "challenged"), ("PUBLISH", "", 401, "challenged"),
    ("OPTIONS", "", 401, "challenged")])
def test_strangers_get_one_answer(unhurt, stranger, method, tag, status, counted):
    before = counter(unhurt, counted)
    ask(unhurt, stranger, method, f"one{method}{tag[-1:]}", tag)
    assert stranger.recv(65536).startswith(b"SIP/2.0 %d " % status)
    assert counter(unhurt, counted) == before + 1


@pytest.mark.parametrize("method, counted", [
    ("NOTIFY", "strangers refused"), ("SUBSCRIBE", "challenged"), ("OPTIONS", "challenged")])
def test_a_flood_of_strangers_costs_no_memory_and_few_lines(unhurt, stranger, method, counted):
    before, log, memory = (counter(unhurt, counted), len(unhurt.text()),
                           memory_kb(unhurt.pid))
    for n in range(5000):
        ask(unhurt, stranger, method, f"f{n}")
        if n % 100 == 99:  # what the kernel drops proves nothing
            stranger.recv(65536)
            drain(stranger)
    wait_for("counted", lambda: counter(unhurt, counted) > before + 4500)
    assert memory_kb(unhurt.pid) - memory < 2048
    assert len(unhurt.text()) - log < 8192


def drain(sock):
    sock.setblocking(False)
    try:
        while sock.recv(65536):
            pass
    except BlockingIOError:
        pass
    finally:
        sock.settimeout(DEADLINE)


GARBAGE = [
    b"\0" * 1400, b"\xff" * 1400, b"SIP/2.0\r\n\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
    b"NOTIFY sip:a@b SIP/2.0\r\n\r\n",
    b"NOTIFY sip:a@b SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"NOTIFY sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
    b"SUBSCRIBE " + b"a" * 60000 + b" SIP/2.0\r\n\r\n",
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nCSeq: 1 SUBSCRIBE\r\n"
    b"Call-ID: x\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n\r\n",
    b"OPTIONS sip:a SIP/2.0\r\n" + b"X: y\r\n" * 9000 + b"\r\n",
]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_garbage_in_datagrams(unhurt, cleanup, address):
    s = cleanup(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    s.bind((address, 0))
    dice = random.Random(2)
    for piece in GARBAGE + [dice.randbytes(dice.randrange(1, 3000)) for _ in range(300)]:
        s.sendto(piece, ("127.0.0.1", unhurt.sip_port))
    wait_for("counted", lambda: counter(unhurt, "malformed"))


@pytest.mark.parametrize("port", ["sip_port", "plain_port", "tls_port", "web_port"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_garbage_on_connections(unhurt, cleanup, port, address):
    dice = random.Random(3)
    for piece in GARBAGE + [dice.randbytes(9000), b"x" * (2 << 20)]:
        with socket.create_connection(("127.0.0.1", getattr(unhurt, port)), DEADLINE,
                                      source_address=(address, 0)) as s:
            with contextlib.suppress(OSError):  # it may hang up on us
                s.sendall(piece)
                s.shutdown(socket.SHUT_WR)
                s.settimeout(0.2)
                while s.recv(65536):
                    pass


@pytest.mark.parametrize("line", [
    b"no json", b"{", b"[]", b"null", b"{}", b'{"cmd":1}', b'{"cmd":"status","args":[]}',
    b'{"cmd":"set","args":{"list":[[]]}}', b'{"cmd":"set","args":{"list":[[null,null]]}}',
    b'{"cmd":"set","args":{"list":7}}', b'{"cmd":"user import","args":{"csv":7}}',
    b'{"cmd":"user add","args":{"fields":{"ext":["2001"]}}}', b'{"cmd":"why"}',
    b'{"cmd":"trace","args":{"user":{}}}', b'{"cmd":"subscribe","args":{}}',
    b'{"cmd":"note","args":{"user":"nobody","text":"x"}}',
    b'{"cmd":"watch","args":{"group":[]}}', b'{"cmd":"note","args":{"user":"x","text":[]}}',
    b'{"cmd":"log","args":{"level":{}}}', b'{"cmd":"events","args":{"max":"many"}}',
    b'{"cmd":"a\\u0000b"}', b"[" * 100000, b'{"cmd":"' + b"x" * 100000 + b'"}',
    b"\xff\xfe", b"\0"])
def test_garbage_on_the_control_socket(unhurt, cleanup, line):
    s = cleanup(socket.socket(socket.AF_UNIX))
    s.settimeout(DEADLINE)
    s.connect(unhurt.control)
    s.sendall(line + b"\n")
    s.shutdown(socket.SHUT_WR)
    answer = b""
    while piece := s.recv(65536):
        answer += piece
    # An answer with a word about it, or the connection is closed.
    ends = [json.loads(a) for a in answer.splitlines() if b'"end"' in a[:8]]
    assert all(e["end"] or e["error"] for e in ends)
