"""What administrators decide about chats: how contacts are offered, who is
shown to whom, and what an agent must or may do.
"""

import asyncio

import pytest

import chat
import lampfield
from chat import Customer, Stage


@pytest.fixture
def server(tmp_path):
    s = lampfield.Server(tmp_path).start()
    try:
        chat.set_up(s)
        yield s
    finally:
        s.stop()


def play(story, server, **settings):
    async def whole():
        stage = Stage(server)
        await story(stage)
        await stage.quiet()

    if settings:
        chat.configure(server, **settings)
    asyncio.run(asyncio.wait_for(whole(), 60))


def test_a_client_without_extensions_is_joined_by_the_server(server):
    async def story(stage):
        anna = await stage.agent("anna", ready=False, features=())
        john = await stage.customer()
        assert (await anna.got("agentJoinRoom"))["guid"] == john.guid
        assert (await john.got("newParticipant"))["agentId"] == "anna"

    play(story, server, **{"agent.anna.offerMode": "autoJoin",
                           "agent.anna.autoReadyOnLogin": "yes"})


def test_a_client_without_extensions_joins_what_it_was_told_elsewhere(server):
    async def story(stage):
        anna = await stage.agent("anna", ready=False, features=())
        john = await stage.customer()
        await anna.quiet()
        assert (await anna.join(john.guid))["guid"] == john.guid
        assert (await john.got("newParticipant"))["agentId"] == "anna"

    play(story, server)


def test_members_are_told_of_changes_in_their_room_if_they_ask(server):
    async def story(stage):
        anna = await stage.agent("anna", features=("offers", "state", "rooms"))
        john = await stage.customer()
        await anna.got("ext.contactOffered")
        await anna.join(john.guid)
        await john.got("newParticipant")
        update = await anna.got("ext.roomUpdate")
        assert (update["cause"], update["agentId"]) == ("joined", "anna")
        bert = await stage.agent("bert")
        assert await anna.asks(john.guid, "consult", "bert")
        await stage.joined(bert, john, "consult")
        await anna.got("activeAgentNotification")
        update = await anna.got("ext.roomUpdate")
        assert [(p["agentId"], p["mode"]) for p in update["participants"]] == [
            ("anna", "owner"), ("bert", "consult")]
        bert.drop()
        update = await anna.got("ext.roomUpdate")
        assert [p["connected"] for p in update["participants"]] == [True, False]

    play(story, server)


def test_a_consulted_agent_may_be_hidden_until_the_conference(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        bert = await stage.agent("bert")
        assert await anna.asks(john.guid, "consult", "bert")
        await bert.got("ext.contactOffered")
        await bert.join(john.guid, "consult")
        await anna.got("activeAgentNotification")
        await john.quiet()
        assert await anna.asks(john.guid, "conference", "bert")
        assert (await john.got("newParticipant"))["agentId"] == "bert"

    play(story, server, notifyCustomerOfConsult="no")


def test_a_required_reason_keeps_the_agent_logged_in(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        await anna.send("conferenceClose", guid=john.guid)
        await anna.got("agentQuitChat")
        await john.got("participantLeave")
        await john.closed(1000)
        await anna.send("agentLogout")
        await anna.error(1013)
        for code, accepted in ((None, False), (45, False), (44, True)):
            await anna.send("agentSetClosedReason", guid=john.guid, closedReasonCode=code)
            assert (await anna.got("agentSetClosedReason"))["accepted"] == accepted
        await anna.send("agentLogout")
        await anna.closed(1000)

    play(story, server, closedReasonRequired="yes")


def test_pages_may_be_limited_to_a_list(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        await anna.send("pagePush", guid=john.guid, url="http://b.example/")
        assert (await anna.next())["type"] == "error"
        await anna.send("pagePush", guid=john.guid, url="http://a.example/")
        assert (await john.got("newPushPageMessage"))["pagePushURL"] == "http://a.example/"

    play(story, server, restrictPagePushToList="yes",
         pagePushUrls='{"http://a.example/":"A"}')


def test_customers_may_be_told_that_their_words_are_stored(server):
    async def story(stage):
        john = await stage.customer()
        await john.send("newMessage", message="hi")
        await john.got("newMessage", "acknowledgement")
        anna = await stage.agent("anna")
        details = await stage.joined(anna, john)
        (said,) = details["conversationTranscript"]["messages"]
        assert said["message"] == "hi"

    play(story, server, sendCustomerAcknowledgements="yes")


def test_nobody_waits_for_nobody_if_so_decided(server):
    async def story(stage):
        john = await Customer(server.web_port).open()
        await john.send("requestChat", guid=None, authenticationKey=None,
                        intrinsics={"skillset": "WC_Sales"})
        await john.error(1003)
        await stage.agent("anna", ready=False)
        await john.request()

    play(story, server, rejectWhenNoAgents="yes")


def test_a_silent_customer_is_let_go(server):
    async def story(stage):
        anna = await stage.agent("anna")
        john = await stage.chatting(anna)
        assert (await john.got("participantLeave"))["endChatFlag"]
        await john.closed(1000)
        assert (await anna.got("customerDisconnect"))["closedReasons"]

    play(story, server, forceIdleCustomerCheck="yes",
         forceIdleCustomerCheckTimeout_inSeconds=10)
