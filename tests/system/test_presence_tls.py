"""Peers of the presence server that are trusted by the certificate they show."""

import socket
import ssl
import struct
import subprocess

import pytest
from lampfield import Server, free_port, wait_for
from phone import Phone, Publication, Subscription, TlsPhone
from test_hostile import is_sanitized
from test_presence_access import counters
from test_presence_server import ANNA, activities, people

CLIENT = "extendedKeyUsage=clientAuth"


class Authority:
    """A CA of its own, made by openssl; certificates as one file with the key."""

    def __init__(self, folder, name):
        self.folder, self.path = folder, folder / f"{name}.pem"
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout",
                 folder / f"{name}.key", "-out", self.path,
                 "-addext", "basicConstraints=critical,CA:TRUE")
        self.key = folder / f"{name}.key"

    def run(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                       cwd=self.folder)

    def issue(self, file, cn, names="", days=30, usage=CLIENT):
        """names: as in subjectAltName; days below 0: it has ended."""
        base = self.folder / file
        extensions = "\n".join(filter(None, [names and f"subjectAltName={names}", usage]))
        base.with_suffix(".ext").write_text(extensions + "\n")
        self.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-subj", f"/CN={cn}", "-keyout", f"{base}.key", "-out",
                 f"{base}.csr")
        more = ["-days", days]
        if days < 0:  # x509 cannot, ca can
            (self.folder / "index.txt").write_text("")
            (self.folder / "serial").write_text("01\n")
            (self.folder / "ca.conf").write_text(
                "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nserial=serial\n"
                "new_certs_dir=.\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
                "[p]\ncommonName=supplied\n")
            self.run("ca", "-batch", "-config", "ca.conf", "-cert", self.path, "-keyfile",
                     self.key, "-in", f"{base}.csr", "-out", f"{base}.crt", "-notext",
                     "-startdate", "20200101000000Z", "-enddate", "20210101000000Z",
                     "-extfile", f"{base}.ext")
        else:
            self.run("x509", "-req", "-in", f"{base}.csr", "-CA", self.path, "-CAkey",
                     self.key, "-CAcreateserial", "-out", f"{base}.crt", *more,
                     "-extfile", f"{base}.ext")
        both = base.with_suffix(".both")
        both.write_text(base.with_suffix(".key").read_text() +
                        base.with_suffix(".crt").read_text())
        return both

    def fingerprint(self, both):
        text = subprocess.run(["openssl", "x509", "-in", both, "-noout", "-fingerprint",
                               "-sha256"], check=True, capture_output=True, text=True).stdout
        return text.strip().split("=")[1]


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    ours, others = Authority(folder, "ours"), Authority(folder, "others")
    ours.server = ours.issue("server", "lamp", "IP:127.0.0.1", usage="")
    host = "DNS:pbx.corp.example"
    ours.shown = {
        "host": ours.issue("host", "x", host),
        "address": ours.issue("address", "x", "IP:127.0.0.1"),
        "uri": ours.issue("uri", "x", "URI:sip:corp.example"),
        "common name": ours.issue("cn", "pbx.corp.example"),
        "another": ours.issue("another", "x", "DNS:phone.corp.example"),
        "common name beside a host": ours.issue("beside", "pbx.corp.example",
                                                "DNS:phone.corp.example"),
        "wildcard": ours.issue("wild", "x", "DNS:*.corp.example"),
        "raw address": ours.issue("raw", "x", "IP:112.98.120.46"),  # the bytes "pbx."
        "expired": ours.issue("old", "x", host, days=-1),
        "another CA": others.issue("stolen", "x", ",".join(
            [host, *(f"DNS:host{i}.corp.example" for i in range(200))])),
        "self-signed": Authority(folder, "pbx.corp.example").path,
        "for servers only": ours.issue("usage", "x", host, usage="extendedKeyUsage=serverAuth"),
        "none": None,
    }
    alone = folder / "alone.both"
    alone.write_text((folder / "pbx.corp.example.key").read_text() +
                     ours.shown["self-signed"].read_text())
    ours.shown["self-signed"] = alone
    return ours


@pytest.fixture
def server(tmp_path, ca):
    folder = tmp_path / "tls"
    folder.mkdir()
    (folder / "agent.pem").write_text(ca.server.read_text())
    (folder / "cafile.pem").write_text(ca.path.read_text())
    port = free_port()
    server = Server(tmp_path, conf={"sip": {"tls-folder": folder, "tls-port": port}}).start()
    server.sips = port
    people(server, "anna")
    trust(server, "pbx.corp.example")
    yield server
    server.stop()


