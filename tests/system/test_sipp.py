"""Many phones at a time, played by sipp."""

import os
import shutil
import subprocess

import pytest
from lampfield import free_port, wait_for

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "phones")
PHONES = 50


def sipp(server, scenario, tmp_path, *words):
    done = subprocess.run(
        ["sipp", f"127.0.0.1:{server.sip_port}", "-sf", f"{FOLDER}/{scenario}.xml",
         "-i", "127.0.0.1", "-p", str(free_port()), "-m", str(PHONES), "-r", "50",
         "-nostdin", "-timeout", "30s", "-timeout_error", "-trace_err",
         "-error_file", f"{tmp_path}/errors", *words],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        timeout=60)
    errors = ""
    if os.path.exists(f"{tmp_path}/errors"):
        with open(f"{tmp_path}/errors") as f:
            errors = f.read()
    assert done.returncode == 0, done.stderr[-500:] + errors[-2000:]


@pytest.fixture
def anna(server):
    if not shutil.which("sipp"):
        pytest.skip("sipp is needed")
    server.ctl("user", "add", "username=anna", "last_name=A", "sip_uri=anna@127.0.0.1")
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    return server


@pytest.mark.parametrize("scenario", ["late", "early"])
def test_they_come_and_go(anna, tmp_path, scenario):
    sipp(anna, scenario, tmp_path)
    wait_for("all to be gone", lambda: not anna.ctl("watchers"))


def test_they_come_and_go_over_tcp(anna, tmp_path):
    sipp(anna, "early", tmp_path, "-t", "t1")
    wait_for("all to be gone", lambda: not anna.ctl("watchers"))


@pytest.mark.parametrize("words", [(), ("-t", "t1")], ids=["udp", "tcp"])
def test_they_watch_a_department(anna, tmp_path, words):
    anna.ctl("user", "import", "-", text="username,last_name,department,sip_uri\n" +
             "".join(f"m{i},M{i},Sales,m{i}@127.0.0.1\n" for i in range(20)))
    anna.ctl("set", "list.sales.group=Sales")
    sipp(anna, "list", tmp_path, *words)
    wait_for("all to be gone", lambda: not anna.ctl("watchers"))


def test_the_mute_are_dropped_after_their_ladder(anna, tmp_path):
    sipp(anna, "mute", tmp_path)
    assert anna.ctl("watchers"), "not before"
    wait_for("all to be dropped", lambda: not anna.ctl("watchers"))
