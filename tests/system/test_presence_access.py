"""Who may ask the presence server, as whom, and what strangers cost."""

import functools
import re
import xml.etree.ElementTree as ET

import pytest
from lampfield import Server, Sim
from phone import Phone, Publication, Subscription, User
from test_presence_server import ANNA, activities, basic, note, people

ONLY_ANNA = ('<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>'
             f'<entry uri="{ANNA}"/></list></resource-lists>')


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    people(server, "anna", "bob", "carl", "boss")
    server.ctl("set", "sip-user.anna.password=a", "sip-user.bob.password=b",
               "sip-user.boss.password=c", "presence-server.trusted")
    yield server
    server.stop()


@pytest.fixture
def phones(server, cleanup):
    """Makes those who know a password."""
    def make(name, says=None, **more):
        password = {"anna": "a", "bob": "b", "boss": "c"}[name]
        return cleanup(User(server.sip_port, name, password, says, **more))
    return make


def watchers_in(message):
    root = ET.fromstring(message.body.encode())
    return [e.text for e in root.iter("{urn:ietf:params:xml:ns:watcherinfo}watcher")]


# ---- as whom ----

def test_a_forged_from_shows_no_more(server, phones):
    """Privacy, winfo and lampctl go by the password, whatever From says."""
    anna, boss = phones("anna"), phones("boss")
    forger = phones("bob", says="boss")
    server.ctl("set", "privacy.anna.show=nothing", "privacy.anna.allow=boss")
    Publication(anna, ANNA).put(activity="<r:meeting/>", note="With the lawyer")
    winfo = Subscription(anna, ANNA, event="presence.winfo")
    assert watchers_in(winfo.next()) == []
    assert note(Subscription(boss, ANNA).next()) == "With the lawyer"
    assert watchers_in(winfo.next()) == ["sip:boss@127.0.0.1"]
    less = Subscription(forger, ANNA).next()
    assert basic(less) is None and "lawyer" not in less.body
    assert sorted(watchers_in(winfo.next())) == ["sip:bob@127.0.0.1", "sip:boss@127.0.0.1"]
    assert {w["watcher"] for w in server.ctl("watchers", "anna")} == {
        "sip:anna@127.0.0.1", "sip:bob@127.0.0.1", "sip:boss@127.0.0.1"}
    assert Subscription(forger, "sip:boss@127.0.0.1",
                        event="presence.winfo").response.status == 403


def test_a_forged_domain_names_nobody_else(server, phones):
    """bob@partner is allowed; our bob is another, and does not become him."""
    anna, bob = phones("anna"), phones("bob")
    bob.domain = "partner.example"
    server.ctl("set", "privacy.anna.show=nothing", "privacy.anna.allow=bob@partner.example")
    Publication(anna, ANNA).put(note="With the lawyer")
    assert "lawyer" not in Subscription(bob, ANNA).next().body
    server.ctl("set", "privacy.anna.allow=301")
    assert note(Subscription(bob, ANNA).next()) == "With the lawyer", "his extension"


def test_a_forged_from_after_a_restart(server, phones):
    forger = phones("bob", says="boss")
    server.ctl("set", "privacy.anna.show=nothing", "privacy.anna.allow=boss")
    sub = Subscription(forger, ANNA)
    sub.next()
    forger.is_quiet(1.3)  # the ledger writes each second
    server.kill()
    server.start()
    Publication(phones("anna"), ANNA).put(activity="<r:away/>", note="With the lawyer")
    watcher, = server.ctl("watchers", "anna")
    assert (watcher["watcher"], watcher["shown"]) == ("sip:bob@127.0.0.1", "nothing")
    assert "lawyer" not in sub.next().body


def test_everybody_sees_himself(server, phones):
    anna = phones("anna")
    server.ctl("set", "privacy.anna.show=nothing")
    Publication(anna, ANNA).put(note="With the lawyer")
    assert note(Subscription(anna, ANNA).next()) == "With the lawyer"


def test_a_trusted_peer_says_for_whom_it_asks(server, cleanup):
    server.ctl("set", "presence-server.trusted=127.0.0.1", "privacy.anna.show=basic",
               "privacy.anna.allow=boss")
    pbx = cleanup(Phone(server.sip_port, "anonymous"))
    Publication(pbx, ANNA).put(activity="<r:away/>")
    assert activities(Subscription(pbx, ANNA).next()) == []
    sub = Subscription(pbx, ANNA, headers=[
        'P-Asserted-Identity: "The Boss" <sip:boss@127.0.0.1:5060;user=phone>, <tel:+39>'])
    assert activities(sub.next()) == ["away"]
    assert sorted(w["watcher"] for w in server.ctl("watchers")) == [
        "sip:anonymous@127.0.0.1", "sip:boss@127.0.0.1"]


