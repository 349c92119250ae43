"""What the RFCs say about the edges of SUBSCRIBE and PUBLISH."""

import xml.etree.ElementTree as ET

import pytest
from lampfield import Server
from phone import Phone, Publication, Subscription
from test_presence_access import watchers_in
from test_presence_lists import LISTS
from test_presence_server import ANNA, people

DIALOG = ('<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" '
          'state="full" entity="sip:anna@127.0.0.1"/>')
LIST = ["Supported: eventlist", "Require: recipient-list-subscribe",
        "Content-Type: application/resource-lists+xml"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("rfc")).start()
    people(server, "anna", "bob", "carl")
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    yield server
    server.stop()


@pytest.fixture
def phone(daemon):
    phone = Phone(daemon.sip_port)
    yield phone
    phone.close()


# ---- RFC 6665 ----

def test_options_says_what_can_be_asked(phone):
    """RFC 3261, 11.2, and RFC 6665, 8.2.2."""
    phone.request("OPTIONS", "sip:127.0.0.1", "o", 1)
    said = phone.wait_response()
    assert said.status == 200
    for name in ("presence", "dialog", "message-summary", "presence.winfo"):
        assert name in said.get("Allow-Events").replace(",", " ").split()
    assert {"SUBSCRIBE", "PUBLISH"} <= set(said.get("Allow").replace(",", " ").split())
    assert "application/pidf+xml" in said.get("Accept")
    assert "eventlist" in said.get("Supported")
    bad = phone.request("MESSAGE", ANNA, "m", 1)
    assert bad and phone.wait_response().get("Allow-Events") == "", "in OPTIONS alone"


def test_a_refused_refresh_is_refused_again(phone):
    """Over UDP its answer may be lost: the copy needs one too."""
    sub = Subscription(phone, ANNA)
    sub.next()
    assert sub.refresh(5).status == 423
    phone.send(sub.sent)
    again = phone.wait_response(2)
    assert again.status == 423 and again.get("Min-Expires") == "60"
    assert sub.refresh(600).status == 200
    sub.next()


@pytest.mark.parametrize("event", ["dialog", "presence;id=2", "cats"])
def test_a_dialog_holds_one_subscription(phone, event):
    """RFC 6665, 4.5.2: another event or id in it is another one, which is not there."""
    sub = Subscription(phone, ANNA)
    sub.next()
    sub.event = event
    assert sub.refresh(0).status == 481
    assert phone.is_quiet(0.1)
    sub.event = "Presence;foo=bar"
    assert sub.refresh(0).status == 200
    assert sub.next().state == "terminated"


def test_the_id_of_an_event_comes_back(phone):
    sub = Subscription(phone, ANNA, event="presence;id=77")
    assert sub.next().param("Event", "id") == "77"
    assert sub.refresh().status == 200
    assert sub.next().param("Event", "id") == "77"
    sub.event = "presence"
    assert sub.refresh().status == 481


def test_a_refresh_may_require_too_much(phone):
    sub = Subscription(phone, ANNA)
    sub.next()
    refused = sub.refresh(600, headers=["Require: telepathy"])
    assert refused.status == 420 and refused.get("Unsupported") == "telepathy"


@pytest.mark.parametrize("event, root", [
    ("dialog", "dialog-info"), ("presence", "presence"), ("presence.winfo", "watcherinfo")])
def test_a_fetch(phone, daemon, event, root):
    before = len(daemon.ctl("watchers"))
    sub = Subscription(phone, ANNA, event=event, expires=0)
    assert sub.response.status == 200 and sub.response.get("Expires") == "0"
    only = sub.next()
    assert only.state == "terminated"
    assert ET.fromstring(only.body.encode()).tag.endswith("}" + root)
    assert phone.is_quiet(0.1)
    assert len(daemon.ctl("watchers")) == before


def test_a_server_that_is_switched_off_ends_its_subscriptions(phone, daemon):
    sub = Subscription(phone, ANNA)
    sub.next()
    try:
        daemon.ctl("set", "presence-server.enable=no")
        end = sub.next()
        assert end.state == "terminated"
        assert end.param("Subscription-State", "reason") == "rejected"
        assert not end.body, "nobody may see anything now"
        assert sub.refresh().status == 481
        assert Subscription(phone, ANNA).response.status == 403
    finally:
        daemon.ctl("set", "presence-server.enable")


