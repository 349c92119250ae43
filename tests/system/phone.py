"""A watcher and publisher of one UDP socket, with hand-written SIP."""

import hashlib
import re
import select
import socket
import ssl
import time
from xml.sax.saxutils import escape

from lampfield import DEADLINE, Timeout, free_port

PIDF = """<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf"
  xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
  xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="{uri}">
 <tuple id="t"><status><basic>{basic}</basic></status></tuple>
 <dm:person id="p"><r:activities>{activity}</r:activities><dm:note>{note}</dm:note></dm:person>
</presence>
"""


class Message:
    def __init__(self, data):
        head, _, self.body = data.decode(errors="replace").partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = [(n.strip().lower(), v.strip()) for n, _, v in
                        (line.partition(":") for line in lines)]

    def get(self, name, default=""):
        return next((v for n, v in self.headers if n == name.lower()), default)

    def all(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    @property
    def is_request(self):
        return not self.start.startswith("SIP/2.0 ")

    @property
    def status(self):
        return 0 if self.is_request else int(self.start.split()[1])

    @property
    def cseq(self):
        return int(self.get("CSeq").split()[0])

    @property
    def state(self):
        return self.get("Subscription-State").split(";")[0]

    def param(self, header, name):
        found = re.search(rf";\s*{name}=\"?([^\";\s]+)", self.get(header))
        return found and found.group(1)


class Phone:
    """Answers each NOTIFY with `answer`; None: never."""

    ids = 0

    def __init__(self, port, name="w", domain="127.0.0.1"):
        self.server = ("127.0.0.1", port)
        self.name, self.domain = name, domain
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", free_port()))  # for TCP too
        self.port = self.socket.getsockname()[1]
        self.id = self.contact_port = self.port
        self.answer = "200 OK"
        self.notifies = []
        self.responses = []

    def close(self):
        self.socket.close()

    def send(self, text):
        self.socket.sendto(text.encode(), self.server)

    def request(self, method, uri, call, cseq, headers=(), body="", to_tag=None,
                branch=None, contact=None):
        """Sends one; returns its text, to send it again."""
        Phone.ids += 1
        to = re.sub(r"^sip:", "sip:", uri)
        text = "\r\n".join([
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};rport;"
            f"branch={branch or f'z9hG4bK{self.port}x{Phone.ids}'}",
            "Max-Forwards: 70",
            f"From: <sip:{self.name}@{self.domain}>;tag=f{call}",
            f"To: <{to}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {call}@{self.id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <{contact or f'sip:{self.name}@127.0.0.1:{self.contact_port}'}>",
            *headers,
            f"Content-Length: {len(body.encode())}", "", body])
        self.send(text)
        return text

    def take(self, seconds=DEADLINE):
        """Reads one message, and answers it if it is a NOTIFY."""
        data, source = self.receive(seconds)
        message = Message(data)
        message.size, message.source = len(data), source
        if not message.is_request:
            self.responses.append(message)
            return message
        self.notifies.append(message)
        if self.answer:
            lines = [f"SIP/2.0 {self.answer}",
                     *(f"Via: {v}" for v in message.all("Via")),
                     *(f"{n}: {message.get(n)}" for n in
                       ("From", "To", "Call-ID", "CSeq")),
                     "Content-Length: 0", "", ""]
            self.reply("\r\n".join(lines), source)
        return message

    def receive(self, seconds):
        if not select.select([self.socket], [], [], seconds)[0]:
            raise Timeout(f"nothing within {seconds} s")
        return self.socket.recvfrom(65536)

    def reply(self, text, source):
        self.socket.sendto(text.encode(), source)

    def wait_response(self, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while not self.responses:
            self.take(max(end - time.monotonic(), 0))
        return self.responses.pop(0)

    def wait_notify(self, seconds=DEADLINE, until=lambda m: True):
        end = time.monotonic() + seconds
        while True:
            while self.notifies:
                message = self.notifies.pop(0)
                if until(message):
                    return message
            self.take(max(end - time.monotonic(), 0))

    def is_quiet(self, seconds):
        try:
            self.take(seconds)
        except Timeout:
            return True
        return False


class TcpPhone(Phone):
    """The same over one connection, which it opens."""

    transport = "tcp"

    def __init__(self, port, name="w", domain="127.0.0.1"):
        super().__init__(port, name, domain)
        self.socket.close()
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(self.server, DEADLINE)
        self.port = self.socket.getsockname()[1]
        self.contact_port = self.port
        self.buffer = b""

    def send(self, text):
        self.socket.sendall(text.replace(
            "SIP/2.0/UDP", f"SIP/2.0/{self.transport.upper()}", 1).replace(
            f"@127.0.0.1:{self.contact_port}>",
            f"@127.0.0.1:{self.contact_port};transport={self.transport}>").encode())

    def receive(self, seconds):
        end = time.monotonic() + seconds
        while True:
            message, self.buffer = take_one(self.buffer)
            if message:
                return message, None
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                raise Timeout(f"nothing within {seconds} s") from None
            finally:
                self.socket.settimeout(DEADLINE)
            assert data, "the server closed the connection"
            self.buffer += data

    def reply(self, text, source):
        self.socket.sendall(text.encode())


class TlsPhone(TcpPhone):
    """Over TLS, with a certificate of its own or none."""

    transport = "tls"

    def __init__(self, port, certificate=None, name="w", version=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        if version:
            self.context.maximum_version = version
        if certificate:
            self.context.load_cert_chain(certificate)
        super().__init__(port, name)

    def connect(self):
        super().connect()
        self.socket = self.context.wrap_socket(self.socket)


def take_one(buffer):
    """The first whole message of a stream and the rest; None: not there yet."""
    head, found, rest = buffer.partition(b"\r\n\r\n")
    length = found and int(re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)",
                                     head).group(1))
    if not found or len(rest) < length:
        return None, buffer
    return head + found + rest[:length], rest[length:]


