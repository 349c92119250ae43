"""Phones and servers that subscribe to Lampfield, and publish to it."""

import hashlib
import re
import xml.etree.ElementTree as ET

import pytest
from lampfield import Server, Sim, wait_for
from phone import Phone, Publication, Subscription, TcpPhone

NS = {"p": "urn:ietf:params:xml:ns:pidf", "dm": "urn:ietf:params:xml:ns:pidf:data-model",
      "r": "urn:ietf:params:xml:ns:pidf:rpid", "d": "urn:ietf:params:xml:ns:dialog-info"}
ANNA = "sip:anna@127.0.0.1"


def people(server, *names):
    server.ctl("user", "import", "-", text="username,last_name,ext,sip_uri\n" + "".join(
        f"{n},{n.title()},{300 + i},{n}@127.0.0.1\n" for i, n in enumerate(names)))


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path).start()
    people(server, "anna", "bob", "carl")
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    yield server
    server.stop()


@pytest.fixture
def phone(server):
    phone = Phone(server.sip_port)
    yield phone
    phone.close()


def activities(message):
    root = ET.fromstring(message.body)
    return [e.tag.split("}")[1] for e in root.iterfind("dm:person/r:activities/*", NS)]


def note(message):
    return ET.fromstring(message.body).findtext("dm:person/dm:note", "", NS)


def basic(message):
    return ET.fromstring(message.body).findtext("p:tuple/p:status/p:basic", None, NS)


def test_a_watcher_sees_what_is_published(server, phone):
    sub = Subscription(phone, ANNA)
    assert sub.response.status == 200
    assert sub.response.get("Expires") == "600"
    first = sub.next()
    assert first.state == "active"
    assert 595 <= int(first.param("Subscription-State", "expires")) <= 600
    assert basic(first) is None
    assert ET.fromstring(first.body).get("entity") == ANNA

    desk = Publication(phone, ANNA)
    assert desk.put(activity="<r:on-the-phone/>") == 200
    seen = sub.next()
    assert seen.cseq == first.cseq + 1
    assert basic(seen) == "open" and activities(seen) == ["on-the-phone"]

    assert desk.put(activity="<r:away/>", note="Gone <fishing>") == 200
    seen = sub.next()
    assert activities(seen) == ["away"] and note(seen) == "Gone <fishing>"

    assert desk.put(body="", expires=0) == 200
    assert basic(sub.next()) is None


def test_a_publication_is_a_report_like_any_other(server, phone):
    Publication(phone, ANNA).put(activity="<r:busy/>")
    Subscription(phone, ANNA).next()
    rows = server.ctl("why", "anna")
    assert [(r["feed"], r["rich"]) for r in rows] == [("publish", "busy")]
    assert [p["says"] for p in server.ctl("publications")] == ["busy"]
    watcher, = server.ctl("watchers", "anna")
    assert watcher["watcher"] == "sip:w@127.0.0.1" and watcher["lane"] == "express"
    assert server.ctl("watchers", "bob") == []


def test_several_publishers_are_composed(server, phone):
    sub = Subscription(phone, ANNA)
    sub.next()
    desk, soft = Publication(phone, ANNA), Publication(phone, ANNA)
    desk.put()
    assert activities(sub.next()) == []
    soft.put(activity="<r:away/>")
    assert activities(sub.next()) == ["away"]
    desk.put(activity="<r:on-the-phone/>")
    assert activities(sub.next()) == ["on-the-phone"]
    desk.put(body="", expires=0)
    assert activities(sub.next()) == ["away"]


def test_entity_tags_hold(server, phone):
    p = Publication(phone, ANNA)
    assert p.put() == 200
    first = p.etag
    assert p.put(body="") == 200, "a refresh"
    assert p.etag != first
    assert p.put(etag=first) == 412, "an old tag"
    assert p.put(etag="nonsense") == 412
    assert p.put(expires=5) == 423
    assert p.response.get("Min-Expires") == "60"
    assert Publication(phone, ANNA).put(body="") == 400, "nothing to publish"
    assert Publication(phone, ANNA).put(type="text/plain") == 415
    assert Publication(phone, ANNA).put(body="<presence") == 400
    assert Publication(phone, ANNA).put(event="cats") == 489
    assert Publication(phone, "sip:nobody@127.0.0.1").put() == 404


def test_a_copy_gets_the_same_answer(server, phone):
    p = Publication(phone, ANNA)
    p.put()
    first = p.response
    phone.send(p.sent)
    assert phone.wait_response().get("SIP-ETag") == first.get("SIP-ETag")
    assert len(server.ctl("publications")) == 1
    p.put(body="", expires=0)
    phone.send(p.sent)
    assert phone.wait_response().status == 200

    sub = Subscription(phone, ANNA)
    sub.next()
    phone.send(sub.sent)
    again = phone.wait_response()
    assert again.status == 200 and again.param("To", "tag") == sub.to_tag
    assert len(server.ctl("watchers")) == 1
    sub.refresh(300)
    sub.next()
    phone.send(sub.sent)
    assert phone.wait_response().get("Expires") == "300"
    assert phone.is_quiet(0.2), "a copy asks for no second NOTIFY"


