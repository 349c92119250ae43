"""Each kind of notification, received by a real peer, field by field."""

import hashlib
import hmac
import json
import os
import re
import socket
import stat
import time

import pytest

from lampfield import Failed, Server, can_mount, free_port, wait_for
from peers import BadMailServer, MailServer, OpenSmtpd, TrapManager, WebHook, exists

TO = "ops@example.org"


# A busy machine is no news here.
QUIET = ("monitor.loop-slow=60000", "monitor.cpu-high=101", "monitor.memory-low=0",
         "monitor.disk-low=0")


def raise_tests(server, count=1, channel="mail"):
    server.ctl("set", f"event.1541.notify={channel}")
    server.ctl("events", "test", str(count))


def use_mail(server, port, *more, recipients=TO):
    server.ctl("set", "mail.enable=yes", f"mail.server=localhost:{port}",
               "mail.from=lampfield@example.org", f"mail.recipients={recipients}",
               "mail.retry-interval=1", *QUIET, *more)


def waiting(server, channel="mail"):
    return next(r for r in server.ctl("notify") if r["channel"] == channel)["waiting"]


def alarms(server):
    return [row["name"] for row in server.ctl("alarms")]


# ---- SNMP ----

def use_traps(server, manager, *more):
    server.ctl("set", "trap.enable=yes", f"trap.managers={manager.address}",
               "trap.heartbeat=0", *more)


def assert_is_test_trap(trap, version=None):
    assert trap["snmpTrapOID.0"] == "notificationTest"
    assert re.match(r"\(\d+\) ", trap["sysUpTimeInstance"]), trap
    assert trap["eventText"] == "STRING: Test 1 of 1, by lampctl:root."
    assert trap["eventSeverity"] == "INTEGER: information(1)"
    assert trap["eventSubject"] == "STRING: test 1"
    assert trap["eventRemedy"] == "STRING: Nothing."
    assert int(trap["eventNumber"].split()[-1]) > 0
    assert trap["eventNode"].startswith("STRING: ")


def standard_names(trap):
    """Debian has no standard MIBs: two names come as numbers."""
    known = {".2.1.1.3.0": "sysUpTimeInstance", ".6.3.1.1.4.1.0": "snmpTrapOID.0"}
    out = {}
    for name, value in trap.items():
        name = next((k for end, k in known.items() if name.endswith(end)), name)
        out[name] = value.removeprefix("OID: ").removeprefix("Timeticks: ")
    return out


@pytest.mark.parametrize("kind", ["trap", "inform"])
def test_v2c_arrives_whole(server, tmp_path, cleanup, kind):
    manager = cleanup(TrapManager(tmp_path))
    use_traps(server, manager, f"trap.kind={kind}")
    raise_tests(server, channel="trap")
    assert_is_test_trap(standard_names(manager.wait_trap("Test 1 of 1")))
    server.ctl("notify", "test", "trap")
    assert ("confirmed" if kind == "inform" else "a trap cannot tell") in server.said[0]


def test_the_numbers_are_the_agreed_ones(server, tmp_path, cleanup):
    manager = cleanup(TrapManager(tmp_path, numeric=True))
    use_traps(server, manager)
    raise_tests(server, channel="trap")
    trap = manager.wait_trap("Test 1 of 1")
    assert trap[".1.3.6.1.6.3.1.1.4.1.0"] == "OID: .1.3.6.1.4.1.39801.2.0.1541"
    assert "Test 1 of 1" in trap[".1.3.6.1.4.1.39801.1.1"]
    assert ".1.3.6.1.2.1.1.3.0" in trap


def v3_user(server, engine):
    return (f"createUser -e 0x{engine} lamp SHA-256 authsecret AES privsecret\n"
            "createUser lamp SHA-256 authsecret AES privsecret\n"
            "authUser log,execute,net lamp priv\n")


@pytest.mark.parametrize("kind", ["trap", "inform"])
def test_v3_arrives_authenticated_and_encrypted(server, tmp_path, cleanup, kind):
    server.ctl("notify")
    engine = server.said[0].split("0x")[1]
    manager = cleanup(TrapManager(tmp_path, v3_user(server, engine)))
    use_traps(server, manager, f"trap.kind={kind}", "trap.version=v3", "trap.user=lamp",
              "trap.auth=sha256", "trap.auth-password=authsecret", "trap.privacy=aes",
              "trap.privacy-password=privsecret")
    raise_tests(server, channel="trap")
    assert_is_test_trap(standard_names(manager.wait_trap("Test 1 of 1")))
    if kind == "inform":
        server.ctl("set", "trap.auth-password=wrongsecret")
        with pytest.raises(Failed, match="uthentication|confirmation"):
            server.ctl("notify", "test", "trap")
        return
    # A new start has a higher boot count: the manager must still believe it.
    server.kill()
    server.start()
    raise_tests(server, 2, channel="trap")
    manager.wait_trap("Test 2 of 2")
    server.ctl("notify")
    assert server.said[0].endswith(engine)


