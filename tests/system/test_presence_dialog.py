"""Lamp keys: dialog-info in full, and in parts for who is named in a setting."""

import xml.etree.ElementTree as ET

import pytest
from lampfield import Server, Sim
from phone import Phone, Subscription
from test_presence_server import NS, people

KEY = "sip:300@127.0.0.1"


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    people(server, "anna", "bob")
    server.ctl("set", "presence-server.trusted=127.0.0.1",
               "presence-server.partial-dialog=w, 127.0.0.9")
    yield server
    server.stop()


@pytest.fixture
def sim(server, tmp_path, cleanup):
    sim = cleanup(Sim(tmp_path, "300-302", "127.0.0.2:0", ["-d", "plain"]))
    server.add_feed(sim.server, package="dialog")
    return sim


@pytest.fixture
def phone(server, cleanup):
    return cleanup(Phone(server.sip_port, "w"))


def read(message):
    """Version, state, and of each dialog its state and remote party."""
    root = ET.fromstring(message.body.encode())
    dialogs = {e.get("id"): (e.findtext("d:state", None, NS),
                             e.findtext("d:remote/d:identity", None, NS))
               for e in root.iterfind("d:dialog", NS)}
    return int(root.get("version")), root.get("state"), dialogs


def take(sub, *, until=None):
    """The next document; with `until`, those before it are let pass."""
    while True:
        seen = read(sub.next())
        if until is None or until(seen):
            return seen


def idle(sub, sim):
    """A subscription of a line that is known to be idle."""
    version, state, dialogs = read(sub.next())
    assert (version, state, dialogs) == (0, "full", {})
    sim.run("state 300 ringing 1")
    seen = take(sub, until=lambda d: d[2])
    sim.run("state 300 idle")
    return take(sub, until=lambda d: d[0] > seen[0])


def test_what_changed_and_no_more(server, phone, sim):
    sub = Subscription(phone, KEY, event="dialog")
    version, state, dialogs = idle(sub, sim)
    assert state == "partial" and [d[0] for d in dialogs.values()] == ["terminated"]
    first, = dialogs

    sim.run("state 300 ringing 777")
    seen = take(sub)
    (call, what), = seen[2].items()
    assert seen[:2] == (version + 1, "partial") and call != first, "another call"
    assert what == ("early", "sip:777@127.0.0.1")
    sim.run("state 300 busy 777")
    assert take(sub) == (version + 2, "partial", {call: ("confirmed", "sip:777@127.0.0.1")})
    sim.run("state 300 busy 778")
    assert take(sub) == (version + 3, "partial", {call: ("confirmed", "sip:778@127.0.0.1")})
    assert sub.refresh().status == 200
    assert take(sub) == (version + 4, "full", {call: ("confirmed", "sip:778@127.0.0.1")})
    sim.run("state 300 idle")
    assert take(sub) == (version + 5, "partial", {call: ("terminated", None)})
    assert sub.refresh().status == 200
    assert take(sub) == (version + 6, "full", {})
    sim.run("state 301 ringing")
    assert phone.is_quiet(0.3), "nobody else's"
    sim.run("state 300 busy 9")
    assert [d[0] for d in take(sub)[2].values()] == ["confirmed"]
    assert sub.refresh(0).status == 200
    end = sub.next()
    assert end.state == "terminated" and read(end)[:2] == (version + 8, "full")


def test_others_hear_all(server, phone, sim, cleanup):
    """They share one document and its version; a call has the same name in both."""
    other = cleanup(Phone(server.sip_port, "other"))
    mine, theirs = Subscription(phone, KEY, event="dialog"), Subscription(
        other, KEY, event="dialog")
    idle(mine, sim)
    sim.run("state 300 ringing 777")
    part = take(mine, until=lambda d: any("777" in str(w) for w in d[2].values()))
    full = take(theirs, until=lambda d: any("777" in str(w) for w in d[2].values()))
    assert (part[1], full[1]) == ("partial", "full") and part[2] == full[2]


def test_none_is_left_out_while_one_waits(server, phone, sim):
    sub = Subscription(phone, KEY, event="dialog")
    version, _, _ = idle(sub, sim)
    phone.answer = None
    sim.run("state 300 ringing 777")
    first = sub.next()
    call, = read(first)[2]
    sim.run("state 300 busy 777")
    sim.run("state 300 idle")
    again = sub.next()
    assert again.cseq == first.cseq, "only copies while it is unanswered"
    phone.answer = "200 OK"
    last = sub.next(until=lambda m: m.cseq > first.cseq)
    assert read(last) == (version + 2, "partial", {call: ("terminated", None)})


def test_after_one_that_was_not_taken_comes_a_full_one(server, phone, sim):
    server.ctl("set", "presence-server.partial-dialog=127.0.0.1")
    sub = Subscription(phone, KEY, event="dialog")
    version, _, _ = idle(sub, sim)
    phone.answer = "503 Service Unavailable"
    sim.run("state 300 ringing 777")
    assert take(sub)[:2] == (version + 1, "partial")
    phone.answer = "200 OK"
    sim.run("state 300 busy 777")
    version, state, dialogs = take(sub)
    assert state == "full" and [d[0] for d in dialogs.values()] == ["confirmed"]


def test_a_restart_begins_with_a_full_one(server, phone, sim):
    sub = Subscription(phone, KEY, event="dialog")
    version, _, _ = idle(sub, sim)
    sim.run("state 300 busy 777")
    version = take(sub)[0]
    phone.is_quiet(1.3)  # the ledger writes each second
    server.kill()
    server.start()
    again = take(sub, until=lambda d: d[2])
    assert again[0] > version and again[1] == "full"
    sim.run("state 300 idle")
    after = take(sub)
    assert after[:2] == (again[0] + 1, "partial")
    assert [d[0] for d in after[2].values()] == ["terminated"]


def test_what_is_hidden_has_ended(server, phone, sim):
    sub = Subscription(phone, KEY, event="dialog")
    idle(sub, sim)
    sim.run("state 300 busy 777")
    take(sub)
    server.ctl("set", "privacy.anna.show=nothing")
    version, state, dialogs = take(sub)
    assert not any("777" in str(d) or d[0] == "confirmed" for d in dialogs.values())
    assert state == "full" or [d[0] for d in dialogs.values()] == ["terminated"]
    sim.run("state 300 idle")
    assert phone.is_quiet(0.3), "nothing it may know"
