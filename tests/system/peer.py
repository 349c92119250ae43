"""Broken peers: sipp with the scenarios of sipp/, and one on a bare TCP socket.

A scenario is what sipp reads, but for <?use NAME key="value"?>: that stands
for the fragment NAME.xml with its @key@ replaced. All begin with head.xml, so
that every peer answers OPTIONS and knows who subscribed.
"""

import os
import re
import shlex
import socket
import threading

from lampfield import TOP, Process, free_port, wait_for

SIPP = os.path.join(TOP, "tests/system/sipp")
PIDF = """<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:x@y"
 xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
 xmlns:r="urn:ietf:params:xml:ns:pidf:rpid">
<dm:person id="p"><r:activities><r:{}/></r:activities></dm:person>
<tuple id="a"><status><basic>open</basic></status></tuple></presence>"""
BUSY = PIDF.format("on-the-phone")
DEFAULTS = {
    "answer": {"status": "200 OK", "tag": "p", "headers": "Expires: 600"},
    "notify": {"tag": "p", "cseq": "1", "state": "active;expires=600", "call": "",
               "type": "application/pidf+xml", "body": BUSY, "response": "200"},
}


def read(name):
    with open(f"{SIPP}/{name}.xml") as f:
        return f.read()


def fill(text, values):
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def scenario(name, **values):
    """The whole text for sipp."""
    def use(match):
        fragment, *words = shlex.split(match[1])
        mine = dict(DEFAULTS[fragment], **dict(w.split("=", 1) for w in words))
        return fill(read(fragment), mine)
    steps = re.search(r"<scenario>(.*)</scenario>", read(name), re.S)[1]
    steps = re.sub(r"<\?use (.*?)\?>", use, steps, flags=re.S)
    return fill(read("head") + fill(steps, values) + read("tail"), {"name": name})


class Sipp:
    """sipp as a PBX that misbehaves in one way."""

    def __init__(self, folder, name, transport="udp", address="127.0.0.1", **values):
        self.name = name
        port = free_port()
        path = os.path.join(folder, f"{name}-{port}.xml")
        with open(path, "w") as f:
            f.write(scenario(name, **values))
        self.server = f"{address}:{port}"
        self.process = Process(
            ["sipp", "-sf", path, "-i", address, "-p", str(port), "-nostdin",
             "-t", {"udp": "u1", "tcp": "t1"}[transport],
             "-trace_err", "-trace_msg", "-message_file", f"{path}.messages",
             "-error_file", f"{path}.errors"],
            f"{path}.log", cwd=folder)
        self.messages = f"{path}.messages"

        def is_up():
            assert self.process.is_alive(), self.process.text()
            with open(f"/proc/net/{transport}") as f:
                return f":{port:04X} " in f.read()
        wait_for("sipp", is_up)

    def received(self, what):
        """How often a line began so in what it got from us."""
        if not os.path.exists(self.messages):
            return 0
        with open(self.messages, errors="replace") as f:
            return len(re.findall(rf"received [^\n]*\n\n{what}", f.read()))

    def stop(self):
        self.process.stop(9)


class TcpPeer:
    """Answers OPTIONS, accepts SUBSCRIBE, then NOTIFYs one body. One thread."""

    def __init__(self, body, content_type="application/pidf+xml"):
        self.body, self.type = body, content_type
        self.answers = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.server = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                self.serve(self.socket.accept()[0])
        except OSError:
            pass

    def serve(self, link):
        data = b""
        with link:
            while piece := link.recv(65536):
                data += piece
                while b"\r\n\r\n" in data:
                    head, data = data.split(b"\r\n\r\n", 1)
                    self.take(link, head.decode())

    def take(self, link, head):
        first, *lines = head.split("\r\n")
        h = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
        if first.startswith("SIP/2.0"):
            self.answers.append(int(first.split()[1]))
            return
        contact = f"<sip:peer@{self.server};transport=tcp>"
        link.sendall(
            f"SIP/2.0 200 OK\r\nVia: {h['via']}\r\nFrom: {h['from']}\r\n"
            f"To: {h['to'].split(';tag')[0]};tag=t\r\nCall-ID: {h['call-id']}\r\n"
            f"CSeq: {h['cseq']}\r\nContact: {contact}\r\nExpires: 600\r\n"
            "Content-Length: 0\r\n\r\n".encode())
        if first.startswith("SUBSCRIBE") and "tag=t" not in h["to"]:
            target = h["contact"].strip("<>")
            link.sendall(
                f"NOTIFY {target} SIP/2.0\r\n"
                f"Via: SIP/2.0/TCP {self.server};branch=z9hG4bKn\r\nMax-Forwards: 70\r\n"
                f"From: {h['to']};tag=t\r\nTo: {h['from']}\r\nCall-ID: {h['call-id']}\r\n"
                f"CSeq: 1 NOTIFY\r\nContact: {contact}\r\nEvent: {h['event']}\r\n"
                "Subscription-State: active;expires=600\r\n"
                f"Content-Type: {self.type}\r\nContent-Length: {len(self.body)}\r\n\r\n"
                .encode() + self.body)

    def stop(self):
        self.socket.close()