def test_informs_wait_for_a_manager_that_is_away(server, tmp_path, cleanup):
    port = free_port()
    server.ctl("set", "trap.enable=yes", f"trap.managers=127.0.0.1:{port}",
               "trap.kind=inform", "trap.heartbeat=0")
    raise_tests(server, 40, channel="trap")
    wait_for("alarm", lambda: "trap-failing" in alarms(server))
    assert waiting(server, "trap") == 40
    manager = cleanup(TrapManager(tmp_path, port=port))
    server.ctl("set", "trap.community=public", "trap.heartbeat=3600")  # try at once
    wait_for("all confirmed", lambda: waiting(server, "trap") == 0)
    wait_for("alarm gone", lambda: "trap-failing" not in alarms(server))
    texts = [t["eventText"] for t in manager.traps() if "of 40" in t["eventText"]]
    assert texts == [f"STRING: Test {i} of 40, by lampctl:root." for i in range(1, 41)]


def test_two_managers_and_a_heartbeat(server, tmp_path, cleanup):
    one, two = (cleanup(TrapManager(tmp_path)) for _ in range(2))
    server.ctl("set", "trap.enable=yes", "trap.heartbeat=1",
               f"trap.managers={one.address}, {two.address}")
    for manager in one, two:
        assert "Alive for" in manager.wait_trap("heartbeat")["eventText"]
    assert not server.ctl("events", "event=heartbeat")


# ---- mail ----

def test_a_mail_arrives_whole(server, cleanup):
    mail = cleanup(MailServer())
    use_mail(server, mail.port, recipients=f"{TO}, Second@example.net")
    raise_tests(server)
    wait_for("two mails", lambda: len(mail.mails) == 2)
    assert sorted(to for to, _ in mail.mails) == ["Second@example.net", TO]
    message = mail.mails[0][1]
    assert message["From"] == "Lampfield <lampfield@example.org>"
    assert message["To"].replace("\r\n", "") == f"{TO}, Second@example.net"
    assert message["Subject"].endswith("information: notification-test test 1")
    assert message["X-Lampfield-Event"] == "1541"
    assert message["Date"] and message["Message-ID"]
    text = message.get_content()
    assert text.startswith("Test 1 of 1, by lampctl:root.")
    for words in ("What to do: Nothing.", "About:    test 1", "Severity: information"):
        assert words in text
    wait_for("an empty spool", lambda: waiting(server) == 0)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_tls_and_login(server, tmp_path, cleanup, tls):
    mail = cleanup(MailServer(folder=tmp_path, tls=tls, user="lamp", password="s3cret"))
    use_mail(server, mail.port, f"mail.security={tls}", "mail.auth-user=lamp",
             "mail.auth-password=s3cret")
    with pytest.raises(Failed, match="step TLS: .*certificate"):
        server.ctl("notify", "test", "mail")
    server.ctl("set", f"mail.ca-file={tmp_path}/peer.pem")
    server.ctl("notify", "test", "mail")
    assert "has taken a mail to ops@example.org" in server.said[0]
    assert mail.sessions[0].ssl or mail.sessions[0].authenticated
    server.ctl("set", "mail.auth-password=wrong")
    with pytest.raises(Failed, match="step login"):
        server.ctl("notify", "test", "mail")


@pytest.mark.skipif(os.geteuid() != 0, reason="smtpd wants root")
def test_a_real_mail_server_delivers(server, tmp_path, cleanup):
    mail = cleanup(OpenSmtpd(tmp_path))
    use_mail(server, mail.port)
    raise_tests(server)
    message = mail.mail()
    assert message["Delivered-To"] == TO
    assert message["From"] == "Lampfield <lampfield@example.org>"
    assert message.get_content().startswith("Test 1 of 1, by lampctl:root.")
    wait_for("an empty spool", lambda: waiting(server) == 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="smtpd wants root")
