"""After a failure no lamp may stay wrong: the four of the promise, and more.

Wherever a peer is away, phones move meanwhile, so a lamp that is merely kept
from before is wrong afterwards.
"""

import os
import signal
import subprocess

import pytest

from lampfield import Console, Server, Sim, free_port, wait_for

PHONES = range(2001, 2011)
SHOWN = {"idle": "available", "ringing": "ringing", "busy": "busy", "offline": "offline"}


def right(server, sim):
    """Every lamp is what the phone does."""
    lamps = server.lamps()
    return all(lamps[ext] == SHOWN[state] for ext, state in sim.states().items())


@pytest.fixture
def watched(server, sim, console):
    server.add_users(PHONES)
    server.add_feed(sim.server, probe_interval="1", stale_after="10")
    console.sub_lamps()
    wait_for("all lamps", lambda: right(server, sim))
    return console


def move_half(sim):
    for ext in PHONES:
        if ext % 2:
            sim.run(f"state {ext} busy")


def test_kill_9_of_lampfieldd(server, sim, watched):
    server.kill()
    move_half(sim)
    before = sim.count()
    server.start()
    again = Console(server)
    again.login()
    again.sub_lamps()
    wait_for("all lamps", lambda: right(server, sim), 10)
    # The dialogs of before were continued, and none is left behind. (The PBX
    # itself dropped those that it could not notify.)
    after = sim.count()
    assert after["subscriptions"] == len(PHONES)
    assert after["refreshes"] - before["refreshes"] >= len(PHONES) // 2
    again.close()


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_restart_of_the_pbx_that_forgets_everything(server, sim, watched, protocol):
    server.ctl("set", f"feed.pbx.protocol={protocol}")
    wait_for("all lamps", lambda: sim.count()["subscriptions"] == len(PHONES))
    sim.run("restart")
    move_half(sim)
    wait_for("all lamps", lambda: right(server, sim), 30)
    watched.wait_row(2001, tel="busy")


def test_silence_of_the_pbx_shows_stale_and_never_idle(server, sim, watched):
    sim.run("state 2003 busy")
    watched.wait_row(2003, tel="busy")
    watched.events.clear()
    sim.run("silence 20")
    move_half(sim)
    watched.wait_row(2003, 30, cond="stale", tel="unknown")
    assert set(server.lamps().values()) == {"unknown"}
    wait_for("all lamps", lambda: right(server, sim), 40)
    watched.wait_row(2003, tel="busy", cond="ok")
    # While it was silent no row went back to idle.
    told = [row for e in watched.events for row in e["params"].get("d", [])]
    stale = next(i for i, row in enumerate(told) if row.get("cond") == "stale")
    back = next(i for i, row in enumerate(told) if row.get("cond") == "ok")
    assert all(row.get("tel") != "idle" for row in told[stale:back])


def test_refused_for_a_while_then_well_again(server, sim, watched):
    sim.run("refuse 503")
    sim.run("restart")
    sim.run("refuse 503")
    wait_for("refusals", lambda: sim.count()["refused"] >= len(PHONES), 30)
    sim.run("well")
    move_half(sim)
    wait_for("all lamps", lambda: right(server, sim), 60)


def test_late_duplicate_and_older_documents_change_nothing(server, tmp_path, cleanup, console):
    sim = cleanup(Sim(tmp_path))
    server.add_users(PHONES)
    server.add_feed(sim.server, package="dialog")
    console.sub_lamps()
    wait_for("all lamps", lambda: right(server, sim))
    for fault in ("duplicate", "replay", "late 300"):
        sim.run(fault)
        for state in ("ringing", "busy", "idle", "busy"):
            sim.run(f"state 2001 {state}")
        console.wait_row(2001, tel="busy")
        sim.run("state 2001 idle")
        console.wait_row(2001, tel="idle")
        wait_for("all lamps", lambda: right(server, sim))
        sim.run("well")


