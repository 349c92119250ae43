"""The ways to a peer: TLS, IPv6, and passwords that it takes or does not."""

import subprocess

import pytest

from kamailio import CONFIG, Kamailio
from lampfield import Console, Server, Sim, free_port, wait_for
from peer import Sipp


def certificate_folder(path, *names):
    """agent.pem and cafile.pem, good for these names."""
    path.mkdir()
    alternatives = ",".join(
        ("IP:" if n[0].isdigit() or ":" in n else "DNS:") + n for n in names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}",
                    "-keyout", path / "key.pem", "-out", path / "cafile.pem"],
                   check=True, capture_output=True)
    (path / "agent.pem").write_text(
        (path / "key.pem").read_text() + (path / "cafile.pem").read_text())
    return str(path)


@pytest.fixture
def secure(tmp_path, cleanup):
    """A server with SIP over TLS, and a folder of its certificates."""
    folder = certificate_folder(tmp_path / "tls", "localhost")
    server = Server(tmp_path, conf={"sip": {"tls-folder": folder, "tls-port": free_port()}})
    return cleanup(server.start())


def watch(server, cleanup):
    server.add_operator()
    server.add_users([2001])
    console = cleanup(Console(server))
    console.login()
    console.sub_lamps()
    return console


def test_a_trunk_over_tls(secure, tmp_path, cleanup):
    sim = cleanup(Sim(tmp_path, args=["-T", str(tmp_path / "tls")]))
    console = watch(secure, cleanup)
    secure.add_feed(sim.tls_server.replace("127.0.0.1", "localhost"), protocol="tls")
    console.wait_row(2001, tel="idle")
    sim.run("state 2001 busy")
    console.wait_row(2001, tel="busy")
    sim.run("restart")
    sim.run("state 2001 ringing")
    console.wait_row(2001, tel="ringing")


@pytest.mark.parametrize("names", [("pbx.example",), ("127.0.0.1",)])
def test_a_certificate_that_is_not_theirs_or_not_trusted(secure, tmp_path, cleanup, names):
    folder = certificate_folder(tmp_path / "other", *names)
    if names[0] == "pbx.example":  # trusted, but for somebody else
        with open(tmp_path / "tls/cafile.pem", "a") as f:
            f.write((tmp_path / "other/cafile.pem").read_text())
        secure.stop()
        secure.start()
    sim = cleanup(Sim(tmp_path, args=["-T", folder]))
    console = watch(secure, cleanup)
    secure.add_feed(sim.tls_server, protocol="tls")
    wait_for("refused", lambda: secure.feed()["state"] == "ConnectionError")
    assert "certificate" in secure.feed()["why"]
    console.wait_row(2001, cond="error")
    assert sim.count()["subscribes"] == 0


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_ipv6_end_to_end(tmp_path, cleanup, protocol):
    server = cleanup(Server(tmp_path, conf={
        "sip": {"address": "::1"}, "console": {"plain": "[::1]:0"}}))
    server.start()
    sim = cleanup(Sim(tmp_path, listen="[::1]:0"))
    server.add_operator()
    server.add_users([2001])
    server.add_feed(sim.server, protocol=protocol, uri="lampfield@[::1]")
    console = cleanup(Console(server, host="::1"))
    console.login()
    console.sub_lamps()
    console.wait_row(2001, tel="idle")
    sim.run("state 2001 ringing")
    console.wait_row(2001, tel="ringing")


# ---- passwords ----

def digest_kamailio(folder, password):
    """A Kamailio that wants this password of everybody."""
    kamailio = Kamailio(folder)
    kamailio.config = CONFIG.replace(
        "request_route {{", f"""loadmodule "auth.so"
request_route {{{{
    if (!pv_www_authenticate("pbx", "{password}", "0")) {{{{
        www_challenge("pbx", "1"); exit; }}}}""")
    return kamailio.start()


@pytest.fixture
def bob(server, console):
    server.ctl("user", "add", "username=bob", "last_name=Bob", "ext=2001",
               "sip_uri=bob@example.org")
    console.sub_lamps()
    return console


def feed(server, peer, password, **more):
    server.add_feed(peer, password=password, auth_id="lampfield", probe_interval="1",
                    has_presence_server="yes", **more)


def test_a_password_that_kamailio_takes(server, bob, tmp_path, cleanup):
    kamailio = cleanup(digest_kamailio(tmp_path, "secret"))
    feed(server, kamailio.server, "secret")
    wait_for("up", lambda: server.feed()["state"] == "UpAndRunning")
    bob.wait_row(2001, cond="ok")
    assert "secret" not in server.text() + str(server.ctl("trace", "2001"))


def test_a_password_that_kamailio_refuses(server, bob, tmp_path, cleanup):
    kamailio = cleanup(digest_kamailio(tmp_path, "secret"))
    feed(server, kamailio.server, "wrong")
    wait_for("forbidden", lambda: server.feed()["state"] == "Forbidden")
    bob.wait_row(2001, cond="access_denied")
    server.ctl("status")
    assert any("check the credentials" in s for s in server.said)
    # The right one is used at once, with no restart.
    server.ctl("set", "feed.pbx.password=secret")
    wait_for("up", lambda: server.feed()["state"] == "UpAndRunning")
    bob.wait_row(2001, cond="ok")


def test_no_password_where_one_is_wanted(server, bob, tmp_path, cleanup):
    kamailio = cleanup(digest_kamailio(tmp_path, "secret"))
    feed(server, kamailio.server, "")
    wait_for("forbidden", lambda: server.feed()["state"] == "Forbidden")
    assert "401" in server.feed()["why"]
    bob.wait_row(2001, cond="access_denied")


def test_a_password_that_nobody_asks_for(server, bob, sim):
    feed(server, sim.server, "secret")
    wait_for("up", lambda: server.feed()["state"] == "CredentialsNotFound")
    server.ctl("status")
    assert any("safe to ignore" in s for s in server.said)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "nonsense"])
def test_a_proxy_that_challenges_with_407(server, console, tmp_path, cleanup, algorithm):
    server.add_users([2001])
    peer = cleanup(Sipp(str(tmp_path), "challenge", algorithm=algorithm))
    server.add_feed(peer.server, password="secret", auth_id="lampfield",
                    package="presence")
    console.sub_lamps()
    if algorithm == "nonsense":
        console.wait_row(2001, cond="access_denied")
    else:
        console.wait_row(2001, tel="busy")