class DualPhone(Phone):
    """Asks over UDP, and listens on the same port for TCP: RFC 3261, 18.2.1.
    `mute`: it accepts connections and says nothing there."""

    def __init__(self, port, name="w", domain="127.0.0.1", mute=False):
        super().__init__(port, name, domain)
        self.mute = mute
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.links = {}

    def close(self):
        for s in [self.listener, *self.links]:
            s.close()
        super().close()

    def receive(self, seconds):
        end = time.monotonic() + seconds
        while True:
            for link, buffer in self.links.items():
                message, self.links[link] = take_one(buffer)
                if message and not self.mute:
                    return message, link
            left = max(end - time.monotonic(), 0)
            ready = select.select([self.socket, self.listener, *self.links], [], [], left)[0]
            if not ready:
                raise Timeout(f"nothing within {seconds} s")
            if self.socket in ready:
                return self.socket.recvfrom(65536)
            if self.listener in ready:
                self.links[self.listener.accept()[0]] = b""
            for link in [s for s in ready if s in self.links]:
                data = link.recv(65536)
                self.links[link] += data
                if not data:
                    del self.links[link]

    def reply(self, text, source):
        if isinstance(source, socket.socket):
            source.sendall(text.encode())
        else:
            super().reply(text, source)


def is_tcp(message):
    return isinstance(message.source, socket.socket)


class User(Phone):
    """Says who it is: each request answers the digest challenge it was given."""

    def __init__(self, port, name, password, says=None, algorithm="SHA-256"):
        super().__init__(port, says or name)
        self.user, self.password, self.algorithm = name, password, algorithm
        self.challenge()

    def challenge(self):
        Phone.request(self, "OPTIONS", "sip:127.0.0.1", f"o{self.ids}", 1)
        lines = self.wait_response().all("WWW-Authenticate")
        self.given = next(p for p in map(self.params, lines)
                          if p["algorithm"] == self.algorithm)
        self.nc = 0

    @staticmethod
    def params(line):
        return dict(re.findall(r'(\w+)="?([^",]+)"?', line))

    def authorization(self, method, uri):
        def h(text):
            return hashlib.new(self.algorithm.replace("-", ""), text.encode()).hexdigest()
        self.nc += 1
        realm, nonce, nc = self.given["realm"], self.given["nonce"], f"{self.nc:08x}"
        response = h(f"{h(f'{self.user}:{realm}:{self.password}')}:{nonce}:{nc}:abc:auth:"
                     f"{h(f'{method}:{uri}')}")
        return (f'Authorization: Digest username="{self.user}", realm="{realm}", '
                f'nonce="{nonce}", uri="{uri}", algorithm={self.algorithm}, qop=auth, '
                f'nc={nc}, cnonce="abc", response="{response}"')

    def request(self, method, uri, call, cseq, headers=(), *args, **more):
        return super().request(method, uri, call, cseq,
                               [*headers, self.authorization(method, uri)], *args, **more)


class Subscription:
    """One dialog of a Phone."""

    def __init__(self, phone, uri, event="presence", expires=600, headers=(),
                 call=None, body=""):
        Phone.ids += 1
        self.phone, self.uri, self.event = phone, uri, event
        self.call = call or f"s{Phone.ids}"
        self.cseq = 1
        self.to_tag = self.target = None
        self.sent = phone.request("SUBSCRIBE", uri, self.call, self.cseq,
                                  [f"Event: {event}", f"Expires: {expires}", *headers],
                                  body)
        self.response = phone.wait_response()
        if self.response.status == 200:
            self.to_tag = self.response.param("To", "tag")
            self.target = re.search("<(.*?)>", self.response.get("Contact")).group(1)

    def refresh(self, expires=600, cseq=None, headers=()):
        self.cseq = cseq or self.cseq + 1
        self.sent = self.phone.request(
            "SUBSCRIBE", self.target, self.call, self.cseq,
            [f"Event: {self.event}", f"Expires: {expires}", *headers],
            to_tag=self.to_tag)
        self.response = self.phone.wait_response()
        return self.response

    def next(self, **more):
        return self.phone.wait_notify(**more)


class Publication:
    def __init__(self, phone, uri):
        self.phone, self.uri, self.etag, self.cseq = phone, uri, None, 0
        Phone.ids += 1
        self.call = f"p{Phone.ids}"

    def put(self, basic="open", activity="", note="", expires=600, body=None,
            etag=None, event="presence", type="application/pidf+xml"):
        self.cseq += 1
        etag = etag or self.etag
        if body is None:
            body = PIDF.format(uri=self.uri, basic=basic, activity=activity,
                               note=escape(note))
        headers = [f"Event: {event}", f"Expires: {expires}"]
        if body:
            headers.append(f"Content-Type: {type}")
        if etag:
            headers.append(f"SIP-If-Match: {etag}")
        self.sent = self.phone.request("PUBLISH", self.uri, self.call, self.cseq,
                                       headers, body)
        self.response = self.phone.wait_response()
        if self.response.status == 200:
            self.etag = self.response.get("SIP-ETag")
        return self.response.status
