"""chat [--peer ejabberd] [--rooms N] [--seconds N] [--idle N]

Messages of 120 characters in rooms of one customer and one agent, each stored
before it is seen: messages per CPU-second as fast as both sides hear each
other, latency from send to delivery at half of the throughput reached so and
at 1,000 messages a second, and memory per customer who only waits, plain and
with TLS. With --peer the same from ejabberd, whose rooms archive in sqlite
before they send (kill -9 loses nothing there either): chat.ratio.cpu is our
messages per CPU-second over its.
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import subprocess
import tempfile
import time

import muc
from lampfield import BUILD, Server
from measure import PASSWORD, cpu_s, progress, pss_bytes, result
from presence_server import tree

AGENT_SETTINGS_AT_ONCE = 200


def cpu_of(pid):
    return sum(cpu_s(p) for p in tree(pid))


def favour(*pids):
    """Others use this machine too; throughput, and latency at half of it, are
    to be ours."""
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, int(task), -10)


def report(who, figure, row, cpu=None):
    progress(f"  {who} {figure}: {row}")
    if row["lost"] or row.get("doubled") or row.get("disordered"):
        progress("  not clean: messages were lost, doubled or out of order")
    if cpu is not None:
        result(f"chat.{who}.cpu", row["delivered"] / cpu, "messages/cpu-s")
        result(f"chat.{who}.throughput", row["delivered"] / row["seconds"], "messages/s")
    else:
        result(f"chat.{who}.{figure}.p50", row["p50_us"] / 1000, "ms")
        result(f"chat.{who}.{figure}.p99", row["p99_us"] / 1000, "ms")


class Lampfield:
    def __init__(self, agents, is_tls=False):
        self.folder = tempfile.TemporaryDirectory(prefix="lampfield-bench-")
        web = {"plain": "off", "tls": "127.0.0.1:0"} if is_tls else {}
        self.server = Server(self.folder.name, conf={"web": web}).start()
        self.pid = self.server.process.pid
        self.port = self.server.port("web tls on port " if is_tls else "web plain on port ")
        self.tls = ["-T", f"{self.folder.name}/cert.pem"] if is_tls else []
        names = [f"agent{i + 1}" for i in range(agents)]
        if names:
            self.server.ctl("user", "import", "-", text="username,last_name,password\n"
                            + "".join(f"{name},Agent,{PASSWORD}\n" for name in names))
        self.set("skillset.WC_Sales.routePoint=RP", "skillset.WC_Sales.maxQueuedChats=0",
                 "connectsPerMinutePerAddress=0", "messagesPerSecondPerSocket=0")
        for i in range(0, agents, AGENT_SETTINGS_AT_ONCE):
            self.set(*(f"agent.{name}.skillsets=WC_Sales"
                       for name in names[i:i + AGENT_SETTINGS_AT_ONCE]))

    def set(self, *assignments):
        self.server.ctl("set", *(f"chat.{a}" for a in assignments))

    def talk(self, agents, customers):
        """lampsim chat; returns when everybody is in."""
        self.load = subprocess.Popen(
            [f"{BUILD}/sim/lampsim", "chat", "-c", f"127.0.0.1:{self.port}", *self.tls,
             "-a", str(agents), "-u", str(customers), "-w", PASSWORD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.load.stdout.readline() == "ready\n", "lampsim ended"

    def run(self, *words):
        self.load.stdin.write(" ".join(["run", *map(str, words)]) + "\n")
        return json.loads(self.load.stdout.readline())

    def close(self):
        self.load.stdin.close()
        self.load.wait()
        self.server.stop()
        self.folder.cleanup()


def lampfield(args):
    """Messages per CPU-second."""
    progress(f"lampfield, {args.rooms} rooms")
    server = Lampfield(args.rooms)
    server.talk(args.rooms, args.rooms)
    favour(server.pid, server.load.pid)
    before = cpu_of(server.pid)
    row = server.run(args.seconds)
    cpu = cpu_of(server.pid) - before
    report("lampfield", "full", row, cpu)
    half = row["delivered"] / row["seconds"] / 2
    report("lampfield", "half", server.run(args.seconds, int(half)))
    report("lampfield", "1000", server.run(args.seconds, 1000))
    server.close()
    return row["delivered"] / cpu


def ejabberd(args):
    progress(f"ejabberd, {args.rooms} rooms")
    server = muc.Ejabberd()

    async def story():
        load = muc.Load(server.port, args.rooms)
        base = sum(pss_bytes(p) for p in tree(server.pid))
        await load.open()
        used = sum(pss_bytes(p) for p in tree(server.pid)) - base
        result("chat.ejabberd.memory", used / (2 * args.rooms), "bytes")
        favour(*tree(server.pid), os.getpid())
        before = cpu_of(server.pid)
        row = await load.run(args.seconds)
        cpu = cpu_of(server.pid) - before
        report("ejabberd", "full", row, cpu)
        half = row["delivered"] / row["seconds"] / 2
        await asyncio.sleep(2)
        report("ejabberd", "half", await load.run(args.seconds, int(half)))
        load.close()
        return row["delivered"] / cpu

    try:
        return asyncio.run(story())
    finally:
        server.close()


def idle(args, is_tls):
    """Customers who wait; their memory, and the CPU that their pings cost."""
    name = "tls" if is_tls else "plain"
    progress(f"lampfield, {args.idle} customers wait, {name}")
    server = Lampfield(0, is_tls)
    base = pss_bytes(server.pid)
    server.talk(0, args.idle)
    time.sleep(2)
    used = pss_bytes(server.pid) - base
    result(f"chat.lampfield.memory.{name}", used / args.idle, "bytes", customers=args.idle)
    before = cpu_of(server.pid)
    time.sleep(args.seconds)
    result(f"chat.lampfield.idle.{name}", (cpu_of(server.pid) - before) / args.seconds,
           "cores", customers=args.idle)
    server.close()


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", choices=["ejabberd"])
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--idle", type=int, default=10000)
    args = parser.parse_args(argv)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ours = lampfield(args)
    if args.peer:
        result("chat.ratio.cpu", ours / ejabberd(args), "ratio")
    for is_tls in (False, True):
        idle(args, is_tls)
