"""Documents that are too large for a datagram (RFC 3261, 18.1.1)."""

import socket
import time

import pytest
from lampfield import Server, wait_for
from phone import DualPhone, Phone, Publication, Subscription, is_tcp
from test_presence_server import ANNA, note, people

BIG = "&" * 158


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    people(server, "anna")
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    yield server
    server.stop()


def say(server, text):
    """Anna's own phone publishes; the first time makes it."""
    if not hasattr(server, "desk"):
        server.desk = Publication(Phone(server.sip_port), ANNA)
    assert server.desk.put(activity="<r:away/>", note=text) == 200


def lane(server):
    return server.ctl("watchers")[0]["lane"]


def test_over_tcp_where_it_is_taken(server):
    phone = DualPhone(server.sip_port)
    sub = Subscription(phone, ANNA)
    last = sub.next()
    for text, is_large in ((BIG, True), ("small", False), (BIG + "a", True)):
        say(server, text)
        seen = sub.next()
        assert note(seen) == text and is_tcp(seen) == is_large
        assert ("SIP/2.0/TCP" in seen.get("Via")) == is_large
        assert seen.cseq == last.cseq + 1
        wait_for("the lane", lambda: lane(server) == ("tcp" if is_large else "express"))
        last = seen
    assert len(phone.links) == 1, "one connection for all"
    phone.close()


def test_in_fragments_where_tcp_is_refused(server):
    phone = Phone(server.sip_port)
    sub = Subscription(phone, ANNA)
    sub.next()
    for text in (BIG, "small", BIG + "a"):
        begun = time.monotonic()
        say(server, text)
        seen = sub.next()
        assert note(seen) == text
        assert time.monotonic() - begun < 1, "a refusal costs no time"
        assert lane(server) == "express"
    phone.close()


def connecting(port):
    """Sockets that wait for an answer to their SYN (state 02) from there."""
    with open("/proc/net/tcp") as f:
        return sum(f":{port:04X} 02" in line for line in f)


def test_a_firewall_delays_only_once(server):
    """Nobody answers the SYN: its queue of connections is full."""
    phone = Phone(server.sip_port)
    wall = socket.socket()
    wall.bind(("127.0.0.1", phone.port))
    wall.listen(0)
    waiting = []
    for _ in range(8):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(("127.0.0.1", phone.port))
    sub = Subscription(phone, ANNA)
    sub.next()
    before = connecting(phone.port)
    begun = time.monotonic()
    say(server, BIG)
    assert note(sub.next()) == BIG
    assert 1.5 < time.monotonic() - begun < 5
    begun = time.monotonic()
    say(server, BIG + "a")
    assert note(sub.next()) == BIG + "a"
    assert time.monotonic() - begun < 1, "it is known now"
    assert connecting(phone.port) == before, "and no socket waits for it"
    assert len(server.ctl("watchers")) == 1
    for s in [wall, *waiting]:
        s.close()
    phone.close()


def test_who_takes_connections_and_says_nothing_there_keeps_his_lamps(server):
    phone = DualPhone(server.sip_port, mute=True)
    sub = Subscription(phone, ANNA)
    sub.next()
    say(server, BIG)
    seen = sub.next(seconds=20)
    assert note(seen) == BIG and not is_tcp(seen)
    assert len(server.ctl("watchers")) == 1
    phone.close()


def test_who_says_udp_is_believed(server):
    phone = DualPhone(server.sip_port)
    phone.request("SUBSCRIBE", ANNA, "udp", 1, ["Event: presence", "Expires: 600"],
                  contact=f"sip:w@127.0.0.1:{phone.port};transport=udp")
    assert phone.wait_response().status == 200
    phone.wait_notify()
    say(server, BIG)
    seen = phone.wait_notify()
    assert note(seen) == BIG and not is_tcp(seen) and not phone.links
    phone.close()


def test_through_a_proxy_it_is_the_proxys_to_take(server):
    proxy = DualPhone(server.sip_port)
    proxy.request("SUBSCRIBE", ANNA, "way", 1, ["Event: presence", "Expires: 600",
                  f"Record-Route: <sip:127.0.0.1:{proxy.port};lr>"],
                  contact="sip:w@192.0.2.9:5060")
    assert proxy.wait_response().status == 200
    first = proxy.wait_notify()
    assert first.get("Route") == f"<sip:127.0.0.1:{proxy.port};lr>" and not is_tcp(first)
    say(server, BIG)
    seen = proxy.wait_notify()
    assert note(seen) == BIG and is_tcp(seen)
    assert seen.get("Route") == f"<sip:127.0.0.1:{proxy.port};lr>"
    assert seen.start.startswith("NOTIFY sip:w@192.0.2.9")
    proxy.close()
