"""Resource lists: one subscription for a whole department (RFC 4662)."""

import email
import email.policy
import xml.etree.ElementTree as ET

import pytest
from lampfield import Failed, Server
from phone import DualPhone, Phone, Publication, Subscription, is_tcp
from test_presence_server import ANNA, NS, people

EVENTLIST = ["Supported: eventlist"]
LISTS = """<?xml version="1.0"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
 <list><entry uri="sip:anna@127.0.0.1"/><list><entry uri="sip:bob@127.0.0.1"/></list>
 <entry uri="sip:nobody@127.0.0.1"/></list></resource-lists>"""
R = {"l": "urn:ietf:params:xml:ns:rlmi"}


def read_list(message):
    """fullState, version, and of each resource its activities or why it has none."""
    parts = email.message_from_string(
        f"Content-Type: {message.get('Content-Type')}\r\n\r\n{message.body}").get_payload()
    documents = {p["Content-ID"].strip("<>"): p.get_payload().strip() for p in parts}
    assert parts[0].get_content_type() == "application/rlmi+xml"
    root = ET.fromstring(parts[0].get_payload().strip().encode())
    uris = [r.get("uri") for r in root.iterfind("l:resource", R)]
    assert len(uris) == len(set(uris))
    states = {}
    for resource in root.iterfind("l:resource", R):
        instance = resource.find("l:instance", R)
        name = resource.get("uri").split(":")[1].split("@")[0]
        if instance is None:
            states[name] = "none"
        elif instance.get("state") != "active":
            states[name] = instance.get("reason")
        else:
            document = ET.fromstring(documents[instance.get("cid")].encode())
            states[name] = [e.tag.split("}")[1] for e in
                            document.iterfind("dm:person/r:activities/*", NS)]
    return root.get("fullState") == "true", int(root.get("version")), states


def names(message):
    text = message.body[message.body.index("<list"):message.body.index("</list>") + 7]
    return {r.get("uri"): r.findtext("l:name", None, R)
            for r in ET.fromstring(text).iterfind("l:resource", R)}


def document(*uris, inside=""):
    entries = "".join(f"  <entry uri='{u}'/>\n" for u in uris)
    return ("<?xml version='1.0' encoding='UTF-8'?>\n"
            "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'>\n"
            f" <list name='all'>\n{entries}{inside} </list>\n</resource-lists>\n")


def refused(server, *words, **more):
    with pytest.raises(Failed) as caught:
        server.ctl(*words, **more)
    return str(caught.value)


BOB, CARL = "sip:bob@127.0.0.1", "sip:carl@127.0.0.1"


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


class Reader:
    """Follows a list as a careful client does, and checks what must hold."""

    def __init__(self, sub):
        self.sub, self.version, self.cseq, self.known = sub, -1, 0, {}
        self.sizes, self.fulls = [], 0

    def read(self, **more):
        message = self.sub.next(**more)
        assert message.cseq > self.cseq
        self.cseq = message.cseq
        self.sizes.append((message.size, is_tcp(message)))
        self.last = message
        if not message.body:
            return message.state
        full, version, states = read_list(message)
        assert version > self.version, "versions only grow"
        assert full or version == self.version + 1
        self.version = version
        self.fulls += full
        if full:
            self.known = {}
        self.known.update(states)
        return message.state

    def until(self, wanted, **more):
        while self.version < 0 or not wanted(self.known):
            self.read(**more)


def test_a_list_that_the_subscribe_carries(server, phone):
    headers = ["Require: recipient-list-subscribe",
               "Content-Type: application/resource-lists+xml",
               "Content-Disposition: recipient-list"]
    sub = Subscription(phone, "sip:list@127.0.0.1", headers=EVENTLIST + headers, body=LISTS)
    assert sub.response.status == 200 and sub.response.get("Require") == "eventlist"
    reader = Reader(sub)
    nothing = {"anna": ["unknown"], "bob": ["unknown"], "nobody": "noresource"}
    reader.until(lambda known: known == nothing)
    assert reader.last.get("Require") == "eventlist" and reader.fulls == 1
    Publication(phone, ANNA).put(activity="<r:away/>")
    Publication(phone, BOB).put(activity="<r:busy/>")
    reader.until(lambda known: known == {**nothing, "anna": ["away"], "bob": ["busy"]})
    assert sub.refresh().status == 200
    reader.read()
    reader.until(lambda known: known["bob"] == ["busy"])
    assert reader.fulls == 2
    while not phone.is_quiet(1.3):
        pass  # then it is saved
    server.kill()
    server.start()
    assert sub.refresh(0).status == 200
    while reader.read() != "terminated":
        pass


