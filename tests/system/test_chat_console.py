"""The operator's console and the web chat share one readiness (S196)."""

import asyncio

import pytest

import chat
import lampfield
from chat import Stage


@pytest.fixture
def server(tmp_path):
    s = lampfield.Server(tmp_path).start()
    try:
        chat.set_up(s)
        s.ctl("user", "set", "anna", "ext=2201", "licence=BAE")
        s.add_operator()
        yield s
    finally:
        s.stop()


def enter(server, **who):
    c = lampfield.Console(server)
    c.login(**who)
    return c


def test_consoles_see_and_set_who_is_ready(server):
    carla = enter(server)
    carla.sub_lamps()
    assert "chat" not in carla.row(2201)
    anna_desk = enter(server, user="anna")
    assert anna_desk.request("chat.ready")["error"]["name"] == "not_found"

    async def story():
        def shows(state, n):
            return asyncio.to_thread(carla.wait_row, 2201, chat={"state": state, "n": n})

        stage = Stage(server)
        anna = await stage.agent("anna", ready=False)
        await shows("not_ready", 0)
        anna_desk.ok("chat.ready")
        assert (await anna.got("ext.agentState"))["readyState"] == "ready"
        await shows("ready", 0)
        john = await stage.customer()
        await stage.joined(anna, john)
        await shows("ready", 1)
        anna_desk.ok("chat.not_ready")
        state = await anna.got("ext.agentState")
        assert (state["readyState"], state["cause"]) == ("notReady", "admin")
        await shows("not_ready", 1)
        await anna.send("agentQuitChat", guid=john.guid)
        await anna.until("agentQuitChat")
        await shows("not_ready", 0)
        await anna.send("agentSetClosedReason", guid=john.guid, closedReasonCode=44)
        await anna.until("agentSetClosedReason")
        await anna.send("agentLogout")
        await anna.closed(1000)
        await asyncio.to_thread(carla.wait_until, 2201, lambda row: "chat" not in row)

    asyncio.run(asyncio.wait_for(story(), 60))
    carla.close()
    anna_desk.close()


def test_after_a_crash_agents_are_not_ready_and_keep_their_chats(server):
    async def story():
        stage = Stage(server)
        anna = await stage.agent("anna")
        john = await stage.customer()
        await stage.joined(anna, john)

    asyncio.run(story())
    server.kill()
    server.start()
    carla, anna_desk = enter(server), enter(server, user="anna")
    carla.sub_lamps()
    carla.wait_row(2201, chat={"state": "not_ready", "n": 1})
    # Nobody gets ready without a chat client.
    assert anna_desk.request("chat.ready")["error"]

    async def back():
        anna = await (await chat.Agent(server.web_port).open()).login("anna", reconnect=True)
        anna_desk.ok("chat.ready")
        await asyncio.to_thread(carla.wait_row, 2201, chat={"state": "ready", "n": 1})
        await anna.close()

    asyncio.run(back())
    carla.wait_row(2201, chat={"state": "not_ready", "n": 1})
    carla.close()
    anna_desk.close()


def test_an_agent_with_enough_chats_is_busy(server):
    chat.configure(server, **{"agent.anna.maxContacts": 1})
    carla = enter(server)
    carla.sub_lamps()

    async def story():
        stage = Stage(server)
        anna = await stage.agent("anna")
        await stage.chatting(anna)
        await asyncio.to_thread(carla.wait_row, 2201, chat={"state": "busy", "n": 1})
        anna.drop()
        await asyncio.to_thread(carla.wait_row, 2201, chat={"state": "not_ready", "n": 1})

    asyncio.run(asyncio.wait_for(story(), 60))
    carla.close()
