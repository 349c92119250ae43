"""restart: kill -9 with many watched persons, until every lamp is right.

Half of the phones change while the server is dead, so a lamp that is kept
from before is wrong. The clock starts when the new process does.
"""

import argparse
import time

from measure import Bench, progress, result
from lampfield import wait_for

LAMPS = {"idle": "available", "busy": "on_phone"}


def main(argv):
    parser = argparse.ArgumentParser(prog="run restart")
    parser.add_argument("--persons", type=int, default=10000)
    parser.add_argument("--protocol", default="udp", choices=["udp", "tcp"])
    args = parser.parse_args(argv)
    with Bench(args.persons, 1, args.protocol) as bench:
        console = bench.consoles(1, 3600)
        bench.wait_active()
        bench.sim.run(f"storm {args.persons // 4} 1")
        time.sleep(2)
        console.kill()
        console.wait()
        bench.server.kill()
        bench.sim.run(f"storm {args.persons // 2} 1")
        time.sleep(2)

        truth = {ext: LAMPS[state] for ext, state in bench.sim.states().items()}
        begin = time.monotonic()
        bench.server.start()
        console = bench.consoles(1, 3600)
        in_flight = 0

        def is_right():
            nonlocal in_flight
            in_flight = max(in_flight, bench.server.feed()["in_flight"])
            lamps = bench.server.lamps()
            return all(lamps.get(ext) == lamp for ext, lamp in truth.items())

        wait_for("every lamp", is_right, 120, 0.1)
        seconds = time.monotonic() - begin
        console.kill()
        console.wait()
        progress(f"{args.persons} persons right after {seconds:.1f} s")
        result(f"restart.{args.persons}.right", seconds, "s")
        result(f"restart.{args.persons}.in-flight", in_flight, "requests")
