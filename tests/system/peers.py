"""Those whom Lampfield tells: snmptrapd, mail servers, a web address."""

import base64
import email
import email.policy
import http.server
import os
import shutil
import smtplib
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from lampfield import TOP, Process, free_port, wait_for


def make_certificate(folder):
    """Self-signed for localhost; returns its path and the key's."""
    cert, key = f"{folder}/peer.pem", f"{folder}/peer.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    return cert, key


class TrapManager:
    """snmptrapd with our MIB; each notification is a dict of its variables."""

    def __init__(self, folder, conf="authCommunity log,execute,net public\n", port=None,
                 numeric=False):
        self.port = port or free_port()
        path = f"{folder}/snmptrapd-{self.port}.conf"
        with open(path, "w") as f:
            f.write("disableAuthorization no\n" + conf)
        self.log = f"{folder}/snmptrapd-{self.port}.log"
        self.process = Process(
            ["snmptrapd", "-f", "-C", "-c", path, "-Lo", "-n",
             "-M", f"+{TOP}/docs/monitoring", "-m", "LAMPFIELD-MIB",
             "-On" if numeric else "-Os",
             "-F", "TRAP %V|\\t%v\\n", f"udp:127.0.0.1:{self.port}"],
            self.log, env={"SNMP_PERSISTENT_DIR": f"{folder}/snmp-{self.port}"})
        wait_for("snmptrapd", lambda: "NET-SNMP version" in self.process.text())

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def traps(self):
        rows = []
        for line in self.process.text().splitlines():
            if not line.startswith("TRAP "):
                continue
            pairs = [v.strip().partition(" = ") for v in line[5:].split("|\t")]
            rows.append({name: value for name, _, value in pairs if name})
        return rows

    def wait_trap(self, word):
        return wait_for(f"trap with {word}", lambda: next(
            (t for t in self.traps() if any(word in v for v in t.values())), None))

    def stop(self):
        self.process.stop()


class MailServer:
    """aiosmtpd; keeps what it took as (recipient, message)."""

    def __init__(self, port=None, folder=None, tls=None, user=None, password=None,
                 refuse=None, token=None):
        self.mails = []
        self.tokens = []
        self.envelopes = []
        self.refuse = refuse or {}
        self.sessions = []
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*make_certificate(folder))

        def authenticate(server, session, envelope, mechanism, data):
            ok = (user and getattr(data, "login", None) == user.encode() and
                  data.password == password.encode())
            return AuthResult(success=bool(ok), handled=False)

        outer = self

        class Handler:
            async def auth_XOAUTH2(self, server, args):
                data = (base64.b64decode(args[1]) if len(args) > 1
                        else await server.challenge_auth(""))
                words = data.decode().strip("\x01").split("\x01")
                outer.tokens.append(words)
                ok = words[1] == f"auth=Bearer {token}"
                return AuthResult(success=ok, handled=False, auth_data=words[0])

            async def handle_MAIL(self, server, session, envelope, address, options):
                if "sender" in outer.refuse:
                    return outer.refuse["sender"]
                envelope.mail_from = address
                return "250 ok"

            async def handle_RCPT(self, server, session, envelope, address, options):
                if address in outer.refuse:
                    return outer.refuse[address]
                envelope.rcpt_tos.append(address)
                return "250 ok"

            async def handle_DATA(self, server, session, envelope):
                if "message" in outer.refuse:
                    return outer.refuse["message"]
                outer.envelopes.append(envelope)
                outer.sessions.append(session)
                message = email.message_from_bytes(envelope.content,
                                                   policy=email.policy.default)
                outer.mails.append((envelope.rcpt_tos[0], message))
                return "250 taken"

        more = {}
        if token:
            more = {"auth_required": True, "auth_exclude_mechanism": ["PLAIN", "LOGIN"]}
        if user:
            more = {"authenticator": authenticate, "auth_required": True,
                    "auth_require_tls": tls == "starttls"}
        if tls == "starttls":
            more.update(tls_context=context, require_starttls=True)
        self.controller = Controller(
            Handler(), hostname="127.0.0.1", port=port or free_port(),
            ssl_context=context if tls == "tls" else None, **more)
        self.port = self.controller.port
        self.controller.start()

    def stop(self):
        self.controller.stop()


class BadMailServer:
    """Speaks SMTP up to a point, then does what it was told."""

    def __init__(self, behaviour, port=None):
        self.behaviour = behaviour
        self.met = self.quits = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                outer.met += 1
                outer.talk(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
        self.server = Server(("127.0.0.1", port or 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def talk(self, peer):
        if self.behaviour == "hangs":
            peer.rfile.read()
            return
        if self.behaviour == "lies":
            peer.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n" + b"\xff" * 4096 + b"\r\n")
            return
        peer.wfile.write(b"220 bad.example\r\n")
        while line := peer.rfile.readline():
            verb = line[:4].upper()
            if verb == b"QUIT" and "goodbye" in self.behaviour:
                self.quits += 1
                peer.rfile.read()
                return
            if verb == b"MAIL" and "refuses" in self.behaviour:
                peer.wfile.write(b"550 who are you\r\n")
                continue
            if verb == b"DATA":
                peer.wfile.write(b"354 go on\r\n")
                peer.rfile.readline()
                if self.behaviour == "dies":
                    peer.connection.shutdown(socket.SHUT_RDWR)
                    return
                while peer.rfile.readline() != b".\r\n":
                    pass
                if self.behaviour == "no answer":
                    peer.rfile.read()
                    return
            peer.wfile.write(b"250 ok\r\n")

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class WebHook:
    """Takes POSTs, or answers with a status."""

    def __init__(self, port=0):
        self.posts = []
        self.paths = []
        self.status = 200
        self.answer = ""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer.answer.encode()
                outer.paths.append(self.path)
                if outer.status == 200:
                    outer.posts.append((dict(self.headers), body))
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/events"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def exists(path):
    return os.path.exists(path) and os.path.getsize(path) > 0


class OpenSmtpd:
    """A real mail server; delivers into one file."""

    def __init__(self, folder, tls=False):
        self.port = free_port()
        # It delivers as nobody, who must find the way.
        self.folder = tempfile.mkdtemp(prefix="lampfield-smtpd-")
        os.chmod(self.folder, 0o777)
        self.box = f"{self.folder}/box"
        conf, pki, listen = f"{folder}/smtpd.conf", "", f"127.0.0.1 port {self.port}"
        if tls:
            self.cert, key = make_certificate(folder)
            os.chmod(key, 0o600)
            pki = f'pki localhost cert "{self.cert}"\npki localhost key "{key}"\n'
            listen += " tls pki localhost"
        with open(conf, "w") as f:
            f.write(f"""
{pki}
listen on {listen}
action "keep" mda "/bin/sh -c 'cat >>{self.box}'" virtual {{ "@" = nobody }}
match from any for any action "keep"
""")
        self.process = Process(["smtpd", "-d", "-f", conf], f"{folder}/smtpd.log")

        def listens():
            assert self.process.is_alive(), self.process.text()
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for("smtpd", listens)

    def can_tls(self):
        """Does a handshake with Python's own client go well?"""
        try:
            with smtplib.SMTP("localhost", self.port, timeout=10) as client:
                client.starttls(context=ssl.create_default_context(cafile=self.cert))
            return True
        except ssl.SSLError:
            return False

    def mail(self):
        """The only mail, once it is there."""
        wait_for("delivery", lambda: exists(self.box))
        with open(self.box, "rb") as f:
            return email.message_from_binary_file(f, policy=email.policy.default)

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.folder)
