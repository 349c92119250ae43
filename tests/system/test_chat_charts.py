"""The sequence charts of the web chat protocol, section 11, on real sockets.

Each test follows its chart line by line, and ends with everybody quiet: what
is not in the chart must not come.
"""

import asyncio

import pytest

import chat
import lampfield
from chat import Stage


@pytest.fixture
def server(tmp_path):
    s = lampfield.Server(tmp_path).start()
    try:
        chat.set_up(s, ("anna", "bert", "dora"))
        yield s
    finally:
        s.stop()


def play(story, server):
    async def whole():
        stage = Stage(server)
        await story(stage)
        await stage.quiet()

    asyncio.run(asyncio.wait_for(whole(), 60))


def ids(body, key="id"):
    """Who is in a list of participants."""
    assert body["numberOfParticipants"] == len(body["participants"])
    return [p[key] for p in body["participants"]]


def test_end_to_end(server):
    chat.configure(server, **{
        "skillset.WC_Sales.welcomeMessage": "Welcome!",
        "skillset.WC_Sales.comfortGroups": "calm",
        "skillset.WC_Sales.webOnHoldUrlGroups": "tour",
        "comfort.calm.delay": 7, "comfort.calm.messages": '["one","two"]',
        "urlGroup.tour.holdTime": 9, "urlGroup.tour.urls": '["http://a.example/"]',
        "screenPop.crm.target": "http://crm.example/?c=%VALUE%"})

    async def story(stage):
        john = await chat.Customer(server.web_port).open()
        stage.people.append(john)
        await john.send("requestChat", guid=None, authenticationKey=None,
                        intrinsics={"skillset": "WC_Sales", "name": "John"})
        told = await john.got("requestChat")
        guid = john.note(told).guid
        assert len(john.key) == 22 and john.key.isalnum()
        (group,) = told["webOnHoldComfortGroups"]
        assert (group["groupName"], group["delay"], group["numberOfMessages"]) == ("calm", 7, 2)
        assert group["messages"][0] == {"message": "one", "sequence": 1}
        (pages,) = told["webOnHoldURLs"]
        assert (pages["tag"], pages["urls"]) == ("tour", [{"url": "http://a.example/"}])
        assert told["intrinsics"]["name"] == "John"
        await john.send("queueStatus")
        status = await john.got("queueStatus")
        assert (status["positionInQueue"], status["estimatedWaitTime"]) == (1, 60)

        anna = await stage.agent("anna")
        offer = await anna.got("ext.contactOffered")
        assert (offer["guid"], offer["joinType"]) == (guid, "active")
        details = await anna.join(guid)
        assert details["currentParticipantList"]["participants"] == [
            {"agentId": "anna", "userType": "active_participant"}]
        joined = await john.got("newParticipant")
        assert (joined["agentId"], joined["role"], ids(joined)) == (
            "anna", "active_participant", ["anna"])
        assert (await john.got("newMessage"))["message"] == "Welcome!"
        welcome = await anna.got("newMessage")
        assert welcome["messageType"] == "welcomeMessage"
        assert welcome["sender"] == {"type": "agent", "agentId": "anna"}

        await anna.send("screenPops")
        (pop,) = (await anna.got("screenPops"))["screenPops"]
        assert pop["target"] == f"http://crm.example/?c={guid}"
        await john.send("isTyping", isTyping=True)
        typing = await anna.got("isTyping")
        assert typing["isTyping"] and typing["sender"] == {"type": "customer"}
        await john.send("newMessage", message="hi")
        heard = await anna.got("newMessage")
        assert (heard["message"], heard["sender"], heard["messageType"],
                heard["displayName"]) == ("hi", {"type": "customer"}, "normal", "John")
        await anna.says(guid, "hello")
        heard = await john.got("newMessage")
        assert (heard["message"], heard["displayName"]) == ("hello", "Agent")
        assert "messageType" not in heard
        await john.send("ping")
        assert await john.got("ping") == {"method": "ping"}

    play(story, server)