def test_what_real_softphones_send(server, phone):
    """No Accept, an empty Supported, unknown basic, foreign elements."""
    sub = Subscription(phone, ANNA, headers=["Supported:"])
    assert sub.next().get("Content-Type") == "application/pidf+xml"
    p = Publication(phone, ANNA)
    assert p.put(basic="unknown") == 200
    assert p.put(body="""<?xml version="1.0"?><presence
 xmlns="urn:ietf:params:xml:ns:pidf" xmlns:o="http://www.example.org/pidfonline"
 entity="sip:anna@127.0.0.1"><tuple id="x"><status><basic>open</basic><o:online/></status>
 </tuple></presence>""") == 200
    assert basic(sub.next(until=lambda m: basic(m))) == "open"


def test_accept_decides(server, phone):
    sub = Subscription(phone, ANNA, headers=["Accept: text/plain, application/xpidf+xml"])
    assert sub.next().get("Content-Type") == "application/xpidf+xml"
    assert Subscription(phone, ANNA, headers=["Accept: text/plain"]).response.status == 406


def test_refusals(server, phone):
    bad = Subscription(phone, ANNA, event="cats").response
    assert bad.status == 489
    assert "presence" in bad.get("Allow-Events") and "dialog" in bad.get("Allow-Events")
    assert Subscription(phone, "sip:nobody@127.0.0.1").response.status == 404
    brief = Subscription(phone, ANNA, expires=7).response
    assert brief.status == 423 and brief.get("Min-Expires") == "60"
    ghost = phone.request("SUBSCRIBE", ANNA, "ghost", 9, ["Event: presence"], to_tag="x")
    assert ghost and phone.wait_response().status == 481
    long = Subscription(phone, ANNA, expires=99999999)
    assert long.response.get("Expires") == "3600"


def test_a_fetch_gets_one_notify(server, phone):
    sub = Subscription(phone, ANNA, expires=0)
    assert sub.response.status == 200 and sub.response.get("Expires") == "0"
    only = sub.next()
    assert only.param("Subscription-State", "reason") == "timeout" and only.body
    assert phone.is_quiet(0.2)
    assert server.ctl("watchers") == []


def test_the_end_of_a_subscription(server, phone):
    sub = Subscription(phone, ANNA)
    sub.next()
    assert sub.refresh(0).status == 200
    assert sub.next().state == "terminated"
    assert server.ctl("watchers") == []
    assert sub.refresh(600).status == 481
    old = Subscription(phone, ANNA)
    old.next()
    assert old.refresh(600, cseq=1).status == 200, "a copy"
    assert old.refresh(600, cseq=7).status == 200
    assert old.refresh(600, cseq=3).status == 500, "out of order"


def test_a_deleted_user_has_no_watchers(server, phone):
    sub = Subscription(phone, ANNA)
    sub.next()
    phone.is_quiet(1.3)  # it has been saved
    server.ctl("user", "del", "anna")
    end = sub.next()
    assert end.state == "terminated"
    assert end.param("Subscription-State", "reason") == "noresource"


def test_481_ends_it_and_503_does_not(server, phone):
    sub = Subscription(phone, ANNA)
    sub.next()
    p = Publication(phone, ANNA)
    phone.answer = "503 Service Unavailable"
    p.put(activity="<r:away/>")
    sub.next()
    assert len(server.ctl("watchers")) == 1
    phone.answer = "481 Subscription Does Not Exist"
    p.put()
    sub.next()
    wait_for("the watcher to be dropped", lambda: not server.ctl("watchers"))


def test_one_in_flight_and_the_latest_wins(server, phone):
    sub = Subscription(phone, ANNA)
    sub.next()
    p = Publication(phone, ANNA)
    phone.answer = None
    p.put(note="state 0", activity="<r:away/>")
    first = sub.next()
    assert note(first) == "state 0"
    for i in range(1, 5):
        p.put(note=f"state {i}", activity="<r:away/>")
    again = sub.next()
    assert again.cseq == first.cseq, "nothing but copies while it is unanswered"
    phone.answer = "200 OK"
    last = sub.next(until=lambda m: m.cseq > first.cseq)
    assert note(last) == "state 4" and last.cseq == first.cseq + 1
    assert phone.is_quiet(0.3)