def test_tls_with_a_real_mail_server(server, tmp_path, cleanup):
    """Debian 12's OpenSMTPD (6.8.0p2) cannot sign with OpenSSL 3 and fails every
    handshake with everybody, whatever key it has; one that can must get its mail."""
    mail = cleanup(OpenSmtpd(tmp_path, tls=True))
    use_mail(server, mail.port, "mail.security=starttls", f"mail.ca-file={tmp_path}/peer.pem")
    if mail.can_tls():
        raise_tests(server)
        assert mail.mail()["Delivered-To"] == TO
        return
    with pytest.raises(Failed, match="step TLS"):
        server.ctl("notify", "test", "mail")
    raise_tests(server)
    wait_for("alarm", lambda: "mail-failing" in alarms(server))
    assert waiting(server) == 1  # and not in clear


def test_oauth2_as_office_365_wants_it(server, tmp_path, cleanup):
    tokens = cleanup(WebHook())
    tokens.answer = json.dumps({"token_type": "Bearer", "expires_in": 3599,
                                "access_token": "eyJ.t0ken"})
    mail = cleanup(MailServer(folder=tmp_path, tls="starttls", token="eyJ.t0ken"))
    use_mail(server, mail.port, "mail.security=starttls", "mail.auth=oauth2",
             f"mail.ca-file={tmp_path}/peer.pem",
             f"mail.oauth2-url=http://127.0.0.1:{tokens.port}", "mail.oauth2-tenant=contoso",
             "mail.oauth2-client-id=app", "mail.oauth2-client-secret=a&b")
    raise_tests(server, 3)
    wait_for("three mails", lambda: len(mail.mails) == 3)
    assert tokens.paths == ["/contoso/oauth2/v2.0/token"]  # kept, not asked for again
    assert tokens.posts[0][1] == (
        b"grant_type=client_credentials&client_id=app&client_secret=a%26b"
        b"&scope=https%3A%2F%2Foutlook.office365.com%2F.default")
    assert mail.tokens[0] == ["user=lampfield@example.org", "auth=Bearer eyJ.t0ken"]
    tokens.status = 401
    server.ctl("set", "mail.oauth2-client-secret=old")
    with pytest.raises(Failed, match="OAuth2 token: refused: 401"):
        server.ctl("notify", "test", "mail")


def test_a_password_never_goes_in_clear(server, cleanup):
    mail = cleanup(MailServer(user="lamp", password="s3cret"))
    use_mail(server, mail.port, "mail.auth-user=lamp", "mail.auth-password=s3cret")
    with pytest.raises(Failed, match="step TLS"):
        server.ctl("notify", "test", "mail")
    assert not mail.mails


def test_the_failing_step_is_named(server, cleanup):
    nobody = free_port()
    use_mail(server, nobody)
    with pytest.raises(Failed, match="step connection"):
        server.ctl("notify", "test", "mail")
    mail = cleanup(MailServer(refuse={"sender": "550 who are you"}))
    use_mail(server, mail.port)
    with pytest.raises(Failed, match="step sender: 550 who are you"):
        server.ctl("notify", "test", "mail")
    mail.refuse = {TO: "550 no such user"}
    with pytest.raises(Failed, match="step recipient: 550 no such user"):
        server.ctl("notify", "test", "mail")
    mail.refuse = {"message": "554 smells of spam"}
    with pytest.raises(Failed, match="step message: 554 smells of spam"):
        server.ctl("notify", "test", "mail")


def test_what_is_refused_for_good_does_not_stop_the_others(server, cleanup):
    mail = cleanup(MailServer(refuse={"gone@example.org": "550 no such user"}))
    use_mail(server, mail.port, recipients=f"gone@example.org,{TO}")
    raise_tests(server)
    wait_for("the good one", lambda: [
        to for to, m in mail.mails if m["X-Lampfield-Event"] == "1541"] == [TO])
    # And those who can be reached are told who cannot.
    wait_for("the news", lambda: [
        to for to, m in mail.mails if m["X-Lampfield-Event"] == "1503"] == [TO])
    rows = wait_for("told", lambda: server.ctl("events", "event=mail-rejected"))
    assert rows[0]["subject"] == "gone@example.org"
    assert "550 no such user" in rows[0]["text"]


