"""presence-server [--peer kamailio] [--seconds N] [--rounds N] [--live N...]

SUBSCRIBE/200/NOTIFY/200 cycles and PUBLISH fan-out per CPU-second, latency at
30 % load and memory per subscription, of lampfieldd and, with --peer, of a
Kamailio tuned as people run it (tx2) and for CPU (sl1), in turn on this
machine. CPU of the clean-up after a phase counts: Kamailio frees its
transactions 5 s later. Ratios are lampfieldd's figure over the peer's; of
memory and latency, so less than 1 is better.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time

from lampfield import BUILD, Server, free_port, wait_for
from measure import cpu_s, progress, pss_bytes, result

HERE = os.path.dirname(os.path.abspath(__file__))
AFTER = 6  # seconds whose CPU is charged to the phase before them
KAMAILIO_PORT = 5062


def tree(pid):
    """A process and what it started."""
    pids, parents = [pid], {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    fields = f.read().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry))
    for p in pids:
        pids += parents.get(p, [])
    return pids


class Lampfield:
    name = "lampfield"

    def __init__(self, users, profile=None, is_lean=False):
        self.folder = tempfile.TemporaryDirectory(prefix="lampfield-bench-")
        self.server = Server(self.folder.name,
                             conf={"sip": {"trace-size": "0"}}).start()
        self.server.ctl("user", "import", "-", text="username,last_name,sip_uri\n" + "".join(
            f"u{i},U{i},u{i}@127.0.0.1\n" for i in range(users)))
        self.server.ctl("set", "presence-server.trusted=127.0.0.1")
        self.pid, self.port = self.server.process.pid, self.server.sip_port

    def close(self):
        self.server.stop()
        self.folder.cleanup()


class Kamailio:
    """profile: tx2, sl1; lean: without what makes it fast and large."""

    def __init__(self, users, profile, is_lean=False):
        self.folder = tempfile.TemporaryDirectory(prefix="kamailio-bench-")
        env = dict(os.environ, FOLDER=self.folder.name)
        words = [] if is_lean else ["-A", "PREFAULT"]
        if profile == "sl1":
            words += ["-A", "STATELESS", "-A", "CHILDREN=1"]
        if not is_lean:
            env.update(MALLOC_TRIM_THRESHOLD_="268435456",
                       MALLOC_TOP_PAD_="16777216",
                       MALLOC_MMAP_THRESHOLD_="268435456")
        out = subprocess.run([f"{HERE}/kamailio/start.sh", *words], env=env, check=True,
                             stdout=subprocess.PIPE, text=True, timeout=60).stdout
        self.pid, self.port = int(out.split()[-1]), KAMAILIO_PORT
        time.sleep(1)

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        wait_for("kamailio to end", lambda: not os.path.exists(f"/proc/{self.pid}"))
        self.folder.cleanup()


class Load:
    """presload against one server; CPU seconds of the server per command."""

    def __init__(self, server, authors, window):
        self.pids = tree(server.pid)
        self.popen = subprocess.Popen(
            [f"{BUILD}/bench/presload", str(server.port), str(free_port() % 20000 + 20000),
             str(authors), str(window)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def cpu(self):
        return sum(cpu_s(p) for p in self.pids)

    def run(self, *words):
        before = self.cpu()
        self.popen.stdin.write(" ".join(map(str, words)) + "\n")
        line = self.popen.stdout.readline()
        assert line, "presload ended"
        row = json.loads(line)
        row["cpu_s"] = self.cpu() - before
        if row["failed"] or row["repeated"] or row["duplicates"]:
            progress(f"  not clean: {row}")
        return row

    def rest(self):
        return self.run("wait", AFTER)["cpu_s"]

    def close(self):
        self.popen.stdin.close()
        self.popen.wait()


def cycles(server, live):
    """Cycles per CPU-second at `live` subscriptions, clean-up included."""
    load = Load(server, max(1, live // 10), 128)
    load.run("publish")
    load.rest()
    rows = [load.run("subscribe", live)]
    for _ in range(2):
        rows += [load.run("subscribe", 1000), load.run("unsubscribe", 1000)]
    rows.append(load.run("refresh", 5000))
    cpu = sum(r["cpu_s"] for r in rows) + load.rest()
    load.close()
    return {"cycles": sum(r["ops"] for r in rows) / cpu}


def fan(server, watchers, seconds, rate):
    authors = 100 if watchers >= 100 else 1000
    load = Load(server, authors, max(4, min(64, 640 // watchers)))
    load.run("publish")
    load.run("subscribe", authors * watchers)
    load.rest()
    row = load.run("fan", seconds)
    cpu = row["cpu_s"] + load.rest()
    # 30 % of what one core does, or the peer's rate.
    rate = rate or 0.3 * row["ops"] / row["cpu_s"]
    for pid in [*load.pids, load.popen.pid]:  # others use this machine too
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, pid, -10)
    slow = load.run("steady", seconds, f"{rate:.1f}")
    load.close()
    return {"notifies": row["notifies"] / cpu, "rate": rate, "p99_us": slow.get("p99_us", 0)}


def memory(server, lives):
    load = Load(server, 1000, 128)
    load.run("publish")
    load.run("wait", AFTER)
    pss = [sum(pss_bytes(p) for p in load.pids)]
    figures, had = {}, 0
    for live in lives:
        load.run("subscribe", live - had)
        had = live
        load.run("wait", AFTER)
        figures[live] = (sum(pss_bytes(p) for p in load.pids) - pss[0]) / live
    load.close()
    return figures


def with_server(make, users, profile, use, is_lean=False):
    server = make(users, profile, is_lean)
    try:
        return use(server)
    finally:
        server.close()


def measure(make, profile, args, rates):
    """All figures of one server: name -> value."""
    figures = {}
    for live in args.live:
        figures[f"cycles.{live}"] = with_server(
            make, 1000, profile, lambda s: cycles(s, live))["cycles"]
    for watchers in args.watchers:
        row = with_server(make, 1000, profile,
                          lambda s: fan(s, watchers, args.seconds, rates.get(watchers)))
        figures[f"fan.{watchers}"] = row["notifies"]
        figures[f"p99.{watchers}"] = row["p99_us"]
        rates.setdefault(watchers, row["rate"])
    memories = with_server(make, 1000, profile, lambda s: memory(s, args.live), True)
    figures.update({f"memory.{live}": value for live, value in memories.items()})
    return figures


UNITS = {"cycles": "1/cpu-s", "fan": "notifies/cpu-s", "p99": "us", "memory": "bytes"}


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=["kamailio"])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--live", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--watchers", type=int, nargs="+", default=[1, 10, 100])
    args = parser.parse_args(argv)
    profiles = ["tx2", "sl1"] if args.peer else []
    rounds = {name: [] for name in ["lampfield", *profiles]}
    for _ in range(args.rounds):
        rates = {}  # the first peer's 30 % is everybody's load
        for profile in profiles:
            progress(f"kamailio, {profile}")
            rounds[profile].append(measure(Kamailio, profile, args, rates))
        progress("lampfield")
        rounds["lampfield"].append(measure(Lampfield, None, args, rates))
    medians = {name: {k: statistics.median(r[k] for r in rows) for k in rows[0]}
               for name, rows in rounds.items()}
    for name, figures in medians.items():
        for figure, value in figures.items():
            result(f"presence-server.{name}.{figure}", value, UNITS[figure.split(".")[0]])
    for profile in profiles:
        for figure, value in medians[profile].items():
            if value:
                result(f"presence-server.ratio.{figure}.{profile}",
                       medians["lampfield"][figure] / value, "ratio")