def test_a_kept_list(server, phone):
    text = document(ANNA, ANNA, inside=f"""  <display-name>Everybody</display-name>
  <list><entry uri='{BOB}'><display-name>Bob &lt;Boss&gt;</display-name></entry></list>
 </list><list name='guests'><entry uri='sip:x@127.0.0.1'/>
""")
    server.ctl("list", "put", "sales", text=text)
    said = server.said
    assert said[0] == "sales has 4 entries: subscribe to sip:sales@..."
    assert said[-1].strip() == "sip:x@127.0.0.1" and "1 of them" in said[1]
    row, = server.ctl("lists")
    assert (row["list"], row["entries"], row["document"], row["watchers"]) == \
        ("sales", 4, True, 0)
    assert server.ctl("list", "show", "sales")[0]["raw"] == text
    audit = server.ctl("audit")[-1]
    assert audit["what"] == "put list sales" and audit["detail"] == "4 entries"

    assert Subscription(phone, "sip:sales@127.0.0.1").response.status == 421
    reader = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST))
    reader.read()
    assert names(reader.last) == {ANNA: None, BOB: "Bob <Boss>", "sip:x@127.0.0.1": None}
    reader.until(lambda known: known == {"anna": ["unknown"], "bob": ["unknown"],
                                         "x": "noresource"})
    Publication(phone, BOB).put(activity="<r:away/>")
    reader.until(lambda known: known["bob"] == ["away"])
    assert server.ctl("lists")[0]["watchers"] == 1


def test_what_is_not_right_is_refused_and_the_old_one_stays(server, phone):
    server.ctl("list", "put", "sales", text=document(ANNA))
    assert "line 4: \"mailto:a@b\" is no SIP address" in \
        refused(server, "list", "put", "sales", text=document("mailto:a@b"))
    assert "line 6: Opening and ending tag mismatch: list line 3" in \
        refused(server, "list", "put", "sales", text=document(inside="<list>\n"))
    assert "line 4: <external>" in refused(
        server, "list", "put", "sales", text=document(inside="<external anchor='x'/>"))
    assert "letters, digits" in refused(server, "list", "put", "a b", text=document())
    assert "more than 1000" in refused(server, "list", "put", "big", text=document(
        *(f"sip:m{i}@h" for i in range(1001))))
    for name in "anna", "300":
        assert "A user has this name" in refused(server, "list", "put", name, text=document())
    assert "no such list" in refused(server, "list", "remove", "nobody")
    assert "no such document" in refused(server, "list", "show", "nobody")
    assert server.ctl("list", "show", "sales")[0]["raw"] == document(ANNA)
    assert [r["list"] for r in server.ctl("lists")] == ["sales"]


def test_a_change_reaches_those_who_are_subscribed(server, phone):
    server.ctl("list", "put", "sales", text=document(ANNA, BOB))
    reader = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST))
    reader.read()
    Publication(phone, BOB).put(activity="<r:away/>")
    reader.until(lambda known: known["bob"] == ["away"])
    server.ctl("list", "put", "sales", text=document(BOB, CARL))
    reader.until(lambda known: known == {"bob": ["away"], "carl": ["unknown"]})
    assert reader.fulls == 2
    server.ctl("list", "put", "sales", text=document(BOB, CARL))
    assert phone.is_quiet(0.5), "nothing changed"
    Publication(phone, CARL).put(activity="<r:busy/>")
    reader.until(lambda known: known["carl"] == ["busy"])
    assert server.ctl("list", "remove", "sales") == []
    assert reader.read() == "terminated"
    assert reader.last.param("Subscription-State", "reason") == "noresource"
    assert server.ctl("audit")[-1]["what"] == "remove list sales"
    assert Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST).response.status == 404


def test_a_group_is_followed(server, phone):
    server.ctl("set", "list.sales.group=Sales")
    reader = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST))
    reader.read()
    assert reader.known == {}
    server.ctl("user", "set", "anna", "department=Sales", "first_name=Anna")
    server.ctl("user", "set", "bob", "groups=Sales,Front")
    reader.until(lambda known: set(known) == {"anna", "bob"})
    assert names(reader.last)[ANNA] == "Anna Anna"
    server.ctl("list", "put", "sales", text=document(CARL, BOB))
    reader.until(lambda known: set(known) == {"anna", "bob", "carl"})
    server.ctl("user", "del", "anna")
    reader.until(lambda known: set(known) == {"bob", "carl"})
    server.ctl("list", "remove", "sales")
    reader.until(lambda known: set(known) == {"bob"})
    server.ctl("set", "list.sales.group")
    assert reader.read() == "terminated"


