"""Consoles as people really connect: s_client, ncat, sockets, WebSocket."""

import asyncio
import json
import socket
import ssl
import subprocess

import pytest
import websockets

from lampfield import DEADLINE, Console, wait_for

LOGIN = {"id": 1, "method": "login",
         "params": {"proto": 1, "user": "carla", "auth": "password",
                    "password": "correct horse"}}
SUB = {"id": 2, "method": "sub", "params": {"topic": "lamps", "filter": {"all": True}}}


def talk(argv, lines, until):
    """Feeds lines to a program and returns its output up to a word."""
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, bufsize=1)
    try:
        seen = ""
        for line in lines:
            p.stdin.write(line + "\n")
            p.stdin.flush()
        while until not in seen:
            got = p.stdout.readline()
            assert got, seen
            seen += got
        return seen
    finally:
        p.kill()
        p.wait()


def test_openssl_s_client_logs_in_by_password_and_subscribes(server, sim):
    server.add_operator()
    server.add_users([2001])
    server.add_feed(sim.server)
    seen = talk(["openssl", "s_client", "-crlf", "-quiet", "-connect",
                 f"localhost:{server.tls_port}", "-servername", "localhost",
                 "-CAfile", f"{server.folder}/cert.pem", "-verify_return_error"],
                [json.dumps(LOGIN), json.dumps(SUB)], '"tel":"idle"')
    assert '"session"' in seen and "verify error" not in seen


def test_ncat_speaks_on_the_plain_port_but_not_by_password(server):
    server.add_operator()
    seen = talk(["ncat", "127.0.0.1", str(server.plain_port)], [json.dumps(LOGIN)],
                "tls_required")
    assert '"scram-sha-256"' in seen and '"code":1010' in seen


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_tls_is_refused(server, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = getattr(ssl.TLSVersion, version)
    with socket.create_connection(("127.0.0.1", server.tls_port), DEADLINE) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw)


def test_websocket_speaks_the_same_objects(server, sim):
    server.add_operator()
    server.add_users([2001])
    server.add_feed(sim.server)

    async def run():
        host = f"127.0.0.1:{server.web_port}"
        async with websockets.connect(f"ws://{host}/console", origin=f"http://{host}",
                                      subprotocols=["lampfield.v1"]) as ws:
            hello = json.loads(await ws.recv())
            await ws.send(json.dumps(LOGIN))
            return hello, json.loads(await ws.recv())

    hello, reply = asyncio.run(asyncio.wait_for(run(), DEADLINE))
    assert hello["method"] == "hello" and "password" not in hello["params"]["auth"]
    # Plain ws: no password either.
    assert reply["error"]["name"] == "tls_required"


def test_resume_brings_the_missed_events(server, sim, console):
    server.add_users([2001])
    server.add_feed(sim.server)
    session = console.login_result
    console.sub_lamps()
    console.wait_row(2001, tel="idle")
    last = max([e["seq"] for e in console.events if "seq" in e] + [console.sub_seq])
    console.close()
    sim.run("state 2001 busy")
    wait_for("busy", lambda: server.lamps()["2001"] == "busy")
    again = Console(server)
    again.rows = console.rows
    result = again.ok("resume", proto=1, session=session["session"],
                      resume_token=session["resume_token"], last_seq=last)
    assert result["replayed"] is True
    again.wait_row(2001, tel="busy")
    again.close()


def test_wrong_password_never_says_which_part(server):
    server.add_operator()
    errors = []
    for user, password in (("carla", "wrong"), ("nobody", "wrong")):
        c = Console(server, tls=True)
        reply = c.request("login", proto=1, user=user, auth="password", password=password)
        errors.append(reply["error"])
        c.close()
    assert errors[0] == errors[1] and errors[0]["name"] == "auth_failed"


def test_guessing_is_throttled(server):
    server.add_operator()
    names = []
    for _ in range(7):
        c = Console(server, tls=True)
        reply = c.request("login", proto=1, user="carla", auth="password", password="no")
        names.append(reply["error"]["name"])
        c.close()
    assert names[:5] == ["auth_failed"] * 5 and names[-1] == "throttled"


def test_nothing_is_told_before_login(server, sim):
    server.add_users([2001])
    server.add_feed(sim.server)
    c = Console(server)
    for method in ("sub", "dir.search", "notes.set", "unsub"):
        assert c.request(method, topic="lamps")["error"]["name"] == "not_logged_in"
    assert sim.count()["subscribes"] == 0
    c.close()


@pytest.mark.parametrize("data, name", [
    (b"{nonsense\n", "parse_error"),
    (b'{"id":1,"method":"login","method":"login"}\n', "parse_error"),
    (b'{"id":1}\n', "invalid_request"),
    (b'{"id":1,"method":"no.such.thing"}\n', "unknown_method"),
    (b'{"id":1,"method":"login","params":{"proto":"one"}}\n', "invalid_params"),
    (b"\xff\xfe{}\n", "parse_error"),
    (b'{"id":1,"method":"ping","params":' + b'{"a":' * 20 + b"1" + b"}" * 20 + b"}\n",
     "invalid_request"),
    (b"x" * 70000 + b"\n", "line_too_long"),
])
def test_bad_lines_get_their_error_and_the_server_lives(server, data, name):
    c = Console(server)
    c.socket.sendall(data)
    reply = c.read()
    assert reply["error"]["name"] == name, reply
    c.close()
    other = Console(server)
    assert other.request("ping").get("error", {}).get("name") != "internal"
    other.close()


def test_a_reader_that_never_reads_does_not_delay_the_others(server, sim, console):
    server.ctl("user", "add", "username=slow", "last_name=S", "ext=1001", "licence=BAE",
               "password=slow slow")
    server.add_users(range(2001, 2011))
    server.add_feed(sim.server)
    slow = Console(server)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.login("slow", "slow slow")
    slow.send(SUB)
    console.sub_lamps()
    sim.run("storm 300 4")
    for _ in range(3):
        console.wait_until(2001, lambda row: row.get("tel") == "busy")
        console.wait_until(2001, lambda row: row.get("tel") == "idle")
    slow.close()