def test_a_least_interval_between_two(server, phone):
    server.ctl("set", "presence-server.notify-interval=700")
    sub = Subscription(phone, ANNA)
    sub.next()
    p = Publication(phone, ANNA)
    for i in range(3):
        p.put(note=f"state {i}", activity="<r:away/>")
    assert phone.is_quiet(0.2)
    assert note(sub.next()) == "state 2"
    assert phone.is_quiet(0.3)


def test_no_more_than_so_many(server, phone):
    server.ctl("set", "presence-server.max-watchers=1")
    first = Subscription(phone, ANNA)
    first.next()
    assert Subscription(phone, ANNA).response.status == 503
    assert first.refresh().status == 200


def test_a_phone_that_never_answers_is_dropped_after_its_ladder(server, phone):
    sub = Subscription(phone, ANNA)
    sub.next()
    phone.answer = None
    Publication(phone, ANNA).put(activity="<r:away/>")
    wait_for("the watcher to be dropped", lambda: not server.ctl("watchers"))
    while not phone.is_quiet(0.1):
        pass
    assert len({m.get("Via") for m in phone.notifies}) == 1, "copies, byte for byte"
    assert len(phone.notifies) >= 3


def test_a_changed_contact_is_followed(server, phone):
    """Its refresh names another port: from then on NOTIFYs go there."""
    other = Phone(server.sip_port)
    sub = Subscription(phone, ANNA)
    sub.next()
    phone.contact_port = other.port
    assert sub.refresh().status == 200
    assert other.wait_notify().get("Call-ID") == f"{sub.call}@{phone.id}"
    Publication(phone, ANNA).put(activity="<r:away/>")
    assert activities(other.wait_notify()) == ["away"]
    assert phone.is_quiet(0.1)
    other.close()


def test_lamp_keys_from_the_pbx(server, phone, tmp_path):
    sim = Sim(tmp_path, "300-302", args=["-d", "plain"])
    server.add_feed(sim.server, package="dialog")
    sub = Subscription(phone, "sip:300@127.0.0.1", event="dialog")
    versions = []

    def states(message):
        root = ET.fromstring(message.body)
        versions.append(int(root.get("version")))
        return [e.text for e in root.iterfind("d:dialog/d:state", NS)]

    sub.next(until=lambda m: states(m) == [])
    sim.run("state 300 ringing 777")
    ringing = sub.next(until=lambda m: states(m) == ["early"])
    assert "777" in ringing.body
    sim.run("state 300 busy 777")
    sub.next(until=lambda m: states(m) == ["confirmed"])
    sim.run("state 300 idle")
    sub.next(until=lambda m: states(m) == [])
    assert versions == sorted(set(versions)), "versions strictly grow"
    sim.stop()


def test_privacy(server, phone):
    boss = Phone(server.sip_port, "boss")
    Publication(phone, ANNA).put(activity="<r:meeting/>", note="With the lawyer")
    sub, secret = Subscription(phone, ANNA), Subscription(boss, ANNA)
    assert note(sub.next()) == note(secret.next()) == "With the lawyer"
    server.ctl("set", "privacy.anna.show=basic", "privacy.anna.allow=boss")
    less = sub.next()
    assert basic(less) == "open" and activities(less) == [] and note(less) == ""
    server.ctl("set", "privacy.anna.show=nothing")
    assert basic(sub.next()) is None
    assert boss.is_quiet(0.1)
    assert note(Subscription(boss, ANNA).next()) == "With the lawyer"
    boss.close()


def test_strangers_get_one_answer_and_no_state(server, phone):
    server.ctl("set", "presence-server.trusted")
    refused = Subscription(phone, ANNA).response
    assert refused.status == 401
    challenges = refused.all("WWW-Authenticate")
    assert [re.search("algorithm=([^,]+)", c).group(1) for c in challenges] == \
        ["SHA-256", "MD5"]
    assert phone.is_quiet(0.2)
    assert server.ctl("watchers") == []


def test_who_watches_me(server, phone):
    me = Phone(server.sip_port, "anna")
    winfo = Subscription(me, ANNA, event="presence.winfo")

    def watchers(message):
        root = ET.fromstring(message.body.encode())
        assert root.get("state") == "full"
        return [e.text for e in root.iter("{urn:ietf:params:xml:ns:watcherinfo}watcher")]

    assert watchers(winfo.next()) == []
    sub = Subscription(phone, ANNA)
    assert watchers(winfo.next()) == ["sip:w@127.0.0.1"]
    sub.next()
    sub.refresh(0)
    assert watchers(winfo.next()) == []
    me.close()


def test_what_must_be_understood_and_is_not(server, phone):
    refused = Subscription(phone, ANNA, headers=["Require: telepathy"]).response
    assert refused.status == 420 and refused.get("Unsupported") == "telepathy"


