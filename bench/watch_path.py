"""watch-path: from a NOTIFY on the wire to a delta on a console's socket.

lampsim changes phones at a fixed rate and writes the time into each change;
the consoles read it back. Half load is the rate at which lampfieldd uses half
a core, found by trying. The CPU figure is all of lampfieldd's; "sip" is a
program that subscribes with sofia-sip's own means in our loop and drops what
it hears, at the same rate.
"""

import argparse
import json
import subprocess
import time

from lampfield import BUILD
from measure import FIRST_PHONE, Bench, cpu_s, progress, result

PERSONS = 1000
MOST = 4000  # changes a second that lampsim can make with its own core
TRIES = 3


def storm(bench, seconds, rate, pid):
    """CPU of a process per NOTIFY, in us, and their number."""
    before, answered = cpu_s(pid), bench.sim.count()["answered"]
    bench.sim.run(f"storm {rate} {seconds}")
    time.sleep(seconds + 1)
    used = cpu_s(pid) - before
    notifies = bench.sim.count()["answered"] - answered
    return used / max(notifies, 1) * 1e6, notifies


def with_consoles(bench, seconds, rate, consoles):
    process = bench.consoles(consoles, seconds + 2)
    bench.wait_active()
    cost_us, notifies = storm(bench, seconds, rate, bench.server.process.pid)
    out, _ = process.communicate(timeout=60)
    return cost_us, notifies, json.loads(out)


def half_load(bench, consoles):
    rate = 100
    for _ in range(TRIES):
        cost_us, _, _ = with_consoles(bench, 2, rate, consoles)
        progress(f"{consoles} consoles, {rate}/s: {cost_us:.0f} us per NOTIFY")
        rate = max(20, min(MOST, int(0.5e6 / cost_us)))
    return rate


def measure(bench, consoles, seconds):
    rate = half_load(bench, consoles)
    cost_us, notifies, seen = with_consoles(bench, seconds, rate, consoles)
    name = f"watch-path.{consoles}"
    more = {"rate": rate, "notifies": notifies, "rows": seen["rows"]}
    result(f"{name}.cpu", cost_us, "us", **more)
    result(f"{name}.p50", seen["p50_us"] / 1000, "ms", **more)
    result(f"{name}.p99", seen["p99_us"] / 1000, "ms", **more)
    return rate, cost_us


def sip_alone(bench, rate, seconds):
    host, port = bench.sim.server.rsplit(":", 1)
    process = subprocess.Popen(
        [f"{BUILD}/bench/sip_alone", host, port, str(FIRST_PHONE), str(PERSONS),
         str(seconds + 60)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        return storm(bench, seconds, rate, process.pid)[0]
    finally:
        process.kill()
        process.wait()


def main(argv):
    parser = argparse.ArgumentParser(prog="run watch-path")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--protocol", default="udp", choices=["udp", "tcp"])
    args = parser.parse_args(argv)
    rates = {}
    with Bench(PERSONS, 200, args.protocol) as bench:
        for consoles in (1, 50, 200):
            rates[consoles] = measure(bench, consoles, args.seconds)
    # A PBX of its own: the lampfieldd above would be notified as well.
    with Bench(PERSONS) as bench:
        bench.server.stop()
        rate, cost_us = rates[1]
        alone_us = sip_alone(bench, rate, args.seconds)
    result("watch-path.sip.cpu", alone_us, "us", rate=rate)
    result("watch-path.1.ratio", cost_us / alone_us, "")