def test_a_stranger_asserts_nothing(server, phones):
    bob = phones("bob")
    server.ctl("set", "privacy.anna.show=nothing", "privacy.anna.allow=boss")
    sub = Subscription(bob, ANNA, headers=["P-Asserted-Identity: <sip:boss@127.0.0.1>"])
    assert basic(sub.next()) is None
    watcher, = server.ctl("watchers")
    assert watcher["watcher"] == "sip:bob@127.0.0.1"


@pytest.mark.parametrize("expires", [0, 600])
def test_a_dialog_is_its_users_own(server, phones, expires):
    """Who knows the tags of another's subscription still is somebody else."""
    boss, bob = phones("boss"), phones("bob")
    sub = Subscription(boss, ANNA)
    first = sub.next()
    bob.id, bob.name = boss.id, boss.name
    stolen = bob.request("SUBSCRIBE", sub.target, sub.call, 7,
                         ["Event: presence", f"Expires: {expires}"], to_tag=sub.to_tag)
    assert f"tag={sub.to_tag}" in stolen and bob.wait_response().status == 481
    # Neither does a copy of what began it tell him the tag.
    bob.request("SUBSCRIBE", ANNA, sub.call, 1, ["Event: presence", "Expires: 600"])
    answer = bob.wait_response()
    assert answer.status == 481 and sub.to_tag not in answer.get("To")
    assert bob.is_quiet(0.1) and boss.is_quiet(0.1)
    assert len(server.ctl("watchers")) == 1
    assert sub.refresh().status == 200
    assert sub.next().cseq == first.cseq + 1


def test_without_a_password_it_ends(server, phones):
    boss, bob = phones("boss"), phones("bob")
    subs = {p: Subscription(p, ANNA) for p in (boss, bob)}
    for sub in subs.values():
        sub.next()
    server.ctl("set", "sip-user.bob.password=other")
    assert bob.is_quiet(0.2), "another password is for the next request"
    server.ctl("set", "sip-user.bob.password")
    server.ctl("user", "del", "boss")
    for sub in subs.values():
        end = sub.next()
        assert end.param("Subscription-State", "reason") == "rejected" and not end.body
    assert server.ctl("watchers") == []


# ---- what they see ----

def test_privacy_holds_in_every_package(server, phones, cleanup, tmp_path):
    sim = cleanup(Sim(tmp_path, "300-302", "127.0.0.2:0", ["-d", "plain"]))
    server.add_feed(sim.server, package="dialog")
    anna, bob = phones("anna"), phones("bob")
    Publication(anna, ANNA).put(activity="<r:meeting/>", note="With the lawyer")
    seen = {name: Subscription(bob, *more) for name, more in {
        "pidf": (ANNA,),
        "xpidf": (ANNA, "presence", 600, ["Accept: application/xpidf+xml"]),
        "dialog": (ANNA, "dialog"),
        "list": ("sip:list@127.0.0.1", "presence", 600, [
            "Supported: eventlist", "Require: recipient-list-subscribe",
            "Content-Type: application/resource-lists+xml"], None, ONLY_ANNA),
        "dialogs": ("sip:list@127.0.0.1", "dialog", 600, [
            "Supported: eventlist", "Require: recipient-list-subscribe",
            "Content-Type: application/resource-lists+xml"], None, ONLY_ANNA),
    }.items()}
    by_call = {f"{sub.call}@{bob.id}": name for name, sub in seen.items()}
    bodies = {}

    def see(condition):
        while not all(n in bodies and condition(n, bodies[n]) for n in by_call.values()):
            message = bob.wait_notify()
            bodies[by_call[message.get("Call-ID")]] = message.body

    sim.run("state 300 ringing 777")
    see(lambda n, body: ("777" in body) if "dialog" in n else
        ("onthephone" in body) if n == "xpidf" else "alerting" in body)
    server.ctl("set", "privacy.anna.show=basic")
    see(lambda n, body: ("<dialog " not in body) if "dialog" in n else
        ("online" in body) if n == "xpidf" else "alerting" not in body)
    bodies.clear()
    sim.run("state 300 busy 888")
    server.ctl("set", "privacy.anna.show=nothing")
    for sub in seen.values():
        assert sub.refresh().status == 200
    see(lambda n, body: ("<dialog " not in body) if "dialog" in n else
        ("unknown" in body) if n == "xpidf" else "<basic>" not in body)
    for name, body in bodies.items():
        for secret in ("888", "777", "lawyer", "meeting", "on-the-phone", "confirmed"):
            assert secret not in body, name
    winfo = Subscription(bob, ANNA, event="presence.winfo")
    assert winfo.response.status == 403


