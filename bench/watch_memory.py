"""watch-memory: what a watched person costs lampfieldd, in bytes of PSS.

The difference between all lines active and the same users loaded but watched
by nobody, after the transactions of the start have gone. Over TCP sofia keeps
no transaction; the figure includes sofia's own dialog (about 1.7 KB).
"""

import time

from measure import Bench, progress, pss_bytes, result


def measure(persons):
    with Bench(persons, 1, "tcp") as bench:
        pid = bench.server.process.pid
        before = pss_bytes(pid)
        console = bench.consoles(1, 600)
        try:
            bench.wait_active()
            time.sleep(10)
            after = pss_bytes(pid)
        finally:
            console.kill()
            console.wait()
        progress(f"{persons} persons: {before >> 10} KB before, {after >> 10} KB after")
        result(f"watch-memory.{persons}.bytes", (after - before) / persons, "bytes")


def main(argv):
    for persons in (1000, 10000):
        measure(persons)
