"""Events and alarms as an administrator sees them."""

import os
import signal
import subprocess

import pytest

from lampfield import BUILD, TOP, Failed, Server, Sim, free_port, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


def events(server, *filters):
    return server.ctl("events", *filters)


def names(server, *filters):
    return [row["name"] for row in events(server, *filters)]


def test_start_stop_and_death_are_told(tmp_path, cleanup):
    server = cleanup(Server(tmp_path).start())
    wait_for("start", lambda: "server-started" in names(server))
    server.stop()
    server.start()
    wait_for("start", lambda: names(server, "max=2") == ["server-started", "server-stopped"])
    server.kill()
    server.start()
    wait_for("start", lambda: names(server, "max=2") == ["server-started", "server-died"])
    ids = [row["id"] for row in events(server)]
    assert ids == sorted(set(ids), reverse=True)


def test_a_silent_feed_is_an_alarm_until_it_answers(server, tmp_path, cleanup):
    server.ctl("set", "monitor.failing-after=1")
    port = free_port()
    server.add_feed(f"127.0.0.1:{port}", probe_interval="1")
    rows = wait_for("alarm", lambda: server.ctl("alarms"))
    assert [(r["name"], r["subject"], r["severity"]) for r in rows] == [
        ("feed-down", "pbx", "error")]
    assert str(port) in rows[0]["text"]
    assert "lampctl status" in rows[0]["remedy"]
    cleanup(Sim(tmp_path, listen=f"127.0.0.1:{port}"))
    wait_for("no alarm", lambda: not server.ctl("alarms"))
    assert names(server, "category=feed") == ["feed-up", "feed-down"]
    # One row, and one only, however long it lasted.
    assert len(events(server, "event=feed-down")) == 1


def test_wrong_filters_are_answered_in_words(server):
    for words, answer in ((["severity=bad"], "information, warning or error"),
                          (["event=nonsense"], "lampctl events catalogue"),
                          (["from=yesterday"], "2026-01-20"),
                          (["max=0"], "1 to 1000"),
                          (["text=a b c d e"], "four words")):
        with pytest.raises(Failed, match=answer):
            events(server, *words)


def test_the_mib_is_clean_and_known_to_net_snmp(server, tmp_path):
    printed = subprocess.run([f"{BUILD}/admin/lampctl", "-s", server.control, "mib"],
                             capture_output=True, text=True, check=True).stdout
    mib = tmp_path / "LAMPFIELD-MIB.txt"
    mib.write_text(printed)
    with open(f"{TOP}/docs/monitoring/LAMPFIELD-MIB.txt") as f:
        assert f.read() == printed
    conf = tmp_path / "smi.conf"
    conf.write_text(f"path {TOP}/tests/data/mibs\n")
    lint = subprocess.run(["smilint", "-c", conf, "-l", "6", mib],
                          capture_output=True, text=True)
    assert lint.stdout + lint.stderr == ""
    assert lint.returncode == 0
    # Debian has no standard MIBs: it must load without them.
    for row in server.ctl("events", "catalogue"):
        if row["event"] not in (1001, 2001, 7012):
            continue
        oid = subprocess.run(
            ["snmptranslate", "-M", f"+{tmp_path}", "-m", "LAMPFIELD-MIB",
             f".1.3.6.1.4.1.39801.2.0.{row['event']}"], capture_output=True, text=True)
        camel = "".join(w.capitalize() for w in row["name"].split("-"))
        assert oid.stdout.strip() == "LAMPFIELD-MIB::" + camel[0].lower() + camel[1:]
