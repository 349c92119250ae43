"""What web chat servers easily get wrong: the protocol's section 14, and how
sockets end. Behaviours that a sequence chart shows are in test_chat_charts.py.
"""

import asyncio
import email
import json

import pytest

import chat
import lampfield
from chat import Agent, Customer, Stage


@pytest.fixture
def server(tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    s = lampfield.Server(tmp_path, conf={"chat": {"spool": str(spool)}}).start()
    try:
        chat.set_up(s)
        s.spool = spool
        yield s
    finally:
        s.stop()


def play(story, server):
    async def whole():
        stage = Stage(server)
        await story(stage)
        await stage.quiet()

    asyncio.run(asyncio.wait_for(whole(), 60))


def test_a_ping_needs_no_chat_and_no_version(server):
    async def story(stage):
        for kind in (Customer, Agent):
            client = await kind(server.web_port).open()
            await client.ws.send('{"body":{"method":"ping"},"type":"request"}')
            assert await client.next() == {"apiVersion": "1.0", "type": "notification",
                                           "body": {"method": "ping"}}

    play(story, server)


def test_a_bad_key_is_refused_and_the_third_time_closes(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        jane = await Customer(server.web_port).open()
        wrong = "x" * 22
        await jane.send("requestChat", guid=None, authenticationKey=john.key)
        await jane.error(2)
        await jane.send("requestChat", guid=john.guid, authenticationKey=wrong)
        await jane.error(2)
        await jane.request()  # the socket is as good as new
        assert jane.guid != john.guid
        await anna.got("ext.contactOffered")

        thief = await Customer(server.web_port).open()
        for _ in range(3):
            await thief.send("requestChat", guid=john.guid, authenticationKey=wrong)
            await thief.error(2)
        await thief.closed(1008)

    play(story, server)


def test_a_customer_without_a_session_is_told_so(server):
    async def story(stage):
        john = await Customer(server.web_port).open()
        for method, more in (("newMessage", {"message": "hi"}), ("queueStatus", {}),
                             ("closeConversation", {})):
            await john.send(method, **more)
            await john.error(2)
        await john.send("noSuchMethod")
        await john.error(1)
        agent = await Agent(server.web_port).open()
        await agent.say(1, "hi")
        await agent.error(1010)

    play(story, server)


def test_decline_keeps_the_old_order_for_others(server):
    async def story(stage):
        anna = await stage.agent("anna")
        first, second = await stage.customer(), await stage.customer()
        await anna.got("ext.contactOffered")
        await anna.got("ext.contactOffered")
        await anna.send("ext.declineContact", guid=second.guid)
        for _ in range(2):
            await anna.got("ext.contactWithdrawn")
        assert (await anna.got("ext.agentState"))["readyState"] == "notReady"
        third = await stage.customer()
        for place, customer in enumerate((first, second, third), 1):
            await customer.send("queueStatus")
            assert (await customer.got("queueStatus"))["positionInQueue"] == place
        await anna.send("ext.declineContact", guid=first.guid)
        await anna.error(1011)

    play(story, server)


def test_whispers_reach_agents_only(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna, email="john@example.com")
        await john.send("newMessage", message="hi")
        await anna.got("newMessage")
        await anna.says(john.guid, "he is rich", "whisper")
        vera = await stage.agent("vera", ready=False)
        details = await vera.join(john.guid, "observe")
        assert [(m["message"], m["messageType"])
                for m in details["conversationTranscript"]["messages"]] == [
            ("hi", "normal"), ("he is rich", "whisper")]
        await anna.got("activeAgentNotification")
        await anna.says(john.guid, "very", "whisper")
        assert (await vera.got("newMessage"))["message"] == "very"
        await john.quiet()
        await anna.send("agentQuitChat", guid=john.guid)
        await anna.got("agentQuitChat")
        await vera.got("exitRoom")
        await john.got("participantLeave")
        await john.closed(1000)
        await anna.send("agentSetClosedReason", guid=john.guid, closedReasonCode=44,
                        sendTranscript=True)
        assert (await anna.got("agentSetClosedReason"))["accepted"]
        path = server.spool / f"chat-{john.guid}.eml"
        while not path.exists():
            await asyncio.sleep(0.02)
        text = email.message_from_bytes(path.read_bytes()).get_payload(decode=True)
        assert b"hi" in text and b"rich" not in text and b"very" not in text

    play(story, server)


def test_pages_are_pushed_under_each_ends_own_names(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        await john.send("newPushPageMessage", pagePushURL="a.example/1",
                        pagePushDestination="newTab")
        pushed = await anna.got("pagePush")
        assert (pushed["url"], pushed["sender"]) == ("a.example/1", {"type": "customer"})
        assert "destination" not in pushed
        for asked, told in (("newBrowserTab", "newTab"), (None, "newTab"),
                            ("sideBar", "sideBar")):
            more = {} if asked is None else {"destination": asked}
            await anna.send("pagePush", guid=john.guid, url="http://b.example/", **more)
            seen = await john.got("newPushPageMessage")
            assert (seen["pagePushURL"], seen["pagePushDestination"]) == (
                "http://b.example/", told)
        for url in ("javascript:alert(1)", "  JavaScript:alert(1)", "data:text/html,x",
                    "vbscript:x", "file:///etc/passwd", "blob:x", "about:blank"):
            await john.send("newPushPageMessage", pagePushURL=url)
            await john.error(1)
            await anna.send("pagePush", guid=john.guid, url=url)
            await anna.error(1)

    play(story, server)


def test_a_sixth_chat_of_one_customer_is_refused(server):
    async def refused(**intrinsics):
        client = await Customer(server.web_port).open()
        await client.send("requestChat", guid=None, authenticationKey=None,
                          intrinsics={"skillset": "WC_Sales", **intrinsics})
        await client.error(1001)

    async def story(stage):
        for address in ("a@b.example", "A@b.example", " a@B.example", "a@b.example ",
                        "\tA@B.EXAMPLE"):
            last = await stage.customer(email=address)
        await refused(email="  A@B.Example\n")
        last.drop()  # may come back: still counts
        await refused(email="a@b.example")
        for _ in range(6):
            await stage.customer()
        first = stage.people[0]
        await first.send("closeConversation")
        await first.got("closeConversation")
        await first.closed(1000)
        await stage.customer(email="a@b.example")

    play(story, server)


def test_a_full_queue_and_an_unknown_skillset_are_refused(server):
    chat.configure(server, **{"skillset.WC_Sales.maxQueuedChats": 2,
                              "skillset.WC_Shut.inService": "no"})

    async def story(stage):
        for _ in range(2):
            await stage.customer()
        for skillset, code in (("WC_Sales", 1002), ("WC_None", 1003), ("WC_Shut", 1003),
                               ("wc_sales", 1003)):
            client = await Customer(server.web_port).open()
            await client.send("requestChat", guid=None, authenticationKey=None,
                              intrinsics={"skillset": skillset})
            await client.error(code)
        await stage.customer("WC_Support")

    play(story, server)


def test_an_owner_who_quits_leaves_no_chat_to_a_consulted_agent(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        bert = await stage.agent("bert")
        await stage.consulting(anna, ("bert", bert), john)
        await anna.send("agentQuitChat", guid=john.guid)
        assert (await anna.got("agentQuitChat"))["closedReasons"]
        assert (await bert.got("exitRoom"))["agentId"] == "bert"
        left = await john.got("participantLeave")
        assert left["endChatFlag"] and left["participants"] == []
        await john.closed(1000)

    play(story, server)


def test_a_consult_that_nobody_takes_fails_later(server):
    chat.configure(server, consultRequestTimeout_inSeconds=5)

    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        bert = await stage.agent("bert")
        for is_declined in (True, False):
            assert await anna.asks(john.guid, "consult", "bert")
            await bert.got("ext.contactOffered")
            if is_declined:
                await bert.send("ext.declineContact", guid=john.guid)
            assert not (await anna.got("operationRequest"))["success"]
            await bert.got("ext.contactWithdrawn")
            if is_declined:
                await bert.got("ext.agentState")
                await bert.ready()

    play(story, server)


def test_a_message_may_have_ten_thousand_emoji(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        long = "\U0001f600" * 10000
        await john.send("newMessage", message=long)  # escaped: 120000 bytes
        assert (await anna.got("newMessage"))["message"] == long
        await anna.ws.send(json.dumps(
            {"type": "request", "body": {"method": "newMessage", "guid": john.guid,
                                         "message": long, "messageType": "normal"}},
            ensure_ascii=False))
        await anna.got("newMessage", "acknowledgement")
        assert (await john.got("newMessage"))["message"] == long
        await john.send("newMessage", message=long + "x")
        await john.error(1)
        await john.send("newMessage", message="")
        await john.error(1)

    play(story, server)


def test_every_recipient_sees_the_same_order(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        bert = await stage.agent("bert")
        await stage.consulting(anna, ("bert", bert), john)
        assert await anna.asks(john.guid, "conference", "bert")
        vera = await stage.agent("vera", ready=False)
        await vera.join(john.guid, "observe")
        await anna.got("activeAgentNotification")
        await bert.got("activeAgentNotification")
        for i in range(50):
            await asyncio.gather(john.send("newMessage", message=f"j{i}"),
                                 anna.say(john.guid, f"a{i}"),
                                 bert.say(john.guid, f"b{i}"))
        whole = [(await vera.got("newMessage"))["message"] for _ in range(150)]
        assert sorted(whole) == sorted(f"{who}{i}" for who in "jab" for i in range(50))
        for client, own in ((john, "j"), (anna, "a"), (bert, "b")):
            got = [await client.next() for _ in range(100 if client is john else 150)]
            heard = [m["body"]["message"] for m in got if m["type"] == "notification"]
            assert heard == [text for text in whole if text[0] != own]

    play(story, server)


def test_sockets_end_as_the_table_says(server):
    chat.configure(server, unboundSocketTimeoutSeconds=5)

    async def ends(code, data=None, raw=None):
        client = await Customer(server.web_port).open()
        if raw:
            client.ws.transport.write(raw)
        elif data:
            await client.ws.send(data)
        await client.closed(code)

    async def story(stage):
        idle = asyncio.ensure_future(ends(1008))
        await ends(1003, b"binary")
        await ends(1009, "x" * 300000)
        await ends(1007, raw=b"\x81\x82\0\0\0\0\xff\xfe")
        john = await stage.customer()
        again = await stage.resume(john)
        await john.closed(4000)
        await again.quiet()
        anna = await stage.agent("anna", ready=False)
        newer = await stage.agent("anna", ready=False, reconnect=True)
        await anna.closed(4000)
        await newer.quiet()
        await idle
        closing = asyncio.gather(again.closed(1001), newer.closed(1001))
        await asyncio.to_thread(server.stop)
        await closing

    play(story, server)


def test_an_agent_with_a_contact_cannot_log_out(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.customer()
        await anna.got("ext.contactOffered")
        await anna.send("agentLogout")
        await anna.error(1013)
        await anna.join(john.guid)
        await john.got("newParticipant")
        await anna.send("agentLogout")
        await anna.error(1013)
        await anna.send("leaveRoom", guid=john.guid)
        await anna.error(1012)
        await anna.send("conferenceClose", guid=john.guid)
        await anna.got("agentQuitChat")
        assert (await john.got("participantLeave"))["endChatFlag"]
        await john.closed(1000)
        await anna.send("agentLogout")
        await anna.closed(1000)

    play(story, server)


def test_earlier_chats_of_the_same_customer_are_shown(server):
    async def story(stage):
        anna = await stage.agent("anna")
        for i in range(3):
            john = await stage.chatting(anna, email="john@example.com")
            await john.send("newMessage", message=f"word {i}")
            await anna.got("newMessage")
            await john.send("closeConversation")
            await john.got("closeConversation")
            await john.closed(1000)
            await anna.got("customerDisconnect")
        john = await stage.customer(email="JOHN@example.com")
        await anna.got("ext.contactOffered")
        assert (await anna.join(john.guid))["previousTranscripts"] == 3
        await john.got("newParticipant")
        await anna.send("customerHistory", guid=john.guid, amount=2)
        history = (await anna.got("customerHistory"))["history"]
        assert [h["transcript"].rsplit(": ", 1)[1].strip() for h in history] == [
            "word 2", "word 1"]
        assert {(h["source"], h["contactType"]) for h in history} == {
            ("Text Chat History", "Web_Communications")}
        vera = await stage.agent("vera", ready=False)
        await vera.send("customerHistory", guid=john.guid, amount=2)
        await vera.error(1011)

    play(story, server)


def test_lampctl_shows_queues_rooms_and_agents(server):
    chat.configure(server, **{"skillset.WC_Shut.inService": "no"})

    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna, name="John")
        await john.send("newMessage", message="secret")
        await anna.got("newMessage")
        jane = await stage.customer("WC_Support")
        await anna.got("ext.contactOffered")
        await anna.send("ext.setReadyState", ready=False)
        await anna.got("ext.contactWithdrawn")
        await anna.got("ext.agentState")

        def look(*words):
            return server.ctl("chat", *words)

        (status,) = look("status")
        assert (status["rooms"], status["queued"], status["agents"], status["ready"],
                status["messages_in"]) == (1, 1, 1, 0, 1)
        queues = {q["skillset"]: q for q in look("queues")}
        assert (queues["WC_Support"]["waiting"], queues["WC_Support"]["agents"],
                queues["WC_Support"]["ready"]) == (1, 1, 0)
        assert not queues["WC_Shut"]["open"]
        assert any("no agent is ready" in text for text in server.said)
        assert any(text.startswith("WC_Shut takes no chats") for text in server.said)
        rooms = {r["guid"]: r for r in look("rooms")}
        assert (rooms[john.guid]["state"], rooms[john.guid]["owner"]) == ("active", "anna")
        assert (rooms[jane.guid]["state"], rooms[jane.guid]["position"]) == ("queued", 1)
        (agent,) = look("agents")
        assert (agent["agent"], agent["state"], agent["rooms"]) == ("anna", "notReady", 1)
        (member,) = look("contact", str(john.guid))
        assert (member["agent"], member["mode"]) == ("anna", "owner")
        assert not any("secret" in text for text in server.said)
        for wrong in ("x", "0", "99999"):
            with pytest.raises(lampfield.Failed):
                look("contact", wrong)
        assert any(row["name"] == "chat.agentLabel" for row in look("settings"))

    play(story, server)