# ---- digest ----

@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_nonce_count_only_grows(server, phones, algorithm):
    bob = phones("bob", algorithm=algorithm)
    line = bob.authorization("SUBSCRIBE", ANNA)

    def ask(line, call):
        Phone.request(bob, "SUBSCRIBE", ANNA, call, 1, ["Event: presence", "Expires: 600", line])
        return bob.wait_response()

    assert ask(line, "first").status == 200
    bob.wait_notify()
    again = ask(line, "again")
    assert again.status == 401 and "stale=true" in again.get("WWW-Authenticate")
    assert ask(bob.authorization("SUBSCRIBE", ANNA), "next").status == 200
    bob.wait_notify()
    other = ask(bob.authorization("PUBLISH", ANNA), "other")
    assert other.status == 401 and "stale" not in other.get("WWW-Authenticate")
    forged = re.sub('nonce="[0-9a-f]+', 'nonce="7fffffffffffffff',
                    bob.authorization("SUBSCRIBE", ANNA))
    assert "stale=true" in ask(forged, "forged").get("WWW-Authenticate")
    assert len(server.ctl("watchers")) == 2
    assert bob.is_quiet(0.1)


def test_a_nonce_of_before_a_restart_is_stale(server, phones):
    bob = phones("bob")
    server.kill()
    server.start()
    old = Subscription(bob, ANNA).response
    assert old.status == 401 and "stale=true" in old.get("WWW-Authenticate")
    bob.challenge()
    assert Subscription(bob, ANNA).response.status == 200


# ---- strangers ----

FLOOD = 10000
METHODS = ("SUBSCRIBE", "PUBLISH", "OPTIONS", "REGISTER", "NOTIFY", "MESSAGE", "INVITE", "BYE")


def counters(server):
    """The numbers in what `lampctl status` says, by the words before them."""
    server.ctl("status")
    words = " ".join(server.said)
    return {name: int(n) for name, n in re.findall(r"(\w[\w ]*?) (\d+)\b", words)} | {
        "heap": int(re.search(r"heap (\d+) bytes in use", words)[1])}


def flood(phone, count, more):
    """So many requests, each of another caller; the answers by status."""
    statuses, ask = {}, functools.partial(Phone.request, phone)
    for i in range(count):
        ask(METHODS[i % len(METHODS)], ANNA, f"flood{i}", 1,
            ["Event: presence", "Expires: 600", *more], to_tag="x" if i % 3 == 0 else None)
        if i % 50 == 49:
            for _ in range(50):
                status = phone.wait_response().status
                statuses[status] = statuses.get(status, 0) + 1
    return statuses


@pytest.mark.parametrize("kind", ["nobody", "bob"])
def test_strangers_cost_an_answer_each(server, phones, cleanup, kind):
    """No transaction, no handler, no memory: whether or not they try a password."""
    phone = cleanup(Phone(server.sip_port))
    more = []
    if kind == "bob":  # a wrong password, with a nonce that is right
        bob = phones("bob")
        bob.password = "wrong"
        more = [bob.authorization("SUBSCRIBE", ANNA)]
    flood(phone, 400, more)
    before = counters(server)
    statuses = flood(phone, FLOOD, more)
    after = counters(server)
    assert sum(statuses.values()) == FLOOD and set(statuses) == {401, 403}
    assert sum(after[n] - before[n] for n in ("strangers refused", "challenged")) == FLOOD
    assert phone.is_quiet(0.2), "one answer each"
    assert after["heap"] - before["heap"] < 50_000, "a transaction takes 9 KB"
    for name in ("SUBSCRIBEs", "PUBLISHes", "refused", "NOTIFYs", "watchers"):
        assert after[name] == before[name], name
    assert (after["wrong passwords"] > before["wrong passwords"]) == (kind == "bob")
    assert server.ctl("watchers") == [] and server.ctl("publications") == []
    assert len(server.text()) < 20_000, "nor the log"


def test_an_ack_of_a_stranger_has_no_answer(server, cleanup):
    phone = cleanup(Phone(server.sip_port))
    phone.request("ACK", ANNA, "ack", 1)
    assert phone.is_quiet(0.2)