@pytest.mark.parametrize("behaviour", ["dies", "lies", "hangs", "no answer"])
def test_a_bad_mail_server_loses_nothing(server, cleanup, behaviour):
    bad = BadMailServer(behaviour)
    use_mail(server, bad.port, "mail.timeout=1")
    raise_tests(server, 3)
    wait_for("alarm", lambda: "mail-failing" in alarms(server))
    wait_for("tried again", lambda: bad.met >= 2)
    assert waiting(server) == 3
    port = bad.port
    bad.stop()
    mail = cleanup(MailServer(port=port))
    wait_for("all", lambda: len(mail.mails) >= 3)
    assert [m["Subject"][-6:] for _, m in mail.mails] == ["test 1", "test 2", "test 3"]
    wait_for("no alarm", lambda: "mail-failing" not in alarms(server))


@pytest.mark.parametrize("behaviour", ["refuses", "takes"])
def test_nobody_waits_for_a_goodbye(server, cleanup, behaviour):
    """curl would wait for the answer to QUIT, and the whole server with it."""
    bad = BadMailServer(f"{behaviour}, no goodbye")
    use_mail(server, bad.port)
    raise_tests(server)
    if behaviour == "refuses":
        wait_for("its QUIT", lambda: bad.quits)
        wait_for("alarm", lambda: "mail-failing" in alarms(server))
    else:
        wait_for("sent", lambda: waiting(server) == 0)
    assert server.stop() == 0  # within the tests' 20 s; curl takes 120
    assert bad.quits
    bad.stop()


@pytest.mark.skipif(not can_mount(), reason="no resolv.conf of its own here")
def test_nobody_waits_for_a_name_server(tmp_path, cleanup):
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.99\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.99", 53))
        server = cleanup(Server(tmp_path, prefix=[
            "unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"',
            f"{tmp_path}/resolv.conf"]).start())
        use_mail(server, 25, "mail.timeout=1")
        server.ctl("set", "mail.server=mail.example.org", "mail.retry-interval=3600",
                   "monitor.loop-slow=2000")
        raise_tests(server)
        wait_for("alarm", lambda: "mail-failing" in alarms(server))
        assert "loop-slow" not in alarms(server)


def test_the_spool_is_bounded_and_says_so(server, cleanup):
    use_mail(server, free_port(), "mail.spool-max=10")
    raise_tests(server, 15)
    wait_for("alarm", lambda: "mail-spool-full" in alarms(server))
    assert waiting(server) == 10


def test_twenty_kills_lose_no_mail(server, cleanup):
    mail = cleanup(MailServer())
    people = ",".join(f"p{i}@example.org" for i in range(10))
    use_mail(server, free_port(), "monitor.disabled=server-died", recipients=people)
    raise_tests(server, 100)
    wait_for("a full spool", lambda: waiting(server) == 1000)
    server.ctl("set", f"mail.server=localhost:{mail.port}")
    for kill in range(20):
        wait_for("some progress", lambda: len(mail.mails) > 5 * kill, pause=0.002)
        server.kill()
        server.start()
    wait_for("all sent", lambda: waiting(server) == 0, seconds=60)
    keys = [(m["Message-ID"], to) for to, m in mail.mails]
    assert len(set(keys)) == 1000
    # One double for each kill at most: between the 250 and our commit.
    assert len(keys) <= 1020
    first = list(dict.fromkeys(keys))
    order = [(int(re.search(r"event-(\d+)", i).group(1)), int(to[1:].split("@")[0]))
             for i, to in first]
    assert order == sorted(order)


def local_hours(minutes_from_now, length):
    """Quiet hours that begin so many minutes from now, on the tests' clock."""
    begin = time.time() + 60 * minutes_from_now
    return "-".join(time.strftime("%H:%M", time.localtime(t))
                    for t in (begin, begin + 60 * length))


