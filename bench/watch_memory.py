"""watch-memory: what a watched person costs lampfieldd, in bytes.

The difference of heap in use between all lines active, one console looking,
and the same users loaded but watched by nobody, after the transactions of the
start have gone. The trace ring is off: its size is fixed.
PSS is told as well; it counts what the allocator keeps after the start.
"""

import re
import time

from measure import Bench, progress, pss_bytes, result


def heap_bytes(server):
    server.ctl("status")
    return next(int(m.group(1)) for m in
                (re.match(r"heap (\d+) bytes", s) for s in server.said) if m)


def measure(persons):
    with Bench(persons, 1, "tcp", {"sip": {"trace-size": 0}}) as bench:
        pid = bench.server.process.pid
        heap, pss = heap_bytes(bench.server), pss_bytes(pid)
        console = bench.consoles(1, 600)
        try:
            bench.wait_active()
            time.sleep(10)
            heap = heap_bytes(bench.server) - heap
            pss = pss_bytes(pid) - pss
        finally:
            console.kill()
            console.wait()
        progress(f"{persons} persons: {heap >> 10} KB of heap, {pss >> 10} KB of PSS more")
        result(f"watch-memory.{persons}.bytes", heap / persons, "bytes")
        result(f"watch-memory.{persons}.pss", pss / persons, "bytes")


def main(argv):
    for persons in (1000, 10000):
        measure(persons)
