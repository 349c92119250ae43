"""kill -9 under 10,000 subscriptions: every NOTIFY is read."""

import re
import socket
import time

from lampfield import Timeout, wait_for

WATCHERS, USERS, WINDOW = 10000, 100, 200


class Crowd:
    """All watchers on one socket; CSeq and version may only grow."""

    def __init__(self, port):
        self.server = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(1)
        self.port = self.socket.getsockname()[1]
        self.last = {}
        self.told = set()
        self.backwards = []
        self.copies = 0

    def subscribe(self, i):
        self.socket.sendto((
            f"SUBSCRIBE sip:u{i % USERS}@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch=z9hG4bKc{i}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:w{i}@127.0.0.1>;tag=f{i}\r\n"
            f"To: <sip:u{i % USERS}@127.0.0.1>\r\nCall-ID: c{i}\r\nCSeq: 1 SUBSCRIBE\r\n"
            f"Contact: <sip:w{i}@127.0.0.1:{self.port}>\r\nEvent: dialog\r\n"
            "Expires: 3600\r\nContent-Length: 0\r\n\r\n").encode(), self.server)

    def take(self):
        data, source = self.socket.recvfrom(65536)
        text = data.decode()
        if not text.startswith("NOTIFY "):
            assert text.startswith("SIP/2.0 200 "), text
            return
        head, _, body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        kept = [line for line in lines[1:]
                if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
        self.socket.sendto("\r\n".join(
            ["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), source)
        call = next(line[9:] for line in kept if line.startswith("Call-ID"))
        cseq = int(next(line for line in kept if line.startswith("CSeq")).split()[1])
        version = int(re.search(r' version="(\d+)" state', body).group(1))
        was = self.last.get(call, (0, -1))
        if cseq == was[0] and version == was[1]:
            self.copies += 1
        elif cseq <= was[0] or version <= was[1]:
            self.backwards.append((call, was, (cseq, version)))
        self.last[call] = (cseq, version)
        self.told.add(call)

    def run_until(self, count, seconds):
        end = time.monotonic() + seconds
        while len(self.told) < count:
            if time.monotonic() > end:
                raise Timeout(f"{len(self.told)} of {count} watchers were told")
            try:
                self.take()
            except socket.timeout:
                pass


class StoreAtRest:
    """True when nothing was written since it was last asked.

    Subscriptions are written lazily, what changed in a second together
    (presence/ledger.h), so ask at longer intervals than that.
    """

    def __init__(self, server):
        self.server, self.operations = server, None

    def __call__(self):
        self.server.ctl("status")
        line = next(s for s in self.server.said if s.startswith("store operations"))
        was, self.operations = self.operations, line
        return line == was and line.endswith("queued 0")


def test_nothing_goes_backwards(server):
    server.ctl("user", "import", "-", text="username,last_name,sip_uri\n" + "".join(
        f"u{i},U{i},u{i}@127.0.0.1\n" for i in range(USERS)))
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    crowd = Crowd(server.sip_port)
    for i in range(WATCHERS):
        crowd.subscribe(i)
        if i % WINDOW == WINDOW - 1:
            crowd.run_until(i + 1 - WINDOW // 2, 30)
    crowd.run_until(WATCHERS, 30)
    wait_for("the store at rest", StoreAtRest(server), 60, 1.5)
    server.kill()
    crowd.told.clear()
    begun = time.monotonic()
    server.start()
    crowd.run_until(WATCHERS, 60)
    took = time.monotonic() - begun
    print(f"all were told again after {took:.1f} s")
    assert not crowd.backwards, crowd.backwards[:5]
    assert len(server.ctl("watchers")) == WATCHERS
