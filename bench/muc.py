"""ejabberd as the peer of bench/chat.py: rooms of two members who talk.

As many messages as lampsim chat would send, of the same length; each member
says its next when its own came back, or all at a rate. A message counts when
the other member has it.
"""

import asyncio
import glob
import os
import re
import signal
import socket
import tempfile
import time

from lampfield import Process, free_port, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
HEARD = re.compile(rb"id='lg-([0-9a-f]{16})-([ab])-\d+'")
STREAM = ("<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"
BIND = "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
JOIN = ("<presence to='r{}@conference.localhost/{}'>"
        "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>")
SAY = ("<message to='r{}@conference.localhost' type='groupchat' id='lg-{:016x}-{}-{:05d}'>"
       "<body>{}</body></message>")
DRAIN_S = 60


class Ejabberd:
    """One node, without Erlang's busy waiting, which would cost it CPU."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ejabberd-bench-")
        self.port = free_port()
        folder = self.folder.name
        with open(f"{HERE}/ejabberd/ejabberd.yml") as f:
            text = f.read().replace("@PORT@", str(self.port)).replace("@FOLDER@", folder)
        with open(f"{folder}/ejabberd.yml", "w") as f:
            f.write(text)
        ebin = os.path.dirname(glob.glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app")[0])
        quiet = [w for name in ("+sbwt", "+sbwtdcpu", "+sbwtdio") for w in (name, "none")]
        self.process = Process(
            ["erl", "-noinput", "+K", "true", "+P", "250000", *quiet, "-pa", ebin,
             "-mnesia", "dir", f'"{folder}/db"', "-s", "ejabberd"],
            f"{folder}/console", cwd=folder,
            env={"HOME": folder, "EJABBERD_CONFIG_PATH": f"{folder}/ejabberd.yml",
                 "EJABBERD_LOG_PATH": f"{folder}/ejabberd.log",
                 "ERL_CRASH_DUMP": "/dev/null"})
        wait_for("ejabberd", self.is_up, 60)
        self.pid = self.process.pid

    def is_up(self):
        assert self.process.is_alive(), self.process.text()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.process.stop(signal.SIGKILL)
        self.folder.cleanup()


class Member(asyncio.Protocol):
    def __init__(self, load, room, side):
        self.load, self.room, self.side = load, room, side
        self.data, self.wanted = b"", None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        assert self.load.is_over, "ejabberd closed a member"

    def data_received(self, data):
        self.data += data
        if self.wanted:
            if self.wanted[0] in self.data:
                self.wanted[1].set_result(None)
                self.data, self.wanted = b"", None
            return
        end = 0
        for match in HEARD.finditer(self.data):
            end = match.end()
            self.load.heard(self, int(match[1], 16), match[2] == self.side.encode())
        self.data = self.data[max(end, len(self.data) - 40):]

    async def ask(self, text, wanted):
        self.wanted = (wanted, asyncio.get_running_loop().create_future())
        waiting = self.wanted[1]
        self.transport.write(text.encode())
        await asyncio.wait_for(waiting, 60)

    async def join(self):
        await self.ask(STREAM, b"</stream:features>")
        await self.ask(AUTH, b"<success")
        await self.ask(STREAM, b"</stream:features>")
        await self.ask(BIND, b"</iq>")
        await self.ask(JOIN.format(self.room, self.side), b"<subject")

    def say(self):
        self.load.sent += 1
        self.transport.write(SAY.format(self.room, time.monotonic_ns(), self.side,
                                        self.room, self.load.body).encode())


class Load:
    """All members of all rooms; use it inside one event loop."""

    def __init__(self, port, rooms, size=120):
        self.port, self.rooms, self.body = port, rooms, "x" * size
        self.members, self.is_over, self.is_closed_loop = [], False, False

    async def open(self):
        loop = asyncio.get_running_loop()
        gate = asyncio.Semaphore(32)

        async def one(room, side):
            async with gate:
                _, member = await loop.create_connection(
                    lambda: Member(self, room, side), "127.0.0.1", self.port)
                self.members.append(member)
                await member.join()

        await asyncio.gather(*(one(room, "a") for room in range(self.rooms)))
        await asyncio.gather(*(one(room, "b") for room in range(self.rooms)))

    def heard(self, member, sent_ns, is_own):
        if not is_own:
            self.delivered += 1
            self.samples.append((time.monotonic_ns() - sent_ns) / 1000)
        elif self.is_closed_loop and time.monotonic() < self.end:
            member.say()

    async def run(self, seconds, rate=0):
        """The row that lampsim chat prints for the same words."""
        self.sent = self.delivered = 0
        self.samples, start = [], time.monotonic()
        self.end, self.is_closed_loop = start + seconds, not rate
        if not rate:
            for member in self.members:
                member.say()
        while time.monotonic() < self.end:
            while rate and self.sent < (time.monotonic() - start) * rate:
                self.members[self.sent * 7919 % len(self.members)].say()
            await asyncio.sleep(0.001)
        while self.delivered < self.sent and time.monotonic() < self.end + DRAIN_S:
            await asyncio.sleep(0.01)
        took = time.monotonic() - start
        self.samples.sort()
        n = len(self.samples)
        return {"seconds": took, "sent": self.sent, "delivered": self.delivered,
                "lost": self.sent - self.delivered,
                "p50_us": self.samples[n // 2], "p99_us": self.samples[n * 99 // 100]}

    def close(self):
        self.is_over = True
        for member in self.members:
            member.transport.abort()
