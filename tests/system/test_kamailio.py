"""Through a real presence server: Kamailio, fed by a real phone and by sipp."""

import os
import re
import signal
import socket
import subprocess

import pytest

from kamailio import Kamailio
from lampfield import DEADLINE, Process, free_port, wait_for

PIDF = """<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf"
 xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
 xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:bob@{server}">
<tuple id="t{activity}"><status><basic>open</basic></status></tuple>
<dm:person id="p{activity}"><rpid:activities><rpid:{activity}/></rpid:activities>
<dm:note>{note}</dm:note></dm:person></presence>"""

DIALOG = """<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}"
 state="full" entity="sip:2001@{server}"><dialog id="d1" call-id="c1"
 local-tag="l" remote-tag="r" direction="recipient"><state>{state}</state>
<remote><identity>sip:777@{server}</identity></remote></dialog></dialog-info>"""

SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="publish">
<send retrans="500"><![CDATA[
PUBLISH sip:{user}@{server} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:{user}@{server}>;tag=[call_number]p
To: <sip:{user}@{server}>
Call-ID: [call_id]
CSeq: 1 PUBLISH
Event: {event}
Expires: 600
Content-Type: {content_type}
Content-Length: [len]

{body}
]]></send>
<recv response="200"/>
</scenario>
"""


@pytest.fixture
def kamailio(tmp_path, cleanup):
    return cleanup(Kamailio(tmp_path).start())


def publish(folder, server, user, event, content_type, body):
    """sipp sends one PUBLISH and waits for the 200."""
    path = os.path.join(folder, "publish.xml")
    with open(path, "w") as f:
        f.write(SCENARIO.format(user=user, server=server, event=event, body=body,
                                content_type=content_type))
    done = subprocess.run(
        ["sipp", server, "-sf", path, "-m", "1", "-i", "127.0.0.1", "-p",
         str(free_port()), "-timeout", "10", "-nostdin"], capture_output=True, cwd=folder)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


class Baresip:
    """A softphone that publishes what it is told on its standard input."""

    def __init__(self, folder, user, server):
        home = os.path.join(folder, "baresip")
        os.makedirs(home)
        port = free_port()
        with open(f"{home}/config", "w") as f:
            f.write(f"poll_method epoll\nsip_listen 127.0.0.1:{port}\n"
                    "sip_trans_def udp\nnet_interface 127.0.0.1\n"
                    "audio_player aufile,/dev/null\naudio_source ausine,440\n"
                    "module_path /usr/lib/baresip/modules\nmodule stdio.so\n"
                    "module g711.so\nmodule_tmp account.so\nmodule_app contact.so\n"
                    "module_app presence.so\nmodule_app menu.so\n")
        with open(f"{home}/accounts", "w") as f:
            f.write(f"<sip:{user}@{server};transport=udp>;auth_pass=none;regint=0;"
                    "pubint=600\n")
        open(f"{home}/contacts", "w").close()
        self.process = Process(["baresip", "-f", home], f"{home}/log",
                               env={"HOME": home}, stdin=subprocess.PIPE)
        wait_for("baresip", lambda: "ready" in self.process.text())

    def run(self, command):
        self.process.popen.stdin.write(command.encode() + b"\n")
        self.process.popen.stdin.flush()

    def stop(self):
        self.process.stop(signal.SIGKILL)


@pytest.fixture
def rich(server, console, kamailio):
    """Bob by his SIP URI, and his phone 2001, at a presence server."""
    server.ctl("user", "add", "username=bob", "last_name=Bob", "ext=2001",
               f"sip_uri=bob@{kamailio.server}")
    server.add_feed(kamailio.server, has_presence_server="yes", dialect="kamailio",
                    probe_interval="1", stale_after="10")
    console.sub_lamps()
    return console


def test_a_real_phones_status_reaches_a_console(rich, kamailio, tmp_path, cleanup):
    phone = cleanup(Baresip(str(tmp_path), "bob", kamailio.server))
    phone.run("/presence_online")
    rich.wait_row(2001, rich="available")
    phone.run("/presence_offline")
    rich.wait_row(2001, rich="offline")
    phone.run("/presence_online")
    rich.wait_row(2001, rich="available")


def test_activity_and_note_published_by_sipp(rich, kamailio, tmp_path):
    body = PIDF.format(server=kamailio.server, activity="away", note="Lunch")
    publish(str(tmp_path), kamailio.server, "bob", "presence", "application/pidf+xml", body)
    rich.wait_row(2001, rich="away", msg="Lunch")
    body = PIDF.format(server=kamailio.server, activity="on-the-phone", note="Call")
    publish(str(tmp_path), kamailio.server, "bob", "presence", "application/pidf+xml", body)
    rich.wait_row(2001, rich="on_phone")


class Publisher:
    """One publication of a line's calls, modified by its entity tag (RFC 3903)."""

    def __init__(self, server, user):
        self.server, self.user, self.etag, self.cseq = server, user, None, 0
        host, port = server.rsplit(":", 1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, int(port)))
        self.socket.settimeout(DEADLINE)

    def publish(self, body):
        self.cseq += 1
        me = "%s:%d" % self.socket.getsockname()
        uri = f"sip:{self.user}@{self.server}"
        match = f"SIP-If-Match: {self.etag}\r\n" if self.etag else ""
        self.socket.send((
            f"PUBLISH {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{self.cseq}-"
            f"{os.urandom(4).hex()}\r\nMax-Forwards: 70\r\nFrom: <{uri}>;tag=p{self.cseq}"
            f"\r\nTo: <{uri}>\r\nCall-ID: {os.urandom(6).hex()}\r\nCSeq: {self.cseq} PUBLISH"
            f"\r\nEvent: dialog\r\nExpires: 600\r\n{match}"
            "Content-Type: application/dialog-info+xml\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        answer = self.socket.recv(65536).decode()
        assert answer.startswith("SIP/2.0 200"), answer
        self.etag = re.search(r"(?mi)^SIP-ETag: *(\S+)", answer).group(1)


def test_dialog_info_lights_the_telephone_lamp(server, console, kamailio):
    server.add_users([2001])
    server.add_feed(kamailio.server, package="dialog", dialect="kamailio")
    console.sub_lamps()
    line = Publisher(kamailio.server, "2001")
    for version, (state, tel) in enumerate(
            (("early", "ringing"), ("confirmed", "busy"), ("terminated", "idle"))):
        line.publish(DIALOG.format(server=kamailio.server, version=version, state=state))
        console.wait_row(2001, tel=tel)


def test_kill_9_of_kamailio(rich, kamailio, tmp_path):
    body = PIDF.format(server=kamailio.server, activity="away", note="Lunch")
    publish(str(tmp_path), kamailio.server, "bob", "presence", "application/pidf+xml", body)
    rich.wait_row(2001, rich="away")
    kamailio.kill()
    rich.wait_until(2001, lambda row: row.get("rich") == "unknown", 30)
    kamailio.start()
    body = PIDF.format(server=kamailio.server, activity="busy", note="Back")
    publish(str(tmp_path), kamailio.server, "bob", "presence", "application/pidf+xml", body)
    rich.wait_row(2001, 40, rich="busy", msg="Back")


def test_kill_9_of_lampfieldd_in_front_of_kamailio(server, rich, kamailio, tmp_path):
    body = PIDF.format(server=kamailio.server, activity="away", note="Lunch")
    publish(str(tmp_path), kamailio.server, "bob", "presence", "application/pidf+xml", body)
    rich.wait_row(2001, rich="away")
    server.kill()
    body = PIDF.format(server=kamailio.server, activity="busy", note="Call me")
    publish(str(tmp_path), kamailio.server, "bob", "presence", "application/pidf+xml", body)
    server.start()
    server.ctl("subscribe", "bob")
    wait_for("busy", lambda:
             any(r["rich"] == "busy" for r in server.ctl("users")))
