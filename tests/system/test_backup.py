"""lampctl backup, and the restore that docs/backup.md tells."""

import glob
import os
import shutil
import sqlite3
import subprocess
import threading

import pytest

from lampfield import BUILD, Failed, Server, can_mount, wait_for
from peers import MailServer


def backup(server, path):
    server.ctl("backup", str(path))
    return server.said[0]


def restore(server, path):
    """As in docs/backup.md."""
    os.mkdir(f"{server.folder}/before")
    for old in glob.glob(f"{server.folder}/lampfield.db*"):
        shutil.move(old, f"{server.folder}/before")
    shutil.copyfile(path, f"{server.folder}/lampfield.db")
    os.chmod(f"{server.folder}/lampfield.db", 0o600)


def test_what_was_backed_up_is_there_again(server, tmp_path, cleanup):
    mail = cleanup(MailServer(user="lamp", password="s3cret"))
    server.add_users(range(2001, 2101))
    server.ctl("set", f"mail.server=localhost:{mail.port}", "mail.from=a@example.org",
               "mail.recipients=b@example.org", "mail.auth-user=lamp",
               "mail.auth-password=s3cret", "mail.security=none")
    server.ctl("note", "2001", "on holiday")
    assert "backup.db is written" in backup(server, tmp_path / "backup.db")
    assert os.stat(tmp_path / "backup.db").st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path).count("backup.db.tmp") == 0

    server.ctl("user", "del", "2001")
    server.ctl("set", "mail.auth-password=forgotten")
    server.stop()
    restore(server, tmp_path / "backup.db")
    server.start()
    users = server.ctl("users")
    assert len(users) == 100
    assert next(u for u in users if u["ext"] == "2001")["note"] == "on holiday"
    server.ctl("notify", "test", "mail")  # with the sealed password of then
    assert mail.mails


def test_a_backup_while_much_is_written_is_whole(server, tmp_path):
    ending = threading.Event()
    writer = Server.__new__(Server)  # its own words, not the other thread's
    writer.__dict__.update(server.__dict__)

    def write():
        ext = 3000
        while not ending.is_set():
            ext += 100
            writer.add_users(range(ext, ext + 100))
            writer.ctl("events", "test", "500")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        wait_for("some users", lambda: len(server.ctl("users")) >= 300)
        for i in range(5):
            backup(server, tmp_path / f"{i}.db")
    finally:
        ending.set()
        thread.join()
    last = 0
    for i in range(5):
        db = sqlite3.connect(tmp_path / f"{i}.db")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        events = db.execute("SELECT COUNT(*) FROM monitor_event").fetchone()[0]
        db.close()
        assert events >= last
        last = events
    server.stop()
    restore(server, tmp_path / "4.db")
    server.start()
    assert len(server.ctl("users")) % 100 == 0


def test_what_is_in_the_way_is_said(server, tmp_path):
    there = tmp_path / "there"
    there.write_text("mine")
    for path, words in (there, "there already"), (tmp_path / "no/b.db", "no folder"):
        with pytest.raises(Failed, match=words):
            backup(server, path)
    assert there.read_text() == "mine"
    done = subprocess.run([f"{BUILD}/admin/lampctl", "-s", server.control, "backup", "b.db"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert f"{tmp_path}/b.db is written" in done.stdout
    assert (tmp_path / "b.db").exists()


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_an_alarm_until_a_backup_works(server, small_disk, tmp_path):
    server.add_users(range(2001, 4001))
    with pytest.raises(Failed, match="no room"):
        backup(server, small_disk / "b.db")
    assert not os.listdir(small_disk)
    assert "backup-failed" in [a["name"] for a in server.ctl("alarms")]
    subprocess.run(["mount", "-o", "remount,ro,size=64m", small_disk], check=True)
    with pytest.raises(Failed, match="may not write in"):
        backup(server, small_disk / "b.db")
    backup(server, tmp_path / "b.db")
    assert "backup-failed" not in [a["name"] for a in server.ctl("alarms")]


@pytest.mark.skipif(not can_mount(), reason="no mounts of its own here")
def test_a_private_tmp_is_no_place_for_it(tmp_path, cleanup):
    private = tmp_path / "systemd-private-1" / "tmp"
    seen = tmp_path / "seen"
    private.mkdir(parents=True)
    seen.mkdir()
    server = cleanup(Server(tmp_path, prefix=[
        "unshare", "-m", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"',
        str(private), str(seen)]).start())
    with pytest.raises(Failed, match="temporary files of its own"):
        backup(server, seen / "b.db")