def test_a_stranger_becomes_a_user(server, phone):
    server.ctl("list", "put", "sales", text=document(ANNA, "sip:dora@127.0.0.1"))
    reader = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST))
    reader.until(lambda known: known == {"anna": ["unknown"], "dora": "noresource"})
    people(server, "dora")
    reader.until(lambda known: known["dora"] == ["unknown"])
    assert reader.fulls == 1
    server.ctl("user", "del", "dora")
    reader.until(lambda known: known["dora"] == "noresource")


def test_kept_lists_outlive_a_kill(server, phone):
    server.ctl("list", "put", "sales", text=document(ANNA, BOB))
    server.ctl("list", "put", "short", text=document(ANNA))
    sales = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST))
    known = {"anna": ["unknown"], "bob": ["unknown"]}
    sales.until(lambda now: now == known)
    other = Phone(server.sip_port)
    short = Reader(Subscription(other, "sip:short@127.0.0.1", headers=EVENTLIST))
    short.read()
    phone.is_quiet(1.3)  # the subscriptions are saved
    server.ctl("list", "remove", "short")
    server.kill()
    server.start()
    sales.read()
    assert sales.fulls == 2
    sales.until(lambda now: now == known)
    while short.read() != "terminated":
        pass
    assert short.last.param("Subscription-State", "reason") == "noresource"
    server.ctl("list", "put", "sales", text=document(ANNA))
    sales.until(lambda known: known == {"anna": ["unknown"]})
    other.close()


PERSONS = 300


@pytest.fixture
def department(server):
    server.ctl("user", "import", "-", text="username,last_name,department,sip_uri\n" +
               "".join(f"m{i},Meier {i},Sales,m{i}@127.0.0.1\n" for i in range(PERSONS)))
    server.ctl("set", "list.sales.group=Sales")
    desk = Phone(server.sip_port)
    everybody = [Publication(desk, f"sip:m{i}@127.0.0.1") for i in range(PERSONS)]
    for i, person in enumerate(everybody):
        assert person.put(activity=f"<r:{ACTIVITIES[i % 3]}/>") == 200
    yield everybody
    desk.close()


ACTIVITIES = "away", "busy", "on-the-phone"
STATES = {f"m{i}": [ACTIVITIES[i % 3]] for i in range(PERSONS)}


def test_a_department_over_udp(server, department):
    phone = Phone(server.sip_port)
    reader = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST))
    reader.until(lambda known: known == STATES)
    table, *others = [size for size, _ in reader.sizes]
    assert reader.fulls == 1
    assert 1300 < table < 100 * PERSONS, "who is there, in one NOTIFY and in fragments"
    assert max(others) <= 1300, "what they do, in whole datagrams"
    department[7].put(activity="<r:away/>")
    department[8].put(activity="<r:busy/>")
    reader.until(lambda known: known == {**STATES, "m7": ["away"], "m8": ["busy"]})
    assert reader.sizes[-1][0] <= 1300
    phone.close()


def test_a_department_over_udp_where_tcp_is_taken(server, department):
    phone = DualPhone(server.sip_port)
    reader = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST))
    reader.until(lambda known: known == STATES)
    assert all(over_tcp == (size > 1300) for size, over_tcp in reader.sizes)
    assert len(reader.sizes) < 8, "with much in each"
    department[7].put(activity="<r:away/>")
    reader.until(lambda known: known["m7"] == ["away"])
    size, over_tcp = reader.sizes[-1]
    assert size <= 1300 and not over_tcp, "what is small goes the short way"
    phone.close()


def test_a_fetch_of_a_department_is_one_notify(server, department):
    phone = DualPhone(server.sip_port)
    reader = Reader(Subscription(phone, "sip:sales@127.0.0.1", headers=EVENTLIST, expires=0))
    assert reader.read() == "terminated"
    assert len(reader.known) == PERSONS and phone.is_quiet(0.3)
    assert sum(1 for s in reader.known.values() if s != "none") > 80
    phone.close()
