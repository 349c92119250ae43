"""Web chat from outside: real sockets, a real store, and restarts."""

import asyncio

import pytest

import chat
import lampfield
from chat import Agent, Customer


@pytest.fixture
def server(tmp_path):
    s = lampfield.Server(tmp_path).start()
    try:
        chat.set_up(s)
        yield s
    finally:
        s.stop()


def run(story):
    asyncio.run(asyncio.wait_for(story, 60))


def test_a_chat_from_first_word_to_closed_reason(server):
    async def story():
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna")
        await anna.ready()
        john = await (await Customer(port).open()).request()
        offer = await anna.got("ext.contactOffered")
        assert offer["guid"] == john.guid
        details = await anna.join(john.guid)
        assert details["deviceType"] == "pytest"
        assert (await john.got("newParticipant"))["agentId"] == "anna"
        await john.send("newMessage", message="hi")
        assert (await anna.got("newMessage"))["message"] == "hi"
        await anna.say(john.guid, "hello")
        await anna.got("newMessage", "acknowledgement")
        assert (await john.got("newMessage"))["message"] == "hello"
        await anna.send("agentQuitChat", guid=john.guid)
        assert (await john.got("participantLeave"))["endChatFlag"]
        await john.closed(1000)
        reasons = (await anna.got("agentQuitChat"))["closedReasons"]
        assert reasons == [{"closedReasonCode": 44, "closedReason": "Resolved"}]
        await anna.send("agentSetClosedReason", guid=john.guid, closedReasonCode=44)
        assert (await anna.got("agentSetClosedReason"))["accepted"]
        await anna.send("agentLogout")
        await anna.closed(1000)

    run(story())


def test_everything_is_there_after_a_restart(server):
    async def before():
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna")
        await anna.ready()
        john = await (await Customer(port).open()).request()
        await anna.got("ext.contactOffered")
        await anna.join(john.guid)
        await john.got("newParticipant")
        await john.send("newMessage", message="hi")
        await anna.got("newMessage")
        await anna.say(john.guid, "hello")
        await anna.got("newMessage", "acknowledgement")
        await john.got("newMessage")
        jane = await (await Customer(port).open()).request("WC_Support")
        return john, jane

    async def after(john, jane):
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna", reconnect=True)
        john2 = await (await Customer(port).open()).resume(john)
        assert (john2.guid, john2.key) == (john.guid, john.key)
        assert (await john2.got("newParticipant"))["agentId"] == "anna"
        details = await anna.join(john.guid)
        said = [m["message"] for m in details["conversationTranscript"]["messages"]]
        assert said == ["hi", "hello"]
        jane2 = await (await Customer(port).open()).resume(jane)
        await jane2.send("queueStatus")
        assert (await jane2.got("queueStatus"))["positionInQueue"] == 1
        await anna.ready()
        assert (await anna.got("ext.contactOffered"))["guid"] == jane.guid
        new = await (await Customer(port).open()).request()
        assert new.guid > jane.guid

    john, jane = asyncio.run(before())
    server.kill()
    server.start()
    run(after(john, jane))


def test_a_wrong_password_three_times_closes(server):
    async def story():
        agent = await Agent(server.web_port).open()
        for _ in range(3):
            await agent.send("agentLogin", agentId="anna", password="wrong")
            assert not (await agent.got("agentLogin"))["loginSuccess"]
        await agent.closed(1008)

    run(story())


def test_a_final_close_ends_the_chat_and_another_does_not(server):
    async def story():
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna")
        await anna.ready()
        john = await (await Customer(port).open()).request()
        await anna.got("ext.contactOffered")
        await anna.join(john.guid)
        await john.close(4001)
        assert not (await anna.got("customerConnectionStatus"))["isConnected"]
        john2 = await (await Customer(port).open()).resume(john)
        assert (await anna.got("customerConnectionStatus"))["isConnected"]
        await john2.close(1000)
        await anna.got("customerDisconnect")

    run(story())
