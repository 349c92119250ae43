"""Other people's WebSockets, and two reverse proxies on the way: haproxy with
TLS in front of nginx in front of us, as an organisation would have it.
"""

import asyncio
import os
import ssl
import subprocess

import pytest

import chat
from chat import Agent, Customer
from lampfield import Process, free_port, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 30

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.errors;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{to};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 1h
frontend chat
    bind 127.0.0.1:{port} ssl crt {folder}/both.pem
    option forwardfor
    default_backend nginx
backend nginx
    server one 127.0.0.1:{to}
"""


class Proxy:
    """One of the two, with its configuration filled in."""

    def __init__(self, folder, name, text, to, argv):
        self.port = free_port()
        path = f"{folder}/{name}.conf"
        with open(path, "w") as f:
            f.write(text.format(folder=folder, port=self.port, to=to))
        self.argv, self.log = [*argv, path], f"{folder}/{name}.log"
        self.start()

    def start(self):
        self.process = Process(self.argv, self.log)

        def is_up():
            assert self.process.is_alive(), self.process.text()
            with open("/proc/net/tcp") as f:
                return f":{self.port:04X} 00000000:0000 0A" in f.read()
        wait_for("the proxy", is_up)

    def stop(self):
        self.process.stop(9)


@pytest.fixture
def proxies(server, cleanup):
    """haproxy, and behind it nginx, and behind it the server."""
    chat.set_up(server)
    folder = server.folder
    with open(f"{folder}/both.pem", "w") as f:
        for name in ("cert.pem", "cert.key"):
            with open(f"{folder}/{name}") as part:
                f.write(part.read())
    nginx = cleanup(Proxy(folder, "nginx", NGINX, server.web_port,
                          ["/usr/sbin/nginx", "-c"]))
    return cleanup(Proxy(folder, "haproxy", HAPROXY, nginx.port,
                         ["/usr/sbin/haproxy", "-db", "-f"]))


def node(url, env=None):
    done = subprocess.run(
        ["node", f"{HERE}/ws_client.mjs", url, "anna", "correct horse"], timeout=PATIENCE,
        capture_output=True, text=True,
        env=dict(os.environ, NODE_PATH="/usr/share/nodejs",  # localhost may be ::1 too
                 NODE_OPTIONS="--dns-result-order=ipv4first", **(env or {})))
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_chat_on_npms_ws(server):
    chat.set_up(server)
    node(f"ws://127.0.0.1:{server.web_port}")


def test_a_chat_on_npms_ws_through_both_proxies(server, proxies):
    node(f"wss://localhost:{proxies.port}",
         {"NODE_EXTRA_CA_CERTS": f"{server.folder}/cert.pem"})


def test_a_chat_outlives_a_proxy(server, proxies):
    trust = {"ssl": ssl.create_default_context(cafile=f"{server.folder}/cert.pem"),
             "scheme": "wss", "host": "localhost"}

    async def story():
        anna = await (await Agent(proxies.port, **trust).open()).login("anna")
        await anna.ready()
        john = await (await Customer(proxies.port, **trust).open()).request()
        await anna.got("ext.contactOffered")
        await anna.join(john.guid)
        await john.got("newParticipant")
        waiting = await (await Customer(proxies.port, **trust).open()).request("WC_Support")

        proxies.stop()
        proxies.start()
        anna = await (await Agent(proxies.port, **trust).open()).login(
            "anna", reconnect=True)
        await anna.join(john.guid)
        back = await (await Customer(proxies.port, **trust).open()).resume(john)
        assert (back.guid, back.key) == (john.guid, john.key)
        assert (await back.got("newParticipant"))["agentId"] == "anna"
        await back.send("newMessage", message="hi")
        assert (await anna.until("newMessage"))["message"] == "hi"
        again = await (await Customer(proxies.port, **trust).open()).resume(waiting)
        await again.send("queueStatus")
        assert (await again.got("queueStatus"))["positionInQueue"] == 1

    asyncio.run(asyncio.wait_for(story(), PATIENCE))
