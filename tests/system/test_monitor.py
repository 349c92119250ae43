"""Events and alarms as an administrator sees them."""

import contextlib
import csv
import io
import json
import os
import re
import signal
import subprocess
import tarfile
import time
import urllib.request
import zipfile

import pytest

from lampfield import BUILD, TOP, Failed, Process, Server, Sim, free_port, wait_for


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
    rows = wait_for("alarm", lambda: [
        r for r in server.ctl("alarms") if r["name"] == "feed-down"])
    assert [(r["subject"], r["severity"]) for r in rows] == [("pbx", "error")]
    assert str(port) in rows[0]["text"]
    assert "lampctl status" in rows[0]["remedy"]
    cleanup(Sim(tmp_path, listen=f"127.0.0.1:{port}"))
    wait_for("no alarm", lambda: "feed-down" not in alarms(server))
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


def alarms(server):
    return [row["name"] for row in server.ctl("alarms")]


def test_limits_of_the_machine_are_alarms(server):
    server.ctl("set", "monitor.disk-low=99", "monitor.memory-low=99")
    wait_for("alarms", lambda: {"disk-low", "memory-low"} <= set(alarms(server)))
    assert "old-events-deleted" in names(server)
    server.ctl("set", "monitor.disk-low=0", "monitor.memory-low=0")
    wait_for("no alarms", lambda: not {"disk-low", "memory-low"} & set(alarms(server)))
    assert {"disk-fine", "memory-fine"} <= set(names(server))


def test_a_held_up_loop_is_an_alarm(server):
    server.ctl("set", "monitor.loop-slow=20")
    os.kill(server.process.pid, signal.SIGSTOP)
    time.sleep(0.5)  # the time that is lost is what is tested
    os.kill(server.process.pid, signal.SIGCONT)
    wait_for("alarm", lambda: "loop-slow" in alarms(server))


