"""Starts that cannot succeed say why, and a reload that cannot changes nothing."""

import os
import signal
import socket
import ssl
import subprocess

import pytest

from lampfield import BUILD, Server, free_port, wait_for

# Root reads everything; without these two it is refused as anybody else.
NO_OVERRIDE = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] \
    if os.geteuid() == 0 else []


def daemon(*words, text=None):
    """lampfieldd that ends by itself: status, what it said."""
    done = subprocess.run([*NO_OVERRIDE, f"{BUILD}/admin/lampfieldd", *words],
                          capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout + done.stderr


def refused(folder, **sections):
    """Starts a server that must not come up; returns what it said."""
    server = Server(folder, conf=sections, prefix=[], wrapper=NO_OVERRIDE)
    server.start(wait=False)
    assert server.process.popen.wait(20) == 1, server.text()
    server.process.file.close()
    return server.text()


@pytest.mark.parametrize("text, words", [
    ("[sip]\nprot = 5064\n", ["lampfield.conf:2:", "'prot'", "did you mean 'port'"]),
    ("[spi]\n", ["lampfield.conf:1:", "did you mean [sip]"]),
    ("[sip]\nplain = off\n", ["lampfield.conf:2:", "belongs into [console]"]),
    ("[sip]\nport = 70000\n", ["lampfield.conf:2:", "from 0 to 65535", "70000"]),
    ("[sip]\nport = 1\nport = 2\n", ["lampfield.conf:3:", "already set in line 2"]),
    ("port = 1\n", ["lampfield.conf:1:", "before any [section]"]),
    ("[sip]\nport\n", ["lampfield.conf:2:", "key = value"]),
    ("[sip\n", ["lampfield.conf:1:", "[name]"]),
    ("[server]\nlog-level = loud\n", ["lampfield.conf: ", "loud", "debug"]),
    ("[server]\nnode = \0\n", ["not a text file"]),
    ("[server]\nnode = \udcff\n", ["lampfield.conf:2:", "UTF-8"]),
    pytest.param("#" * (2 << 20), ["too large"], id="2 MB"),
])
def test_a_bad_configuration_is_named_by_line(tmp_path, text, words):
    path = tmp_path / "lampfield.conf"
    path.write_text(text, errors="surrogateescape")
    for arguments in (["-t"], []):
        status, said = daemon("-c", str(path), *arguments)
        assert status == 1 and "lampfield.conf" in said
        assert all(w in said for w in words), said
        assert len(said) < 2000


def test_files_that_cannot_be_read(tmp_path):
    status, said = daemon("-c", str(tmp_path / "none.conf"))
    assert status == 1 and "No such file" in said and "none.conf" in said
    path = tmp_path / "closed.conf"
    path.write_text("")
    path.chmod(0)
    status, said = daemon("-c", str(path))
    assert status == 1 and "Permission denied" in said and "closed.conf" in said
    status, said = daemon("-c", str(tmp_path))
    assert status == 1 and "directory" in said


def test_the_sample_is_a_configuration(tmp_path):
    status, sample = daemon("--sample")
    assert status == 0
    path = tmp_path / "lampfield.conf"
    path.write_text("".join(
        line.lstrip("#") if " = " in line and not line.startswith("# ") and
        not line.rstrip().endswith(" =") else line
        for line in sample.splitlines(keepends=True)))
    assert daemon("-t", "-c", str(path))[0] == 0


@pytest.mark.parametrize("words, status", [
    (["--wrong"], 2), (["stray"], 2), (["-l", "loud", "-c", "/dev/null"], 2)])
def test_wrong_options(words, status):
    assert daemon(*words)[0] == status


def test_a_second_start_on_the_same_store_names_the_first(tmp_path, server):
    (tmp_path / "b").mkdir()
    said = refused(tmp_path / "b", store={"path": f"{server.folder}/lampfield.db"},
                   server={"control": f"{tmp_path}/b/control"})
    assert "is lampfieldd running already?" in said
    assert server.process.is_alive() and server.ctl("status") is not None


def test_store_folders_that_cannot_be_used(tmp_path):
    said = refused(tmp_path, store={"path": f"{tmp_path}/none/lampfield.db"})
    assert "cannot start: store" in said and "none/lampfield.db" in said
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    said = refused(tmp_path, store={"path": f"{closed}/lampfield.db"})
    assert "cannot start: store" in said and "ermission" in said
    torn = tmp_path / "torn.db"
    torn.write_bytes(b"SQLite format 3\0" + b"\x7f" * 9000)
    said = refused(tmp_path, store={"path": str(torn)})
    assert "restore a backup" in said
    assert torn.read_bytes().endswith(b"\x7f")


def test_key_files_that_cannot_be_used(tmp_path):
    key = tmp_path / "short.key"
    key.write_text("x")
    assert "short.key" in refused(tmp_path, store={"key-file": str(key)})


@pytest.mark.parametrize("section, key", [
    ("sip", "port"), ("console", "plain"), ("console", "tls"), ("web", "plain")])
def test_a_port_in_use_is_named(tmp_path, cleanup, section, key):
    port = free_port()
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = cleanup(socket.socket(socket.AF_INET, kind))
        s.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            s.listen()
    value = port if section == "sip" else f"127.0.0.1:{port}"
    said = refused(tmp_path, **{section: {key: value}})
    assert str(port) in said and "in use" in said


@pytest.mark.parametrize("section, key, value", [
    ("console", "plain", "nowhere"), ("console", "tls", "[::1"), ("web", "plain", ":1"),
    ("sip", "address", "not an address"), ("sip", "public-address", "example.org"),
    ("sip", "tls-folder", "/nonexistent"),
    ("tls", "certificate", "/dev/null")])
def test_addresses_and_certificates_that_are_none(tmp_path, section, key, value):
    said = refused(tmp_path, **{section: {key: value}})
    assert "cannot start" in said or "cannot listen" in said
    assert value in said, said


def test_the_control_socket_is_taken_from_the_dead_not_from_the_living(tmp_path, server):
    (tmp_path / "b").mkdir()
    said = refused(tmp_path / "b", server={"control": server.control})
    assert server.control in said
    assert server.ctl("status") is not None
    server.kill()
    assert os.path.exists(server.control)
    server.start()
    assert server.ctl("status") is not None


# ---- reload ----

def certificate_of(server, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 20) as raw:
        with context.wrap_socket(raw) as s:
            return s.getpeercert(binary_form=True)


def new_certificate(server, name="localhost"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", f"{server.folder}/cert.key", "-out",
                    f"{server.folder}/cert.pem"], check=True, capture_output=True)