def test_a_clock_step_of_an_hour_changes_no_lamp(tmp_path, cleanup, sim):
    clock = tmp_path / "clock"
    clock.write_text("+0")
    library = subprocess.run(["sh", "-c", "ls /usr/lib/*/faketime/libfaketime.so.1"],
                             capture_output=True, text=True).stdout.strip()
    assert library, "libfaketime is missing"
    server = cleanup(Server(tmp_path, env={
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}).start())
    server.add_operator()
    server.add_users(PHONES)
    server.add_feed(sim.server, probe_interval="1", stale_after="10")
    console = cleanup(Console(server))
    console.login()
    console.sub_lamps()
    wait_for("all lamps", lambda: right(server, sim))
    before = sim.count()
    hour = server.ctl("audit")[-1]["when"][11:13]
    for step in ("+3600", "-3600"):
        console.events.clear()
        clock.write_text(step)
        move_half(sim)
        wait_for("all lamps", lambda: right(server, sim))
        for ext in PHONES:
            sim.run(f"state {ext} idle")
        wait_for("all lamps", lambda: right(server, sim))
        server.ctl("set", f"voicemail.pilot=88{step[1:]}")
        # The step was real: people's time moved.
        assert server.ctl("audit")[-1]["when"][11:13] != hour
        conditions = [row["cond"] for e in console.events
                      for row in e["params"].get("d", []) if "cond" in row]
        assert not conditions, conditions
    after = sim.count()
    assert after["subscribes"] == before["subscribes"]


class Network:
    """Two hosts of our own, joined by a cable that can be pulled.

    A host is a network namespace that lives as long as a sleeping process.
    """

    ADDRESSES = ("10.99.0.1", "10.99.0.2")

    def __init__(self):
        self.hosts = [subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
                      for _ in self.ADDRESSES]
        for host in self.hosts:
            mine = os.readlink("/proc/self/ns/net")
            wait_for("a namespace", lambda host=host: self.namespace(host) not in (None, mine))
        a, b = self.hosts
        self.run(a, "link", "add", "cable", "type", "veth", "peer", "name", "cable",
                 "netns", str(b.pid))
        for host, address in zip(self.hosts, self.ADDRESSES):
            self.run(host, "addr", "add", f"{address}/24", "dev", "cable")
            self.run(host, "link", "set", "cable", "up")
            self.run(host, "link", "set", "lo", "up")

    @staticmethod
    def namespace(host):
        try:
            return os.readlink(f"/proc/{host.pid}/ns/net")
        except OSError:
            return None

    def inside(self, host):
        return ["nsenter", "--net", "--target", str(self.hosts[host].pid)]

    def run(self, host, *words):
        done = subprocess.run([*self.inside(self.hosts.index(host)), "ip", *words],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def pull(self):
        """Packets vanish; nobody gets an error, as in a real network."""
        for host, other in zip(self.hosts, reversed(self.ADDRESSES)):
            self.run(host, "neigh", "replace", other, "lladdr", "02:00:00:00:00:99",
                     "dev", "cable", "nud", "permanent")

    def plug(self):
        for host, other in zip(self.hosts, reversed(self.ADDRESSES)):
            self.run(host, "neigh", "del", other, "dev", "cable")

    def stop(self):
        for host in self.hosts:
            host.kill()
            host.wait()


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_thirty_seconds_of_network_silence(tmp_path, cleanup, protocol):
    net = cleanup(Network())
    (tmp_path / "pbx").mkdir()
    sim = cleanup(Sim(tmp_path / "pbx", listen="10.99.0.2:5060", prefix=net.inside(1)))
    server = cleanup(Server(tmp_path, prefix=net.inside(0),
                            conf={"sip": {"address": "10.99.0.1", "port": 5064}}).start())
    server.add_users(PHONES)
    server.add_feed(sim.server, protocol=protocol, probe_interval="1", stale_after="10")
    watch = subprocess.Popen([*net.inside(0), *server.watch_command()],
                             stdout=subprocess.DEVNULL)
    try:
        wait_for("all lamps", lambda: right(server, sim))
        net.pull()
        move_half(sim)
        wait_for("stale", lambda: set(server.lamps().values()) == {"unknown"}, 30)
        # The rest of the half minute; phones go on moving behind the wall.
        with pytest.raises(AssertionError):
            wait_for("nothing", lambda: set(server.lamps().values()) != {"unknown"}, 15)
        for ext in PHONES:
            if ext % 3 == 0:
                sim.run(f"state {ext} ringing")
        net.plug()
        wait_for("all lamps", lambda: right(server, sim), 40)
    finally:
        watch.send_signal(signal.SIGTERM)
        watch.wait()
