"""What the system tests share: lampfieldd, lampctl, lampsim and a console.

Everything runs on loopback, on ports the kernel picks, in a folder of the
test's own, and is stopped by the test. Waiting is always for a condition,
with a deadline.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("LAMPFIELD_BUILD", os.path.join(TOP, "build"))
DEADLINE = 20.0


class Timeout(AssertionError):
    pass


def wait_for(what, condition, seconds=DEADLINE, pause=0.05):
    """The first true value of condition(), asked again and again."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"{what}: not within {seconds} s")
        time.sleep(pause)


def free_port(kind=socket.SOCK_DGRAM, address="127.0.0.1"):
    """A port that is free for UDP and TCP just now."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, kind) as a:
            a.bind((address, 0))
            port = a.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as b:
                with contextlib.suppress(OSError):
                    b.bind((address, port))
                    return port
    raise Timeout("no free port")


def can_mount():
    """Whether a child may have mounts of its own: as root, outside a chroot."""
    return subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0


class Process:
    """A child whose output goes to a log, and that never outlives the test."""

    def __init__(self, argv, log, prefix=(), env=None, **more):
        self.log = log
        self.file = open(log, "ab")
        self.popen = subprocess.Popen(
            [*prefix, *argv], stdout=self.file, stderr=subprocess.STDOUT,
            env=dict(os.environ, **(env or {})), **more)

    @property
    def pid(self):
        return self.popen.pid

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def is_alive(self):
        return self.popen.poll() is None

    def stop(self, number=signal.SIGTERM, seconds=DEADLINE):
        """Ends it; returns the exit status."""
        if self.is_alive():
            self.popen.send_signal(number)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
                raise Timeout(f"{self.log}: did not end on {number}")
        self.file.close()
        return self.popen.returncode


class Sim:
    """lampsim: phones that do what they are told."""

    def __init__(self, folder, phones="2001-2010", listen="127.0.0.1:0", args=(),
                 prefix=()):
        self.log = os.path.join(folder, "lampsim.log")
        self.errors = open(self.log, "ab")
        self.popen = subprocess.Popen(
            [*prefix, f"{BUILD}/sim/lampsim", "pbx", "-l", listen, "-p", phones,
             *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True, bufsize=1)
        line = self.popen.stdout.readline()
        assert line.startswith("listening "), open(self.log).read()
        self.server = line.split()[1]
        self.tls_server = f"{listen.rsplit(':', 1)[0]}:{line.split()[-1]}"  # with -T

    def run(self, command):
        """Lines printed before the closing ok."""
        self.popen.stdin.write(command + "\n")
        self.popen.stdin.flush()
        lines = []
        while True:
            line = self.popen.stdout.readline()
            assert line, f"lampsim ended: {open(self.log).read()}"
            line = line.rstrip("\n")
            assert not line.startswith("error:"), f"{command}: {line}"
            if line == "ok":
                return lines
            if not line.startswith("storm over"):  # that comes when it comes
                lines.append(line)

    def states(self):
        """Extension -> the lamp that people should see."""
        return {ext: what for ext, _, what in
                (line.partition(" ") for line in self.run("states"))}

    def count(self):
        words = self.run("count")[-1].split()
        return {k: int(v) for k, v in zip(words[::2], words[1::2])}

    def stop(self):
        if self.popen.poll() is None:
            self.popen.stdin.close()
            self.popen.wait(DEADLINE)
        self.popen.stdout.close()
        self.errors.close()


class Failed(Exception):
    """lampctl said no."""


class Server:
    """lampfieldd with an empty store of its own, or the store of before."""

    def __init__(self, folder, prefix=(), env=None, conf=None, wrapper=()):
        self.folder = str(folder)
        self.prefix = list(prefix)
        self.wrapper = list(wrapper)
        self.env = env
        self.conf = conf or {}
        self.control = os.path.join(self.folder, "control")
        self.sip_port = 0
        self.process = None

    def start(self, wait=True):
        path = os.path.join(self.folder, "lampfield.conf")
        sections = {
            "server": {"control": self.control, "log-level": "info"},
            "store": {"path": f"{self.folder}/lampfield.db",
                      "key-file": f"{self.folder}/vault.key"},
            "sip": {"address": "127.0.0.1", "port": self.sip_port or free_port(),
                    "timeout": 4000},
            "console": {"plain": "127.0.0.1:0", "tls": "127.0.0.1:0"},
            "web": {"plain": "127.0.0.1:0", "tls": "off"},
            "chat": {"schemas": f"{TOP}/chat/schemas"},
            "tls": {"certificate": f"{self.folder}/cert.pem",
                    "key": f"{self.folder}/cert.key"},
        }
        for section, keys in self.conf.items():
            sections.setdefault(section, {}).update(keys)
        # The same SIP port after a restart, as in life.
        self.sip_port = sections["sip"]["port"]
        with open(path, "w") as f:
            for section, keys in sections.items():
                f.write(f"[{section}]\n")
                f.writelines(f"{k} = {v}\n" for k, v in keys.items())
        log = os.path.join(self.folder, "lampfieldd.log")
        self.mark = os.path.getsize(log) if os.path.exists(log) else 0
        self.process = Process(
            [*self.wrapper, f"{BUILD}/admin/lampfieldd", "-c", path], log,
            self.prefix, self.env)
        if wait:
            self.wait_ready()
        return self

    def text(self):
        """The log since the last start."""
        with open(self.process.log, "rb") as f:
            f.seek(self.mark)
            return f.read().decode(errors="replace")

    def wait_ready(self):
        def ready():
            assert self.process.is_alive(), self.text()
            return "is ready" in self.text()
        wait_for("lampfieldd", ready)

    def port(self, before):
        """A port number from the log: the word after `before`."""
        return int(self.text().rsplit(before, 1)[1].split()[0].strip(",."))

    @property
    def plain_port(self):
        return self.port("consoles on port ")

    @property
    def tls_port(self):
        return self.port("with TLS on ")

    @property
    def web_port(self):
        return self.port("web plain on port ")

    def ctl(self, *words, text=None):
        """lampctl --json: the rows; Failed with its words if it says no."""
        done = subprocess.run(
            [*self.prefix, f"{BUILD}/admin/lampctl", "-j", "-s", self.control, *words],
            capture_output=True, text=True, input=text, timeout=60)
        if done.returncode:
            raise Failed(done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.said = [a["say"] for a in answers if "say" in a]
        return [a["row"] for a in answers if "row" in a]

    def add_users(self, extensions, **more):
        fields = ["username", "last_name", "ext", *more]
        rows = [",".join(fields)]
        for ext in extensions:
            values = {"username": f"user{ext}", "last_name": f"User{ext}", "ext": str(ext)}
            values.update({k: v.format(ext=ext) for k, v in more.items()})
            rows.append(",".join(values[f] for f in fields))
        self.ctl("user", "import", "-", text="\n".join(rows) + "\n")

    def add_operator(self, name="carla", password="correct horse"):
        self.ctl("user", "add", f"username={name}", "last_name=Operator", "ext=1000",
                 "licence=BAE", f"password={password}")

    def add_feed(self, server, name="pbx", **more):
        settings = {"enable": "yes", "server": server, "protocol": "udp",
                    "uri": "lampfield@127.0.0.1", **more}
        self.ctl("set", *(f"feed.{name}.{k.replace('_', '-')}={v}"
                          for k, v in settings.items()))

    def lamps(self):
        """Extension -> display word, of everybody."""
        return {row["ext"]: row["lamp"] for row in self.ctl("users")}

    def watch_command(self):
        """lampctl that looks at everybody until it is stopped."""
        return [f"{BUILD}/admin/lampctl", "-s", self.control, "watch"]

    def feed(self, name="pbx"):
        return next(r for r in self.ctl("status") if r.get("feed") == name)

    def stop(self, number=signal.SIGTERM):
        if self.process:
            return self.process.stop(number)
        return None

    def kill(self):
        return self.stop(signal.SIGKILL)


class Console:
    """An attendant's client, from the protocol page alone."""

    def __init__(self, server, tls=False, port=None, host="127.0.0.1"):
        self.ids = 0
        self.buffer = b""
        self.events = []
        self.rows = {}
        port = port or (server.tls_port if tls else server.plain_port)
        self.socket = socket.create_connection((host, port), DEADLINE)
        if tls:
            context = ssl.create_default_context(cafile=f"{server.folder}/cert.pem")
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.hello = self.read()
        assert self.hello["method"] == "hello"

    def close(self):
        self.socket.close()

    def send(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self, seconds=DEADLINE):
        """The next object; None when the server has closed."""
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0:
                raise Timeout(f"no line within {seconds} s")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                continue
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def request(self, method, **params):
        """The reply; events that come before it are kept."""
        self.ids += 1
        self.send({"id": self.ids, "method": method, "params": params})
        while True:
            message = self.read()
            assert message is not None, f"closed instead of answering {method}"
            if message.get("id") == self.ids:
                return message
            self.take(message)

    def ok(self, method, **params):
        reply = self.request(method, **params)
        assert "result" in reply, reply
        return reply["result"]

    def login(self, user="carla", password="correct horse", **more):
        """SCRAM-SHA-256, as any port allows."""
        nonce = secrets.token_urlsafe(18)
        first = f"n={user},r={nonce}"
        reply = self.ok("login", proto=1, client="test/1", user=user,
                        auth="scram-sha-256", data="n,," + first,
                        features=["resume", "paged"], **more)
        server_first = reply["continue"]
        parts = dict(p.split("=", 1) for p in server_first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(),
                                     base64.b64decode(parts["s"]), int(parts["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        stored = hashlib.sha256(client_key).digest()
        last = f"c=biws,r={parts['r']}"
        message = f"{first},{server_first},{last}".encode()
        proof = bytes(a ^ b for a, b in
                      zip(client_key, hmac.digest(stored, message, "sha256")))
        self.login_result = self.ok(
            "login.continue", data=f"{last},p={base64.b64encode(proof).decode()}")
        return self.login_result

    def take(self, message):
        """Keeps the table of lamps as a client does: merge patch per row."""
        self.events.append(message)
        params = message.get("params", {})
        for row in params.get("d", params.get("rows", [])):
            self.merge(row)

    def merge(self, row):
        mine = self.rows.setdefault(row["u"], {})
        for key, value in row.items():
            if value is None:
                mine.pop(key, None)
            else:
                mine[key] = value

    def sub_lamps(self, **filter):
        reply = self.request("sub", topic="lamps", filter=filter or {"all": True})
        assert "result" in reply, reply
        self.sub_seq = reply["seq"]
        for row in reply["result"]["snap"]:
            self.merge(row)
        return reply["result"]["sub"]

    def row(self, ext):
        return next((r for r in self.rows.values() if r.get("ext") == str(ext)), {})

    def wait_row(self, ext, seconds=DEADLINE, **values):
        """Until the row of an extension has these values; returns it."""
        return self.wait_until(
            ext, lambda row: all(row.get(k) == v for k, v in values.items()), seconds)

    def wait_until(self, ext, is_right, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while not is_right(self.row(ext)):
            left = end - time.monotonic()
            if left <= 0:
                raise Timeout(f"{ext} is {self.row(ext)} after {seconds} s")
            with contextlib.suppress(Timeout):
                message = self.read(left)
                assert message is not None, "the server closed the connection"
                self.take(message)
        return self.row(ext)