# ---- RFC 3857, 3858 ----

def test_who_watches_by_a_list_is_a_watcher(phone, daemon):
    winfo = Subscription(phone, ANNA, event="presence.winfo")
    before = watchers_in(winfo.next())
    other = Phone(daemon.sip_port, "byList")
    sub = Subscription(other, "sip:list@127.0.0.1", headers=LIST, body=LISTS)
    assert sub.response.status == 200
    other.wait_notify()
    assert watchers_in(winfo.next()) == before + ["sip:byList@127.0.0.1"]
    assert "sip:byList@127.0.0.1" in [w["watcher"] for w in daemon.ctl("watchers", "anna")]
    sub.refresh(0)
    assert watchers_in(winfo.next()) == before
    assert winfo.refresh(0).status == 200
    other.close()


def test_versions_of_watcherinfo_grow_by_one(phone, daemon):
    winfo = Subscription(phone, "sip:bob@127.0.0.1", event="presence.winfo")
    versions = [ET.fromstring(winfo.next().body.encode()).get("version")]
    for _ in range(3):
        sub = Subscription(phone, "sip:bob@127.0.0.1")
        versions.append(ET.fromstring(phone.wait_notify(
            until=lambda m: "winfo" in m.get("Event")).body.encode()).get("version"))
    assert versions == ["0", "1", "2", "3"] and sub


# ---- RFC 3903 ----

def test_an_entity_tag_is_of_one_package(phone, daemon):
    """RFC 3903, 6, step 4: the tag of another event matches nothing."""
    p = Publication(phone, ANNA)
    assert p.put(activity="<r:away/>") == 200
    assert p.put(body=DIALOG, event="dialog", type="application/dialog-info+xml") == 412
    assert p.put(body="", expires=0, event="dialog") == 412
    assert p.put(body="", expires=0) == 200


def test_a_body_is_of_its_package(phone):
    refused = Publication(phone, ANNA)
    assert refused.put(body=DIALOG, type="application/dialog-info+xml") == 415
    assert refused.response.get("Accept") == "application/pidf+xml"
    refused = Publication(phone, ANNA)
    assert refused.put(event="dialog") == 415
    assert refused.response.get("Accept") == "application/dialog-info+xml"
    half = Publication(phone, ANNA)
    assert half.put(body="<presence", type="application/pidf+xml;charset=UTF-8") == 400


def test_an_initial_publication_of_no_time_leaves_nothing(phone, daemon):
    before = daemon.ctl("publications")
    p = Publication(phone, ANNA)
    assert p.put(activity="<r:away/>", expires=0) == 200
    assert p.response.get("Expires") == "0" and p.response.get("SIP-ETag")
    assert len(daemon.ctl("publications")) == len(before)


def test_a_publication_without_expires_gets_one(phone, daemon):
    phone.request("PUBLISH", ANNA, "noexpires", 1, [
        "Event: presence", "Content-Type: application/pidf+xml"],
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:anna@127.0.0.1'/>")
    said = phone.wait_response()
    assert (said.status, said.get("Expires")) == (200, "3600")
    phone.request("PUBLISH", ANNA, "noexpires", 2, [
        "Event: presence", "Expires: 0", f"SIP-If-Match: {said.get('SIP-ETag')}"])
    assert phone.wait_response().status == 200


def test_a_publication_of_several_parts(phone):
    """Some wrap their document; it is read as one."""
    body = ("--b\r\nContent-Type: application/pidf+xml\r\n\r\n<presence "
            "xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:anna@127.0.0.1'/>\r\n--b--\r\n")
    p = Publication(phone, ANNA)
    assert p.put(body=body, type='multipart/mixed;boundary="b"') == 200
    assert p.put(body="", expires=0) == 200


# ---- RFC 3842 ----

def test_a_summary_names_its_account(phone, daemon):
    sub = Subscription(phone, ANNA, event="message-summary")
    said = sub.next()
    assert said.get("Content-Type") == "application/simple-message-summary"
    lines = said.body.split("\r\n")
    assert lines[0] == "Messages-Waiting: no"
    assert f"Message-Account: {ANNA}" in lines
    p = Publication(phone, ANNA)
    assert p.put(body="Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n",
                 event="message-summary", type="application/simple-message-summary") == 200
    fresh = sub.next().body
    assert "Messages-Waiting: yes" in fresh and "Voice-Message: 2/8" in fresh