def test_reconnect(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        john.drop()
        assert not (await anna.got("customerConnectionStatus"))["isConnected"]
        await anna.says(john.guid, "still there?")
        back = await stage.resume(john)
        assert (back.guid, back.key) == (john.guid, john.key)
        assert (await anna.got("customerConnectionStatus"))["isConnected"]
        assert ids(await back.got("newParticipant")) == ["anna"]
        assert (await back.got("newMessage"))["message"] == "still there?"
        await back.quiet()

        chat.configure(server, customerReconnectSeconds=1)
        back.drop()
        assert not (await anna.got("customerConnectionStatus"))["isConnected"]
        gone = await anna.got("customerDisconnect")
        assert gone["closedReasons"] == [
            {"closedReasonCode": 44, "closedReason": "Resolved"}]
        late = await chat.Customer(server.web_port).open()
        await late.send("requestChat", guid=john.guid, authenticationKey=john.key)
        await late.error(2)

    play(story, server)


def test_agent_declines(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john, jane = await stage.customer(), await stage.customer()
        for customer in (john, jane):
            assert (await anna.got("ext.contactOffered"))["guid"] == customer.guid
        await anna.send("ext.declineContact", guid=john.guid)
        for customer in (john, jane):
            withdrawn = await anna.got("ext.contactWithdrawn")
            assert (withdrawn["guid"], withdrawn["cause"]) == (customer.guid, "declined")
        state = await anna.got("ext.agentState")
        assert (state["readyState"], state["cause"]) == ("notReady", "declined")
        bert = await stage.agent("bert")
        for customer in (john, jane):
            assert (await bert.got("ext.contactOffered"))["guid"] == customer.guid

    play(story, server)


def test_transfer_to_a_skillset(server):
    chat.configure(server, **{"agent.anna.skillsets": "WC_Sales",
                              "agent.dora.skillsets": "WC_Sales",
                              "agent.bert.skillsets": "WC_Support",
                              "skillset.WC_Support.welcomeMessage": "no"})

    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        guid = john.guid
        assert not await anna.asks(guid, "queue", "14")
        bert = await stage.agent("bert")
        await john.send("newMessage", message="so far")
        await anna.got("newMessage")
        await anna.send("getDestinations", guid=guid)
        where = await anna.got("getDestinations")
        assert where["allowTransferToSkillset"] and where["allowTransferToAgent"]
        support = next(d for d in where["destinations"] if d["queueId"] == 14)
        assert (support["queueName"], support["routepoint"]) == ("WC_Support", "WebChatRP")
        assert [a["agentId"] for a in support["agents"]] == ["bert"]

        assert await anna.asks(guid, "queue", "14", ext={"transferReason": "needs help"})
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("anna", False, [])
        offer = await bert.got("ext.contactOffered")
        assert (offer["guid"], offer["transferReason"]) == (guid, "needs help")
        details = await bert.join(guid)
        said = details["conversationTranscript"]["messages"]
        assert [m["message"] for m in said] == ["so far"]
        assert ids(await john.got("newParticipant")) == ["bert"]

    play(story, server)


def test_consult_then_complete_transfer(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        guid = john.guid
        bert = await stage.agent("bert")
        assert await anna.asks(guid, "consult", "bert")
        offer = await bert.got("ext.contactOffered")
        assert (offer["guid"], offer["joinType"]) == (guid, "consult")
        await bert.join(guid, "consult")
        active = await anna.got("activeAgentNotification")
        assert (active["agentId"], active["userType"]) == ("bert", "passive_participant")
        joined = await john.got("newParticipant")
        assert (joined["agentId"], joined["role"], ids(joined)) == (
            "bert", "passive_participant", ["anna", "bert"])
        await anna.says(guid, "rich", "whisper")
        assert (await bert.got("newMessage"))["messageType"] == "whisper"
        await bert.say(guid, "hello")
        await bert.error(1012)
        await john.quiet()

        assert await anna.asks(guid, "agent", "bert")
        assert (await bert.got("changeConferenceOwner"))["newOwner"] == "bert"
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("anna", False, ["bert"])
        assert left["participants"][0]["type"] == "active_participant"
        assert not await bert.asks(guid, "agent", "anna")
        assert (await stage.customer()).guid == (await anna.got("ext.contactOffered"))["guid"]

    play(story, server)


def test_consult_then_conference(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        guid = john.guid
        bert, dora = await stage.agent("bert"), await stage.agent("dora")
        await stage.consulting(anna, ("bert", bert), john)
        assert await anna.asks(guid, "conference", "bert")
        await bert.says(guid, "I can help")
        assert (await john.got("newMessage"))["message"] == "I can help"
        assert (await anna.got("newMessage"))["sender"]["agentId"] == "bert"
        assert not await anna.asks(guid, "consult", "dora")

        await anna.send("agentQuitChat", guid=guid)
        assert (await anna.got("agentQuitChat"))["closedReasons"] == []
        assert (await bert.got("changeConferenceOwner"))["newOwner"] == "bert"
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("anna", False, ["bert"])
        await bert.send("agentQuitChat", guid=guid)
        assert (await bert.got("agentQuitChat"))["closedReasons"]
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("bert", True, [])
        await john.closed(1000)
        assert dora

    play(story, server)


def test_owner_change(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        bert = await stage.agent("bert")
        await stage.consulting(anna, ("bert", bert), john)
        assert await anna.asks(john.guid, "conference", "bert")
        await anna.send("changeConferenceOwner", guid=john.guid)
        for agent in (anna, bert):
            assert (await agent.got("changeConferenceOwner"))["newOwner"] == "bert"
        await john.quiet()
        await anna.says(john.guid, "still speaking")
        await john.got("newMessage")
        await bert.got("newMessage")

    play(story, server)


def test_drop_passive(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        bert = await stage.agent("bert")
        await stage.consulting(anna, ("bert", bert), john)
        await anna.send("dropPassiveParticipant", guid=john.guid)
        out = await bert.got("exitRoom")
        assert (out["agentId"], out["scenario"]) == ("bert", "dropped by conference owner")
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("bert", False, ["anna"])
        await anna.send("dropPassiveParticipant", guid=john.guid)
        await anna.error(1013)

    play(story, server)


async def observed(stage):
    """anna and john chat, vera watches."""
    anna = await stage.agent("anna")
    john = await stage.chatting(anna)
    vera = await stage.agent("vera", ready=False)
    await vera.join(john.guid, "observe")
    active = await anna.got("activeAgentNotification")
    assert (active["agentId"], active["userType"]) == ("vera", "supervisor_observe")
    return anna, john, vera


def test_observe(server):
    async def story(stage):
        anna, john, vera = await observed(stage)
        guid = john.guid
        await vera.send("agentData")
        data = await vera.got("agentData")
        assert data["thresholds"]["numberOfAgentMessages"] == {"threshold": 5, "priority": 4}
        (row,) = data["agents"]
        assert (row["agentId"], [c["guid"] for c in row["conversations"]]) == ("anna", [guid])
        await anna.says(guid, "one")
        await anna.says(guid, "rich", "whisper")
        await john.send("newMessage", message="two")
        heard = [await vera.got("newMessage") for _ in range(3)]
        assert [m["message"] for m in heard] == ["one", "rich", "two"]
        await vera.say(guid, "no")
        await vera.error(1012)
        await vera.send("leaveRoom", guid=guid)
        assert (await vera.got("exitRoom"))["scenario"] == "left room"
        await anna.got("newMessage")
        assert (await john.got("newMessage"))["message"] == "one"

    play(story, server)


def test_barge(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        guid = john.guid
        vera = await stage.agent("vera", ready=False)
        assert not await vera.asks(guid, "barge", "anna")
        await vera.join(guid, "observe")
        await anna.got("activeAgentNotification")
        assert await vera.asks(guid, "barge", "anna")
        assert (await anna.got("supervisorBarge"))["supervisorId"] == "vera"
        joined = await john.got("newParticipant")
        assert (joined["agentId"], joined["role"]) == ("vera", "active_participant")
        assert [(p["id"], p["type"]) for p in joined["participants"]] == [
            ("anna", "passive_participant"), ("vera", "active_participant")]
        await anna.say(guid, "no")
        await anna.error(1012)
        await anna.says(guid, "rich", "whisper")
        assert (await vera.got("newMessage"))["messageType"] == "whisper"
        await vera.says(guid, "hello")
        assert (await john.got("newMessage"))["message"] == "hello"
        await anna.got("newMessage")

        await vera.send("agentQuitChat", guid=guid)
        assert (await vera.got("agentQuitChat"))["closedReasons"] == []
        assert (await anna.got("changeConferenceOwner"))["newOwner"] == "anna"
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("vera", False, ["anna"])
        await anna.says(guid, "back")
        assert (await john.got("newMessage"))["message"] == "back"

    play(story, server)


def test_close_by_agent(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        await anna.send("agentQuitChat", guid=john.guid)
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("anna", True, [])
        await john.closed(1000)
        assert (await anna.got("agentQuitChat"))["closedReasons"] == [
            {"closedReasonCode": 44, "closedReason": "Resolved"}]
        for accepted in (True, False):
            await anna.send("agentSetClosedReason", guid=john.guid, closedReasonCode=44,
                            agentNote="note", sendTranscript=True)
            assert (await anna.got("agentSetClosedReason"))["accepted"] == accepted

    play(story, server)


def test_close_by_customer(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        jane = await stage.customer()
        assert (await anna.got("ext.contactOffered"))["guid"] == jane.guid
        await john.send("closeConversation")
        assert (await john.got("closeConversation"))["result"]
        await john.closed(1000)
        assert (await anna.got("customerDisconnect"))["closedReasons"]
        await anna.send("agentSetClosedReason", guid=john.guid, closedReasonCode=44)
        assert (await anna.got("agentSetClosedReason"))["accepted"]

        await jane.send("closeConversation")
        await jane.got("closeConversation")
        await jane.closed(1000)
        withdrawn = await anna.got("ext.contactWithdrawn")
        assert (withdrawn["guid"], withdrawn["cause"]) == (jane.guid, "customerLeft")
        next_one = await stage.customer()
        assert (await anna.got("ext.contactOffered"))["guid"] == next_one.guid
        late = await chat.Customer(server.web_port).open()
        await late.send("requestChat", guid=john.guid, authenticationKey=john.key)
        await late.error(2)

    play(story, server)


def test_agent_connection_lost(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        jane = await stage.customer()
        await anna.got("ext.contactOffered")
        anna.drop()
        bert = await stage.agent("bert", features=("offers", "state", "rooms"))
        assert (await bert.got("ext.contactOffered"))["guid"] == jane.guid
        anna = await stage.agent("anna", ready=False, reconnect=True)
        details = await anna.join(john.guid)
        assert details["guid"] == john.guid
        await john.quiet()

        await bert.send("ext.declineContact", guid=jane.guid)
        await bert.until("ext.agentState")
        await bert.ready()
        assert (await bert.got("ext.contactOffered"))["guid"] == jane.guid
        chat.configure(server, agentReconnectSeconds=1)
        anna.drop()
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("anna", False, [])
        # At the head of the queue: offered at once, and before jane.
        assert (await bert.got("ext.contactOffered"))["guid"] == john.guid
        await john.send("queueStatus")
        assert (await john.got("queueStatus"))["positionInQueue"] == 1

    play(story, server)


def test_a_conference_member_inherits_from_a_lost_owner(server):
    chat.configure(server, agentReconnectSeconds=1)

    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        bert = await stage.agent("bert")
        await stage.consulting(anna, ("bert", bert), john)
        assert await anna.asks(john.guid, "conference", "bert")
        anna.drop()
        assert (await bert.got("changeConferenceOwner"))["newOwner"] == "bert"
        left = await john.got("participantLeave")
        assert (left["agentId"], left["endChatFlag"], ids(left)) == ("anna", False, ["bert"])

    play(story, server)


def test_in_chat_comfort(server):
    chat.configure(server, **{
        "desirableResponseToCust_inSeconds": 1,
        "skillset.WC_Sales.inChatComfortGroup": "soon",
        "comfort.soon.delay": 1, "comfort.soon.messages": '["soon","very soon"]'})

    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        await john.send("newMessage", message="hi")
        asked = (await anna.got("newMessage"))["timestamp"]
        for i, text in enumerate(("soon", "very soon")):
            if i:
                await anna.says(john.guid, "rich", "whisper")  # ends no wait
            told = await anna.got("newMessage")
            assert (told["messageType"], told["message"]) == ("comfortMessage", text)
            assert told["sender"]["agentId"] == "anna"
            assert told["timestamp"] >= asked + 1000 * (i + 1) - 5
            assert (await john.got("newMessage"))["message"] == text
        await anna.says(john.guid, "here")
        assert (await john.got("newMessage"))["message"] == "here"

    play(story, server)


def test_switchover(server):
    async def before(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        others = [await stage.customer() for _ in range(2)]
        for _ in others:
            await anna.got("ext.contactOffered")
        return john, others

    john, others = asyncio.run(before(Stage(server)))
    server.kill()
    server.start()

    async def after(stage):
        back = await stage.resume(john)
        assert (back.guid, back.key) == (john.guid, john.key)
        assert ids(await back.got("newParticipant")) == ["anna"]
        for i, other in enumerate(others):
            again = await stage.resume(other)
            await again.send("queueStatus")
            assert (await again.got("queueStatus"))["positionInQueue"] == i + 1
        anna = await stage.agent("anna", ready=False, reconnect=True)
        state = await anna.got("ext.agentState")
        assert (state["readyState"], state["cause"]) == ("notReady", "switchover")
        await anna.quiet()
        back.drop()
        assert not (await anna.got("customerConnectionStatus"))["isConnected"]
        await anna.ready()
        for other in others:
            assert (await anna.got("ext.contactOffered"))["guid"] == other.guid

    play(after, server)