def write(server, name, text):
    with open(os.path.join(server.folder, name), "w") as f:
        f.write(text)


@pytest.mark.parametrize("how", ["SIGHUP", "lampctl"])
def test_a_reload_takes_a_good_certificate_and_keeps_the_old_one_for_a_bad(
        tmp_path, cleanup, how):
    server = cleanup(Server(tmp_path, conf={"web": {"tls": "127.0.0.1:0"}}).start())
    web = server.port("web tls on port ")

    def both():
        return {certificate_of(server, p) for p in (server.tls_port, web)}

    def reload(words):
        mark = len(server.text())
        if how == "SIGHUP":
            os.kill(server.process.pid, signal.SIGHUP)
        else:
            subprocess.run([f"{BUILD}/admin/lampctl", "-s", server.control, "reload"],
                           capture_output=True)
        wait_for(words, lambda: words in server.text()[mark:])

    old = both()
    assert len(old) == 1
    for name, text in (("cert.pem", "garbage"), ("cert.pem", ""),
                       ("cert.key", "garbage")):
        with open(os.path.join(server.folder, name)) as f:
            good = f.read()
        write(server, name, text)
        reload("the old one stays")
        assert both() == old
        write(server, name, good)
    os.rename(f"{server.folder}/cert.pem", f"{server.folder}/away.pem")
    reload("the old one stays")
    assert both() == old
    new_certificate(server)
    reload("loaded again")
    new = both()
    assert len(new) == 1 and new != old
    with open(f"{server.folder}/cert.key") as f:
        other = f.read()
    new_certificate(server)
    write(server, "cert.key", other)  # of the certificate before
    reload("the old one stays")
    assert both() == new
