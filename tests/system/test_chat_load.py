"""lampsim chat: many rooms at once, counted by a client of our own."""

import json
import subprocess

import pytest

import chat
from lampfield import BUILD


class Talk:
    """lampsim chat, ready to talk."""

    def __init__(self, port, agents, customers, *more):
        self.popen = subprocess.Popen(
            [f"{BUILD}/sim/lampsim", "chat", "-c", f"127.0.0.1:{port}", "-a", str(agents),
             "-u", str(customers), "-w", "correct horse", *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.popen.stdout.readline() == "ready\n"

    def run(self, *words):
        self.popen.stdin.write(" ".join(["run", *map(str, words)]) + "\n")
        return json.loads(self.popen.stdout.readline())

    def stop(self):
        self.popen.stdin.close()
        self.popen.stdout.close()
        return self.popen.wait(20)


def agents(server, count):
    names = [f"agent{i + 1}" for i in range(count)]
    server.ctl("user", "import", "-", text="username,last_name,password\n" + "".join(
        f"{name},Agent,correct horse\n" for name in names))
    chat.configure(server, messagesPerSecondPerSocket=0, maxContactsPerAgent=20, **{
        "skillset.WC_Sales.routePoint": "RP", "skillset.WC_Sales.maxQueuedChats": 0},
        **{f"agent.{name}.skillsets": "WC_Sales" for name in names})


@pytest.mark.parametrize("has_tls", [False, True])
def test_many_rooms_hear_each_message_once_and_in_order(server, cleanup, has_tls):
    if has_tls:
        server.stop()
        server.conf["web"] = {"plain": "off", "tls": "127.0.0.1:0"}
        server.start()
    agents(server, 3)
    port = server.port("web tls on port ") if has_tls else server.web_port
    more = ["-T", f"{server.folder}/cert.pem"] if has_tls else []
    talk = cleanup(Talk(port, 3, 40, *more))
    for words in ((1, 200), (1,)):
        said = talk.run(*words)
        assert said["delivered"] == said["sent"] > 100
        assert not (said["lost"] or said["doubled"] or said["disordered"])
    assert talk.stop() == 0