def test_a_publication_outlives_a_restart(server, phone):
    p = Publication(phone, ANNA)
    p.put(activity="<r:away/>", note="Gone <fishing>")
    phone.is_quiet(1.3)
    server.kill()
    server.start()
    seen = Subscription(phone, ANNA).next()
    assert activities(seen) == ["away"] and note(seen) == "Gone <fishing>"
    assert p.put(body="") == 200, "its tag still holds"
    phone.send(p.sent)
    assert phone.wait_response().get("SIP-ETag") == p.etag


def test_over_tcp_it_stays_on_the_connection(server):
    phone = TcpPhone(server.sip_port)
    sub = Subscription(phone, ANNA)
    assert sub.response.status == 200 and "transport=tcp" in sub.target
    first = sub.next()
    Publication(phone, ANNA).put(activity="<r:away/>")
    assert activities(sub.next()) == ["away"]
    watcher, = server.ctl("watchers")
    assert watcher["lane"] == "tcp"
    # The connection is lost, and it comes back with a refresh.
    phone.socket.close()
    phone.connect()
    assert sub.refresh().status == 200
    again = sub.next()
    assert activities(again) == ["away"] and again.cseq > first.cseq
    phone.close()


def test_behind_nat_it_goes_back_where_it_came_from(server, phone):
    """A Contact that names another address than the packet's."""
    text = phone.request("SUBSCRIBE", ANNA, "nat", 1, ["Event: presence", "Expires: 600"],
                         contact="sip:w@192.0.2.99:5060")
    assert "192.0.2.99" in text
    assert phone.wait_response().status == 200
    got = phone.wait_notify()
    assert got.start.startswith("NOTIFY sip:w@192.0.2.99")
    watcher, = server.ctl("watchers")
    assert watcher["lane"] == "udp"


def answer_of(challenge, user, password, method, uri):
    p = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    name = p["algorithm"]
    h = lambda text: hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[name],
                                 text.encode()).hexdigest()
    ha1, ha2 = h(f"{user}:{p['realm']}:{password}"), h(f"{method}:{uri}")
    response = h(f"{ha1}:{p['nonce']}:00000001:abc:auth:{ha2}")
    return (f'Authorization: Digest username="{user}", realm="{p["realm"]}", '
            f'nonce="{p["nonce"]}", uri="{uri}", algorithm={name}, qop=auth, '
            f'nc=00000001, cnonce="abc", response="{response}"')


@pytest.mark.parametrize("i", [0, 1])
def test_who_knows_the_password_may_ask(server, phone, i):
    server.ctl("set", "presence-server.trusted", "sip-user.bob.password=swordfish")
    bob = Phone(server.sip_port, "bob")

    def ask(method, uri, cseq, password="swordfish", body="", more=()):
        headers = ["Event: presence", "Expires: 600", *more]
        bob.request(method, uri, f"{method}{len(uri)}", cseq, headers, body)
        challenge = bob.wait_response()
        assert challenge.status == 401
        line = answer_of(challenge.all("WWW-Authenticate")[i], "bob", password, method, uri)
        bob.request(method, uri, f"{method}{len(uri)}", cseq + 1, [*headers, line], body)
        return bob.wait_response().status

    assert ask("SUBSCRIBE", ANNA, 1, "wrong") == 401
    assert ask("SUBSCRIBE", ANNA, 3) == 200
    assert bob.wait_notify().state == "active"
    body = "<presence xmlns='urn:ietf:params:xml:ns:pidf'/>"
    more = ["Content-Type: application/pidf+xml"]
    assert ask("PUBLISH", "sip:bob@127.0.0.1", 1, body=body, more=more) == 200
    assert ask("PUBLISH", ANNA, 1, body=body, more=more) == 403, "not for others"
    bob.close()


def test_kill_9_makes_nothing_go_backwards(server, phone):
    lamp = Subscription(phone, ANNA, event="dialog")
    sub = Subscription(phone, ANNA)
    p = Publication(phone, ANNA)
    p.put(activity="<r:away/>")
    seen = {}

    def watch(message):
        call = message.get("Call-ID")
        version = re.search('version="([0-9]+)" state', message.body)
        now = (message.cseq, int(version.group(1)) if version else 0)
        was = seen.get(call, (0, -1))
        assert now[0] > was[0]
        assert not version or now[1] > was[1]
        seen[call] = now
        return True

    sub.next(until=lambda m: watch(m) and activities(m) == ["away"]
             if "pidf" in m.get("Content-Type") else not watch(m))
    for _ in range(3):
        phone.is_quiet(1.3)  # the ledger writes each second
        phone.notifies.clear()
        server.kill()
        server.start()
        got = set()
        while len(got) < 2:
            message = phone.wait_notify()
            watch(message)
            got.add(message.get("Call-ID"))
    assert sub.refresh(600).status == 200
    watch(phone.wait_notify())
    assert lamp.refresh(600).status == 200
    watch(phone.wait_notify())
