"""baresip, linphone and twinkle watch each other through Lampfield."""

import shutil

import pytest
from softphones import SOFTPHONES

COMMANDS = {"baresip": "baresip", "linphone": "linphonec", "twinkle": "twinkle-console"}


@pytest.mark.skipif(not all(map(shutil.which, COMMANDS.values())),
                    reason="baresip, linphonec and twinkle-console are needed")
def test_every_pair(server, tmp_path):
    pairs = [(w, p) for w in SOFTPHONES for p in SOFTPHONES]
    names = [f"{who}{n}" for n in range(len(pairs)) for who in ("alice", "bob")]
    address = f"127.0.0.1:{server.sip_port}"
    server.ctl("user", "import", "-", text="username,last_name,sip_uri\n" + "".join(
        f"{n},{n},{n}@127.0.0.1\n" for n in names))
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    watchers, publishers = [], []
    for n, (w, p) in enumerate(pairs):
        port = 18100 + 100 * n
        watchers.append(SOFTPHONES[w](tmp_path / f"watch{n}", address, f"alice{n}",
                                      f"bob{n}", port, True))
        publishers.append(SOFTPHONES[p](tmp_path / f"publish{n}", address, f"bob{n}",
                                        f"alice{n}", port + 50, False))
    for phone in watchers:
        phone.start([(8, "list"), (10, "list"), (1, "quit")])
    for phone in publishers:
        phone.start([(5, "online"), (6, "offline"), (3, "quit")])
    for phone in watchers + publishers:
        phone.wait()
    seen = {f"{w} watches {p}": phone.saw() for (w, p), phone in zip(pairs, watchers)}
    for pair, states in seen.items():
        up = [s for s in states if s.lower() in ("online", "open", "away", "busy")]
        assert up, f"{pair}: {states}; all: {seen}"
