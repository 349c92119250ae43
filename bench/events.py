"""events: what raising and finding events costs, and whom it holds up.

10,000 events a second, each about somebody else, are raised in a program with
a loop and a store (CPU per event, all threads; bytes that wait for the store).
Then in lampfieldd, while lampsim moves phones: the p99 of the watch path without
and with them, in turns, and the medians of --rounds of each. Searches are over
--rows events.
"""

import argparse
import json
import random
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from lampfield import BUILD
from measure import Bench, progress, result

PERSONS, CONSOLES, RATE = 200, 20, 100


class Storm(threading.Thread):
    """10,000 events a second through the control socket, 100 a call: at random
    moments, so that they do not always meet the same change, or never one."""

    EVENTS = 100

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.calls = 0
        self.ending = threading.Event()

    def run(self):
        due = time.monotonic()
        while not self.ending.is_set():
            self.socket.sendall(b'{"cmd":"events test","args":{"count":"%d"},"by":"b"}\n' % self.EVENTS)
            self.socket.recv(4096)
            self.calls += 1
            due += random.expovariate(100)
            time.sleep(max(0, due - time.monotonic()))

    def end(self):
        self.ending.set()
        self.join()
        self.socket.close()


def watch_path(bench, seconds):
    process = bench.consoles(CONSOLES, seconds + 2)
    bench.wait_active()
    bench.sim.run(f"storm {RATE} {seconds}")
    out, _ = process.communicate(timeout=60 + seconds)
    return json.loads(out)["p99_us"] / 1000


def main(argv):
    parser = argparse.ArgumentParser(prog="run events")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1000000)
    args = parser.parse_args(argv)
    progress(f"raising, then {args.rows} rows")
    with tempfile.TemporaryDirectory(prefix="lampfield-bench-") as folder:
        done = subprocess.run([f"{BUILD}/bench/events", folder, str(args.seconds),
                               str(args.rows)], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    result("events.raise", seen.pop("raise_us"), "us")
    result("events.queued", seen.pop("queued_bytes"), "bytes")
    rows = seen.pop("rows")
    for name, figures in seen.items():
        result(f"events.search.{name}", figures["worst_ms"], "ms", rows=rows,
               mean=figures["mean_ms"], found=figures["found"])
    quiet, loud, events = [], [], 0
    with Bench(PERSONS, CONSOLES) as bench:
        watch_path(bench, 2)
        for _ in range(args.rounds):
            quiet.append(watch_path(bench, args.seconds))
            storm = Storm(bench.server.control)
            storm.start()
            loud.append(watch_path(bench, args.seconds))
            storm.end()
            events += storm.calls * storm.EVENTS
    result("events.watch-path.p99.quiet", statistics.median(quiet), "ms", all=quiet)
    result("events.watch-path.p99.storm", statistics.median(loud), "ms", all=loud,
           events=events)
