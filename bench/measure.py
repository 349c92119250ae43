"""What the benchmarks share: a server with many persons, CPU and memory."""

import glob
import json
import os
import subprocess
import sys
import tempfile

from lampfield import BUILD, Server, Sim, free_port, wait_for

FIRST_PHONE = 10000
PASSWORD = "bench"


def result(name, value, unit, **more):
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, **more}),
          flush=True)


def progress(text):
    print(text, file=sys.stderr, flush=True)


def cpu_s(pid):
    """CPU seconds of a process, all threads, with nanosecond resolution."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as f:
            total += int(f.read().split()[0])
    return total / 1e9


def pss_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024


class Bench:
    """A lampsim with so many phones, and a server that may watch them all."""

    def __init__(self, persons, consoles=0, protocol="udp", conf=None):
        self.folder = tempfile.TemporaryDirectory(prefix="lampfield-bench-")
        last = FIRST_PHONE + persons - 1
        self.persons = persons
        self.sim = Sim(self.folder.name, f"{FIRST_PHONE}-{last}",
                       f"127.0.0.1:{free_port()}", ["-d", "plain"])
        self.server = Server(self.folder.name, conf=conf).start()
        self.server.add_users(range(FIRST_PHONE, last + 1), sip_uri="{ext}@pbx.example")
        if consoles:
            rows = "".join(f"op{i + 1},Op{i + 1},{100 + i},BAE,{PASSWORD}\n"
                           for i in range(consoles))
            self.server.ctl("user", "import", "-",
                            text="username,last_name,ext,licence,password\n" + rows)
        self.server.ctl("set", "console.max-rows=20000")
        # The time of a change travels in the note, which is rich presence.
        self.server.add_feed(self.sim.server, protocol=protocol, has_presence_server="yes")

    def active(self):
        return self.server.feed()["active"]

    def wait_active(self, seconds=120):
        wait_for("all lines active", lambda: self.active() >= self.persons, seconds, 0.2)

    def consoles(self, n, seconds):
        """n logged-in consoles that look at everybody; wait for "ready"."""
        port = self.server.plain_port
        process = subprocess.Popen(
            [f"{BUILD}/bench/consoles", str(port), str(n), PASSWORD, str(seconds)],
            stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        assert line.startswith("ready"), line
        return process

    def close(self):
        self.server.stop()
        self.sim.stop()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
