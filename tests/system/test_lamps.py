"""The main job: a phone moves at the PBX, an operator's row follows."""

import pytest

from lampfield import Console, Failed, Server, Sim, wait_for

DIALECTS = {
    # dialect: what a phone's states look like as one word
    "plain": {"idle": "available", "ringing": "ringing", "busy": "busy", "offline": "offline"},
    "cucm": {"idle": "available", "ringing": "ringing", "busy": "busy", "offline": "offline"},
    "cup": {"idle": "available", "ringing": "ringing", "busy": "busy", "offline": "offline"},
    "asterisk": {"idle": "available", "ringing": "ringing", "busy": "busy",
                 "offline": "offline"},
    "freeswitch": {"idle": "available", "ringing": "ringing", "busy": "busy",
                   "offline": "offline"},
}


def tel_of(lamp):
    return {"available": "idle"}.get(lamp, lamp)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_every_state_of_every_dialect_reaches_a_console(
        server, tmp_path, cleanup, console, dialect, protocol):
    sim = cleanup(Sim(tmp_path, args=["-d", dialect]))
    server.add_users(range(2001, 2004))
    server.add_feed(sim.server, protocol=protocol, dialect=dialect, package="presence")
    console.sub_lamps()
    console.wait_row(2001, tel="idle")
    for state, lamp in DIALECTS[dialect].items():
        sim.run(f"state 2001 {state}")
        console.wait_row(2001, tel=tel_of(lamp))
    console.wait_row(2002, tel="idle")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialog_package_tells_ringing_and_busy(server, tmp_path, cleanup, console, dialect):
    sim = cleanup(Sim(tmp_path, args=["-d", dialect]))
    server.add_users([2001])
    server.add_feed(sim.server, dialect=dialect, package="dialog")
    console.sub_lamps()
    console.wait_row(2001, tel="idle")
    sim.run("state 2001 ringing 3905555")
    console.wait_row(2001, tel="ringing")
    sim.run("state 2001 busy 3905555")
    console.wait_row(2001, tel="busy")
    sim.run("state 2001 idle")
    console.wait_row(2001, tel="idle")


def test_dnd_covers_busy_and_the_line_stays_visible(server, sim, console):
    server.add_users([2001])
    server.add_feed(sim.server)
    console.sub_lamps()
    sim.run("state 2001 busy")
    sim.run("dnd 2001 on")
    console.wait_row(2001, tel="dnd", line="busy")


def test_nobody_looks_nobody_asks_and_why_says_so(server, sim):
    server.add_users([2001])
    server.add_feed(sim.server)
    wait_for("feed up", lambda: server.feed()["state"].startswith("UpAndRunning"))
    assert sim.count()["subscribes"] == 0
    server.ctl("why", "2001")
    assert any("nobody looks" in s for s in server.said)

    server.ctl("subscribe", "2001")
    wait_for("the lamp", lambda: server.lamps()["2001"] == "available")
    assert sim.count()["subscriptions"] == 1
    row = next(r for r in server.ctl("why", "user2001") if r["feed"] == "pbx")
    assert row["line"] == "idle" and row["condition"] == "ok"


def test_trace_shows_the_ladder(server, sim):
    server.add_users([2001])
    server.add_feed(sim.server)
    server.ctl("subscribe", "2001")
    wait_for("the lamp", lambda: server.lamps()["2001"] == "available")
    first_lines = [(r["direction"], r["text"].split("\r\n")[0].split()[0:2])
                   for r in server.ctl("trace", "2001")]
    assert ("->", ["SUBSCRIBE", f"sip:2001@{sim.server}"]) in first_lines
    assert any(d == "<-" and words[0] == "NOTIFY" for d, words in first_lines)


def test_two_feeds_and_the_preferred_one_wins(server, tmp_path, cleanup, console):
    for name in "ab":
        (tmp_path / name).mkdir()
    a, b = (cleanup(Sim(tmp_path / name)) for name in "ab")
    server.add_users([2001])
    server.add_feed(a.server, "alpha")
    server.add_feed(b.server, "beta")
    a.run("state 2001 busy")
    console.sub_lamps()
    console.wait_row(2001, tel="busy")
    server.ctl("set", "presence.preferred-feed=beta")
    console.wait_row(2001, tel="idle")
    b.run("state 2001 ringing")
    console.wait_row(2001, tel="ringing")
    server.ctl("set", "presence.preferred-feed=alpha")
    console.wait_row(2001, tel="busy")


def test_unknown_number_is_not_found_and_refusal_is_access_denied(server, sim, console):
    server.add_users([2001, 3999])
    server.add_feed(sim.server)
    console.sub_lamps()
    console.wait_row(3999, cond="not_found")
    console.wait_row(2001, tel="idle")
    sim.run("refuse 403")
    server.add_users([2002])
    console.wait_row(2002, cond="access_denied")


def test_a_bad_setting_is_refused_and_the_old_one_stays(server, sim):
    server.add_feed(sim.server)
    with pytest.raises(Failed) as no:
        server.ctl("set", "feed.pbx.protocol=carrier-pigeon")
    assert "protocol" in str(no.value)
    with pytest.raises(Failed) as no:
        server.ctl("set", "feed.pbx.protokol=udp")
    assert "feed.*.protocol" in str(no.value) or "protocol" in str(no.value)
    assert server.feed()["transport"] == "udp"


def test_status_names_each_state_and_its_remedy(server, sim):
    server.ctl("status")
    assert any("NotConfigured" in s.replace(" ", "") for s in server.said), server.said
    server.add_feed(sim.server)
    wait_for("up", lambda: server.feed()["state"].startswith("UpAndRunning"))
    sim.stop()
    wait_for("down", lambda: server.feed()["state"] == "ConnectionError", 30)
    server.ctl("set", "feed.pbx.enable=no")
    assert server.feed()["state"] == "Disabled"


def test_users_and_settings_survive_a_restart(tmp_path, cleanup, sim):
    server = cleanup(Server(tmp_path).start())
    server.add_users([2001, 2002])
    server.ctl("note", "2001", "Back at three")
    server.add_feed(sim.server)
    assert server.stop() == 0
    server.start()
    rows = {r["ext"]: r for r in server.ctl("users")}
    assert rows["2001"]["note"] == "Back at three"
    assert server.feed()["server"] == sim.server


def test_a_note_reaches_every_console_at_once(server, console, cleanup):
    server.add_users([2001])
    server.ctl("user", "add", "username=dora", "last_name=D", "ext=1001",
               "licence=BAE", "password=pw pw pw")
    other = cleanup(Console(server))
    other.login("dora", "pw pw pw")
    for c in (console, other):
        c.sub_lamps()
    user = next(u for u, row in console.rows.items() if row["ext"] == "2001")
    console.ok("notes.set", op="n1", u=user, text="In the workshop")
    other.wait_until(2001, lambda row: row.get("note", {}).get("text") == "In the workshop")
