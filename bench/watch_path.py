"""watch-path: from a NOTIFY on the wire to a delta on a console's socket.

lampsim changes phones at a fixed rate and writes the time into each change;
the consoles read it back. Half load is the rate at which lampfieldd uses half
a core, found first with few changes. The CPU figure is all of lampfieldd's.
"""

import argparse
import json
import time

from measure import Bench, cpu_s, progress, result

PERSONS = 1000
MOST = 4000  # changes a second that lampsim can make with its own core


def storm(bench, process_seconds, rate, consoles):
    """CPU per NOTIFY in us, and what the consoles saw."""
    console = bench.consoles(consoles, process_seconds + 1)
    bench.wait_active()
    before, answered = cpu_s(bench.server.process.pid), bench.sim.count()["answered"]
    bench.sim.run(f"storm {rate} {process_seconds}")
    out, _ = console.communicate(timeout=process_seconds + 30)
    used = cpu_s(bench.server.process.pid) - before
    notifies = bench.sim.count()["answered"] - answered
    time.sleep(1)  # the last phones settle before the next storm
    return used / max(notifies, 1) * 1e6, notifies, json.loads(out)


def measure(bench, consoles, seconds):
    cost_us, _, _ = storm(bench, 2, 100, consoles)
    rate = max(20, min(MOST, int(0.5e6 / cost_us)))
    progress(f"{consoles} consoles: {cost_us:.0f} us per NOTIFY at 100/s; "
             f"half load is {rate}/s")
    cost_us, notifies, seen = storm(bench, seconds, rate, consoles)
    name = f"watch-path.{consoles}"
    more = {"rate": rate, "notifies": notifies, "rows": seen["rows"]}
    result(f"{name}.cpu", cost_us, "us", **more)
    result(f"{name}.p50", seen["p50_us"] / 1000, "ms", **more)
    result(f"{name}.p99", seen["p99_us"] / 1000, "ms", **more)


def main(argv):
    parser = argparse.ArgumentParser(prog="run watch-path")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--protocol", default="udp", choices=["udp", "tcp"])
    args = parser.parse_args(argv)
    with Bench(PERSONS, 200, args.protocol) as bench:
        for consoles in (1, 50, 200):
            measure(bench, consoles, args.seconds)