def test_quiet_hours_end_in_one_mail(tmp_path, cleanup):
    """The server's clock is ours to set; the mail server is a real one."""
    stamp = tmp_path / "now"
    stamp.write_text("+0d")
    server = cleanup(Server(tmp_path, env={
        "LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1", "FAKETIME_NO_CACHE": "1",
        "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}).start())
    mail = cleanup(MailServer())
    use_mail(server, mail.port, f"mail.quiet-hours={local_hours(-120, 240)}",
             "monitor.disabled=clock-stepped", recipients=f"{TO},Second@example.net")
    raise_tests(server, 3)
    wait_for("held", lambda: "one mail for each recipient" in " ".join(notify_said(server)))
    # A feed that is down is an error: it does not wait, nor does its end.
    server.ctl("set", "monitor.failing-after=1")
    server.add_feed(f"127.0.0.1:{free_port()}", probe_interval="1")
    wait_for("the urgent ones", lambda: len(mail.mails) == 2)
    assert all("error: feed-down pbx" in m["Subject"] for _, m in mail.mails)
    server.kill()  # what is held survives
    server.start()
    stamp.write_text("+110m")
    server.ctl("set", "mail.timeout=30")
    assert len(mail.mails) == 2
    stamp.write_text("+130m")
    wait_for("the digests", lambda: len(mail.mails) == 4)
    assert sorted(to for to, _ in mail.mails[2:]) == ["Second@example.net", TO]
    for to, message in mail.mails[2:]:
        assert message["To"] == to
        assert message["Subject"].endswith("events held back, up to warning")
        text = message.get_content()
        assert [f"test {i}" in text for i in (1, 2, 3)] == [True] * 3
        assert "server-died" in text  # by the kill
    assert not any("Held back" in line for line in notify_said(server))


def notify_said(server):
    server.ctl("notify")
    return server.said


# ---- web address and program ----

def test_a_web_address_gets_signed_json(server, cleanup):
    hook = cleanup(WebHook())
    server.ctl("set", "webhook.enable=yes", f"webhook.url={hook.url}",
               "webhook.secret=hush", *QUIET)
    raise_tests(server, channel="webhook")
    wait_for("a post", lambda: hook.posts)
    headers, body = hook.posts[0]
    event = json.loads(body)
    assert (event["event"], event["name"]) == (1541, "notification-test")
    assert event["text"] == "Test 1 of 1, by lampctl:root."
    mac = hmac.new(b"hush", body, hashlib.sha256).hexdigest()
    assert headers["X-Lampfield-Signature"] == f"sha256={mac}"
    hook.status = 500
    raise_tests(server, 2, channel="webhook")
    wait_for("alarm", lambda: "webhook-failing" in alarms(server))
    with pytest.raises(Failed, match="answered 500"):
        server.ctl("notify", "test", "webhook")
    hook.status = 200
    server.ctl("set", "webhook.secret=other")  # tries at once
    wait_for("the rest", lambda: len(hook.posts) == 2)
    wait_for("no alarm", lambda: "webhook-failing" not in alarms(server))


def test_a_program_gets_its_arguments_and_no_shell(server, tmp_path):
    program = tmp_path / "tell"
    program.write_text(f'#!/bin/sh\n{{ printf "%s|" "$@"; cat; }} >{tmp_path}/got.$$\n'
                       f"mv {tmp_path}/got.$$ {tmp_path}/got\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    server.ctl("set", "process.enable=yes", f"process.command={program},$(id),a b")
    raise_tests(server, channel="process")
    wait_for("its file", lambda: exists(tmp_path / "got"))
    args, _, event = (tmp_path / "got").read_text().rpartition("|")
    assert args == "$(id)|a b"
    assert json.loads(event)["event"] == 1541
    server.ctl("set", "process.command=/bin/false")
    with pytest.raises(Failed, match="status 1"):
        server.ctl("notify", "test", "process")
    server.ctl("set", "process.command=/nonexistent")
    with pytest.raises(Failed, match="cannot be started"):
        server.ctl("notify", "test", "process")
    server.ctl("set", "process.command=/bin/sleep,60", "process.timeout=1")
    with pytest.raises(Failed, match="after its time"):
        server.ctl("notify", "test", "process")


def test_only_what_was_asked_for_is_told(server, cleanup):
    mail = cleanup(MailServer())
    use_mail(server, mail.port)
    server.ctl("events", "test")  # information: below mail.severity
    server.ctl("set", "event.2001.recipients=other@example.org")
    server.ctl("set", "monitor.failing-after=1", "monitor.disabled=server-died")
    server.add_feed(f"127.0.0.1:{free_port()}", probe_interval="1")
    wait_for("a mail", lambda: mail.mails)
    server.ctl("set", "feed.pbx.enable=no")
    wait_for("its end", lambda: len(mail.mails) == 2)
    assert mail.mails[0][0] == "other@example.org"
    assert "error: feed-down pbx" in mail.mails[0][1]["Subject"]
    assert "ended: feed-up pbx" in mail.mails[1][1]["Subject"]
    with pytest.raises(Failed, match="not configured"):
        server.ctl("notify", "test", "webhook")