def trust(server, *names):
    server.ctl("set", "presence-server.trusted-certificates=" + ",".join(names))


def ask(server, cleanup, certificate, **more):
    return Subscription(cleanup(TlsPhone(server.sips, certificate, **more)), ANNA)


@pytest.mark.parametrize("shown, names", [
    ("host", "PBX.corp.example"), ("address", "127.0.0.1"), ("uri", "sip:corp.example"),
    ("common name", "pbx.corp.example"), ("host", "fingerprint")])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_right_certificate_needs_no_password(server, cleanup, ca, shown, names, version):
    certificate = ca.shown[shown]
    if names == "fingerprint":
        names = "sha256:" + ca.fingerprint(certificate)
    trust(server, "somebody.example", names)
    sub = ask(server, cleanup, certificate, version=version)
    assert sub.response.status == 200
    assert sub.next().state == "active"
    assert Publication(sub.phone, ANNA).put(activity="<r:away/>") == 200
    assert activities(sub.next()) == ["away"]
    watcher, = server.ctl("watchers")
    assert watcher["lane"] == "tls"
    assert sub.refresh(0).status == 200


@pytest.mark.parametrize("shown", [
    "another", "common name beside a host", "wildcard", "raw address", "expired", "another CA",
    "self-signed", "for servers only", "none"])
def test_another_certificate_is_like_none(server, cleanup, ca, shown):
    """It gets its connection, as a phone with its maker's certificate does, and has to
    give a password."""
    trust(server, "pbx.corp.example", "pbx.", "sha256:" + "0" * 64)
    sub = ask(server, cleanup, ca.shown[shown])
    assert sub.response.status == 401
    assert len(sub.response.all("WWW-Authenticate")) == 2
    assert server.ctl("watchers") == []


def test_trust_is_the_connections(server, cleanup, ca):
    """Not the address's, nor the port's: who comes next from there is asked."""
    sub = ask(server, cleanup, ca.shown["host"])
    assert sub.response.status == 200
    sub.next()
    assert ask(server, cleanup, None).response.status == 401
    beside = cleanup(Phone(server.sip_port))
    assert Subscription(beside, ANNA).response.status == 401
    port = sub.phone.port
    sub.phone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sub.phone.socket.close()  # a reset: its port is not kept for a minute
    wait_for("the port", lambda: can_bind(port))
    again = TlsPhone.__new__(TlsPhone)
    again.connect = lambda: connect_from(again, port)
    cleanup(again).__init__(server.sips)
    assert again.port == port
    assert Subscription(again, ANNA).response.status == 401


def can_bind(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def connect_from(phone, port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.connect(phone.server)
    phone.socket = phone.context.wrap_socket(s)
    phone.port = phone.contact_port = port
    phone.buffer = b""


def test_who_is_taken_from_the_list_is_asked_at_once(server, cleanup, ca):
    sub = ask(server, cleanup, ca.shown["host"])
    sub.next()
    trust(server, "other.example")
    assert sub.refresh().status == 401
    trust(server, "pbx.corp.example")
    assert sub.refresh().status == 401, "from the next connection on"
    sub.phone.socket.close()
    sub.phone.connect()
    assert sub.refresh().status == 200


def test_each_connection_proves_it_anew(server, cleanup, ca):
    """A session that is offered again is not taken up: what it proved is not kept."""
    phone = cleanup(TlsPhone(server.sips, ca.shown["host"], version=ssl.TLSVersion.TLSv1_2))
    session = phone.socket.session
    phone.socket.close()
    link = socket.create_connection(("127.0.0.1", server.sips))
    phone.socket = phone.context.wrap_socket(link, session=session)
    assert not phone.socket.session_reused
    phone.port = phone.contact_port = phone.socket.getsockname()[1]
    assert Subscription(phone, ANNA).response.status == 200


def test_many_connections_cost_nothing_in_the_end(server, cleanup, ca):
    """Sofia forgets 50 KB with each, and the names in certificates."""
    def come_and_go(n):
        for i in range(n):
            TlsPhone(server.sips, ca.shown["host" if i % 2 else "another CA"]).close()
            raw = socket.create_connection(("127.0.0.1", server.sips))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           struct.pack("ii", i % 2, 0))  # every other is reset
            raw.close()

    come_and_go(100)
    before = counters(server)["heap"]
    come_and_go(300)
    if not is_sanitized():  # the last ones may still be closing
        wait_for("the heap", lambda: counters(server)["heap"] - before < 300 * 200)
    assert ask(server, cleanup, ca.shown["host"]).response.status == 200