def test_a_clock_that_is_set_is_told(tmp_path, cleanup):
    stamp = tmp_path / "now"
    stamp.write_text("+0d")
    server = cleanup(Server(tmp_path, env={
        "LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1", "FAKETIME_NO_CACHE": "1",
        "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}).start())
    wait_for("start", lambda: "server-started" in names(server))
    stamp.write_text("+1h")
    rows = wait_for("the step", lambda: events(server, "event=clock-stepped"))
    assert re.search(r"forward by (3599|3600)\.", rows[0]["text"])


def test_a_certificate_near_its_end_is_an_alarm(tmp_path, cleanup):
    def make(days):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{tmp_path}/cert.key",
             "-out", f"{tmp_path}/cert.pem", "-days", str(days), "-subj", "/CN=localhost"],
            check=True, capture_output=True)
    make(3)
    server = cleanup(Server(tmp_path).start())
    rows = wait_for("alarm", lambda: [
        r for r in server.ctl("alarms") if r["name"] == "certificate-expires"])
    assert rows[0]["subject"].endswith("cert.pem")
    make(400)
    server.ctl("reload")
    wait_for("no alarm", lambda: "certificate-expires" not in alarms(server))


# ---- metrics ----

def get(server, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{server.web_port}{path}",
                                     headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_promtool_finds_nothing_to_say(server, sim):
    server.add_feed(sim.server)
    wait_for("feed up", lambda: server.feed()["state"].startswith("UpAndRunning"))
    kind, text = get(server, "/metrics")
    assert kind.startswith("text/plain; version=0.0.4")
    done = subprocess.run(["promtool", "check", "metrics"], input=text,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert 'lampfield_feed_up{feed="pbx"} 1' in text


def test_prometheus_scrapes_it(server, tmp_path, cleanup):
    server.add_users(range(2001, 2008))
    port = free_port()
    conf = tmp_path / "prometheus.yml"
    conf.write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
rule_files: ["{TOP}/docs/monitoring/lampfield.rules.yml"]
scrape_configs:
  - job_name: lampfield
    static_configs: [{{targets: ["127.0.0.1:{server.web_port}"]}}]
""")
    cleanup(Process(["prometheus", f"--config.file={conf}",
                     f"--storage.tsdb.path={tmp_path}/tsdb",
                     f"--web.listen-address=127.0.0.1:{port}"], f"{tmp_path}/prometheus.log"))

    def query(what):
        url = f"http://127.0.0.1:{port}/api/v1/query?query={what}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return float(result[0]["value"][1]) if result else None
    # It asks for OpenMetrics and takes nothing that is not.
    wait_for("a scrape", lambda: query("up") == 1.0)
    assert query("lampfield_users") == 7.0
    assert query("lampfield_loop_delay_seconds_count") > 0
    rules = subprocess.run(["promtool", "check", "rules",
                            f"{TOP}/docs/monitoring/lampfield.rules.yml"],
                           capture_output=True, text=True)
    assert rules.returncode == 0, rules.stdout + rules.stderr


# ---- a full disk (S260) ----

@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(path):
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as f:
        while True:
            f.write(b"x" * 4096)


def test_a_full_disk_loses_no_event(small_disk, tmp_path, cleanup):
    conf = {"store": {"path": f"{small_disk}/lampfield.db"}}
    server = cleanup(Server(tmp_path, conf=conf).start())
    wait_for("start", lambda: "server-started" in names(server))
    fill(small_disk / "filler")
    server.ctl("events", "test", "90")
    wait_for("alarms", lambda: {"store-failing", "events-parked"} <= set(alarms(server)))
    # The server works on meanwhile, and a kill forgets nothing either.
    server.kill()
    (small_disk / "filler").unlink()
    server.start()
    wait_for("all taken in", lambda: "events-parked" not in alarms(server))
    rows = events(server, "event=notification-test", "max=1000")
    assert len(rows) == len({row["id"] for row in rows}) == 90
    assert {row["subject"] for row in rows} == {f"test {i}" for i in range(1, 91)}
    fill(small_disk / "filler")
    server.ctl("events", "test", "1")
    (small_disk / "filler").unlink()
    wait_for("written again", lambda: "store-failing" not in alarms(server))


# ---- files and figures on the command line ----

def raw(server, *words):
    done = subprocess.run([f"{BUILD}/admin/lampctl", "-s", server.control, *words],
                          capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def test_the_log_as_csv_and_spreadsheet(server):
    server.ctl("events", "test", "90")
    status, data, _ = raw(server, "events", "export", "csv", "event=notification-test")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert status == 0 and len(rows) == 90
    assert rows[0]["text"] == "Test 90 of 90, by lampctl:root."
    assert rows[0]["name"] == "notification-test"
    status, data, _ = raw(server, "events", "export", "xlsx")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "Test 90 of 90, by lampctl:root." in sheet
    assert raw(server, "events", "export", "pdf")[0] == 1


def test_health_fails_when_something_is_wrong(server):
    assert raw(server, "health")[0] == 0
    server.ctl("set", "monitor.disk-low=99")
    wait_for("alarm", lambda: raw(server, "health")[0] == 1)
    server.ctl("set", "monitor.disabled=disk-low")
    assert raw(server, "health")[0] == 0


def test_top_shows_figures_until_it_ends(server):
    top = subprocess.Popen([f"{BUILD}/admin/lampctl", "-s", server.control, "top"],
                           stdout=subprocess.PIPE, text=True)
    seen = [top.stdout.readline() for _ in range(80)]
    top.terminate()
    top.wait(10)
    top.stdout.close()
    assert sum(line.startswith("users ") for line in seen) >= 1
    assert raw(server, "health")[0] == 0


def test_a_support_bundle_has_all_but_secrets(server):
    server.ctl("set", "mail.auth-password=tiger-in-the-tank", "trap.community=c0mm",
               "mail.from=a@example.org")
    status, data, _ = raw(server, "support-bundle")
    assert status == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        files = {m.name: tar.extractfile(m).read().decode() for m in tar.getmembers()}
    assert "tiger" not in "".join(files.values())
    assert "c0mm" not in files["lampfield/settings.txt"]
    assert "mail.auth-password = (set)" in files["lampfield/settings.txt"]
    assert "is ready" in files["lampfield/log.txt"]
    assert "server-started" in files["lampfield/events.csv"]
    assert "lampfield_users 0" in files["lampfield/metrics.txt"]
    assert {"lampfield/version.txt", "lampfield/alarms.txt", "lampfield/feeds.txt",
            "lampfield/lampfield.conf"} <= set(files)


def test_one_room_can_be_made_to_talk(server):
    server.ctl("log", "error")
    server.ctl("log", "info", "system")
    server.ctl("set", "monitor.disk-low=99")
    wait_for("its line", lambda: "system: event 1103 old-events-deleted" in server.text())
