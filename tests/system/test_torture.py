"""The messages of RFC 4475: the answer it names, or a clean refusal.

Two of them are a SUBSCRIBE and a PUBLISH here instead of an INVITE, which we
do not take. The topmost Via is made ours, so that the answer finds us.
"""

import os
import re
import socket

from lampfield import TOP
from phone import Phone, Subscription

FOLDER = os.path.join(TOP, "tests", "data", "torture")


def messages():
    with open(os.path.join(FOLDER, "expected")) as f:
        for line in f:
            if not line.startswith("#"):
                name, allowed, why = line.split(" ", 2)
                with open(os.path.join(FOLDER, f"{name}.sip"), "rb") as message:
                    yield name, allowed.split("|"), message.read(), why.strip()


def with_our_via(message, port):
    return re.sub(
        rb"(?im)^((?:via|v)\s*:\s*SIP\s*/\s*[27]\.0\s*/\s*)(\w+)(\s+)([^;\s,]+)",
        lambda m: m.group(1) + b"UDP" + m.group(3) + b"127.0.0.1:%d" % port,
        message, count=1)


def test_each_gets_its_answer(server):
    server.ctl("user", "add", "username=anna", "last_name=A", "sip_uri=anna@127.0.0.1")
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    wrong = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        for name, allowed, message, why in messages():
            s.settimeout(0.3 if "none" in allowed else 5)
            s.sendto(with_our_via(message, port), ("127.0.0.1", server.sip_port))
            try:
                got = s.recv(65536).split()[1].decode()
            except socket.timeout:
                got = "none"
            if got not in allowed:
                wrong.append(f"{name} ({why}): {got} and not {allowed}")
    assert not wrong, "\n".join(wrong)
    assert server.process.is_alive()
    phone = Phone(server.sip_port)
    assert Subscription(phone, "sip:anna@127.0.0.1").response.status == 200
    phone.close()
