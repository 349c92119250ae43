"""Web chat from outside: real sockets, a real store, and restarts."""

import asyncio
import contextlib
import os
import socket
import sqlite3

import pytest
import websockets

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


# What was said, as the first version kept it.
POSTS_BEFORE = """
ALTER TABLE chat_post RENAME TO newer;
CREATE TABLE chat_post (guid BIGINT NOT NULL, seq BIGINT NOT NULL,
    wall_ms BIGINT NOT NULL, kind BIGINT NOT NULL, agent TEXT, name TEXT NOT NULL,
    body TEXT NOT NULL, destination TEXT, sent BIGINT NOT NULL, PRIMARY KEY (guid, seq));
INSERT INTO chat_post SELECT guid, seq, wall_ms, kind, agent, name, body, destination, sent
    FROM newer;
DROP TABLE newer;
DELETE FROM store_migration WHERE room = 'chat' AND number = 2;
"""


def in_database(server, script):
    with contextlib.closing(sqlite3.connect(f"{server.folder}/lampfield.db")) as db:
        answer = db.execute(script).fetchall() if script.startswith("SELECT") \
            else db.executescript(script)
        db.commit()
    return answer


def test_a_store_of_the_version_before_is_taken_over(server):
    async def before():
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna")
        await anna.ready()
        rooms = []
        for i in range(2):
            rooms.append(await (await Customer(port).open()).request())
            await anna.got("ext.contactOffered")
            await anna.join(rooms[i].guid)
        for i in range(80): # more than one statement drops
            await rooms[i % 2].send("newMessage", message=str(i))
            await anna.got("newMessage")
        return rooms

    async def after(rooms):
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna", reconnect=True)
        for i, room in enumerate(rooms):
            details = await anna.join(room.guid)
            said = [m["message"] for m in details["conversationTranscript"]["messages"]]
            assert said == [str(n) for n in range(i, 80, 2)]
            await anna.says(room.guid, "still here")
            await anna.send("agentQuitChat", guid=room.guid)
            await anna.until("agentQuitChat")
            await anna.send("agentSetClosedReason", guid=room.guid, closedReasonCode=44)
            await anna.until("agentSetClosedReason")

    rooms = asyncio.run(before())
    server.stop()
    in_database(server, POSTS_BEFORE)
    server.start()
    run(after(rooms))
    server.stop()
    # What is over is a transcript, and nothing else of it is left.
    assert in_database(server, "SELECT count(*) FROM chat_post") == [(0,)]
    assert in_database(server, "SELECT count(*) FROM chat_past") == [(2,)]


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


def test_agents_are_pinged_as_often_as_the_setting_says(server):
    with socket.create_connection(("127.0.0.1", server.web_port), chat.DEADLINE) as raw:
        raw.sendall(b"GET /AgentControllerWeb/chat HTTP/1.1\r\nHost: a\r\n"
                    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    b"Sec-WebSocket-Version: 13\r\n\r\n")
        data = b""
        while b"\r\n\r\n" not in data:
            data += raw.recv(4096)
        # Also for who is connected already; the default is 30 seconds.
        chat.configure(server, keepAliveTime_inSeconds=5)
        assert raw.recv(4096) == b"\x89\x00"


QUEUE = "/CustomerControllerWeb/currentqueue"
CALLBACK = "/CustomerControllerWeb/callback"


def test_a_customer_who_says_nothing_for_90_seconds_is_lost(server, tmp_path):
    server.stop()
    ahead = tmp_path / "ahead"
    ahead.write_text("+0")
    server.env = {
        "LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1", "FAKETIME_NO_CACHE": "1",
        "FAKETIME_TIMESTAMP_FILE": str(ahead),
        "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
    server.start()

    async def story():
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna")
        await anna.ready()
        john = await (await Customer(port).open()).request()
        await anna.got("ext.contactOffered")
        await anna.join(john.guid)
        await john.got("newParticipant")

        async def later(seconds):
            """Server time; what the agent was told because of it. The loop
            looks at the clock after the first ping, and acts before the next."""
            ahead.write_text(f"+{seconds}")
            told, pings = [], 0
            await anna.send("ping")
            while pings < 2:
                body = (await anna.next())["body"]
                if body["method"] != "ping":
                    told.append(body)
                    continue
                pings += 1
                await anna.send("ping")
            await anna.got("ping")
            return told

        assert not await later(60)
        await john.quiet() # a ping counts as life
        assert not await later(149)
        told, = await later(151) # WebSocket pongs came meanwhile, and do not
        assert told["method"] == "customerConnectionStatus" and not told["isConnected"]
        await john.closed(4001)
        await anna.says(john.guid, "still there?")
        back = await (await Customer(port).open()).resume(john)
        assert (back.guid, back.key) == (john.guid, john.key)
        await back.got("newParticipant")
        assert (await back.got("newMessage"))["message"] == "still there?"
        assert (await anna.got("customerConnectionStatus"))["isConnected"]

    run(story())


def test_queue_metrics_and_cross_origin_rules(server):
    async def waiting():
        return await (await Customer(server.web_port).open()).request()

    john = asyncio.run(waiting())
    port = server.web_port
    status, headers, answer = chat.post(port, QUEUE, {"skillset": "WC_Sales"})
    assert status == 200 and headers["Cache-Control"] == "no-store"
    assert answer["body"]["metrics"] == [
        {"queueName": "WC_Sales", "availableAgentsInQueue": 0,
         "customersInQueue": 1, "maxConcurrentChats": 50}], john.guid
    assert len(chat.post(port, QUEUE, {"skillset": ""})[2]["body"]["metrics"]) == 2
    assert chat.post(port, QUEUE, {"skillset": "no"})[2]["body"]["metrics"] == []
    assert chat.post(port, QUEUE, "{")[0] == 400
    assert chat.post(port, QUEUE, {"skillset": 7})[0] == 400
    assert chat.post(port, QUEUE, {"skillset": "x" * 20000})[0] == 413
    assert chat.post(port, QUEUE, {}, verb="PUT")[0] == 405

    origin = {"Origin": "https://shop.example:444"}
    assert chat.post(port, QUEUE, {"skillset": ""}, **origin)[0] == 403
    chat.configure(server, externalWebServerDomains="other.example, SHOP.example")
    status, headers, _ = chat.post(port, QUEUE, {"skillset": ""}, **origin)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == origin["Origin"]
    status, headers, _ = chat.post(port, QUEUE, "", verb="OPTIONS", **origin)
    assert status == 200 and headers["Access-Control-Max-Age"] == "1800"


def test_callbacks_are_limited_and_survive(server):
    chat.configure(server, **{"skillset.OB_Sales.kind": "outbound",
                              "skillset.OB_Sales.displayName": "Sales"})
    port = server.web_port
    assert chat.post(port, CALLBACK, {"method": "getSkillsets"})[2] == {"OB_Sales": "Sales"}
    ask = {"method": "callBack", "phone": "733277", "countryCode": "+353",
           "skillset": "OB_Sales", "date": 1450000000000, "email": "a@example.com"}
    for _ in range(3):
        status, _, answer = chat.post(port, CALLBACK, ask)
        assert (status, answer) == (200, {"status": "Your request has been received"})
    server.kill()
    server.start()
    port = server.web_port
    status, _, answer = chat.post(port, CALLBACK, dict(ask, email=" A@Example.com "))
    assert status == 429 and answer["body"]["code"] == 1004
    assert chat.post(port, CALLBACK, dict(ask, email=None))[0] == 200
    status, _, answer = chat.post(port, CALLBACK, dict(ask, skillset="WC_Sales"))
    assert status == 400 and answer["body"]["code"] == 1003
    assert chat.post(port, CALLBACK, {"method": "callBack"})[2]["body"]["code"] == 1


def test_waits_can_come_from_outside(server):
    path = "/AccQueueService/services/QueueServiceWs"
    chat.configure(server, **{"skillset.WC_Sales.ewtSource": "external"})

    def update(guid, wait, place):
        return chat.post(server.web_port, path, f"""<?xml version="1.0"?>
            <e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
            <q:updateStartingEwtandPIQ xmlns:q="urn:x"><a>{guid}</a><b>{wait}</b>
            <c>{place}</c></q:updateStartingEwtandPIQ></e:Body></e:Envelope>""")[0]

    async def story():
        john = await (await Customer(server.web_port).open()).request()
        await john.send("queueStatus")
        assert (await john.got("queueStatus"))["positionInQueue"] == 0
        assert update(john.guid, 90, 3) == 200
        await john.send("queueStatus")
        body = await john.got("queueStatus")
        assert (body["positionInQueue"], body["estimatedWaitTime"]) == (3, 90)
        assert update(john.guid + 1, 90, 3) == 500
        assert update("x", 90, 3) == 500

    run(story())
    assert "updateStartingEwtandPIQ" in chat.post(
        server.web_port, path + "?WSDL", "", verb="GET")[2]


class Filter:
    """A transcript filter service that can be told to fail."""

    def __init__(self):
        import http.server
        import threading
        self.status, self.texts = 200, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                import json
                texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.texts.append(texts)
                body = json.dumps([t + " been filtered" for t in texts]).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/rest/filter/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_transcripts_are_filtered_shown_and_mailed(server, tmp_path, cleanup):
    import email
    spool = tmp_path / "spool"
    spool.mkdir()
    server.stop()
    server.conf["chat"] = {"spool": str(spool)}
    server.start()
    service = cleanup(Filter())
    chat.configure(server, transcriptFilterUrl=service.url)

    async def talk(port):
        anna = await (await Agent(port).open()).login("anna", reconnect=True)
        await anna.ready()
        john = await (await Customer(port).open()).request(email="john@example.com")
        await anna.until("ext.contactOffered")
        return anna, john

    async def story():
        port = server.web_port
        anna, john = await talk(port)
        details = await anna.join(john.guid)
        assert details["previousTranscripts"] == 0
        await john.send("newMessage", message="hi")
        await anna.got("newMessage")
        await anna.say(john.guid, "rich", "whisper")
        await anna.got("newMessage", "acknowledgement")
        await anna.send("agentQuitChat", guid=john.guid)
        await anna.got("agentQuitChat")
        await anna.send("agentSetClosedReason", guid=john.guid, closedReasonCode=44,
                        agentNote="note", sendTranscript=True)
        assert (await anna.got("agentSetClosedReason"))["accepted"]
        path = spool / f"chat-{john.guid}.eml"
        while not path.exists():
            await asyncio.sleep(0.05)
        mail = email.message_from_bytes(path.read_bytes())
        text = mail.get_payload(decode=True).decode()
        assert mail["To"] == "john@example.com"
        assert "hi been filtered" in text and "rich" not in text

        john2 = await (await Customer(port).open()).request(email=" JOHN@example.com")
        await anna.got("ext.contactOffered")
        assert (await anna.join(john2.guid))["previousTranscripts"] == 1
        await anna.send("customerHistory", guid=john2.guid, amount=5)
        (past,) = (await anna.got("customerHistory"))["history"]
        assert past["source"] == "Text Chat History With Whispers"
        assert "John: hi been filtered" in past["transcript"]

    run(story())
    assert service.texts == [["hi", "rich"]]


def test_a_failing_filter_keeps_words_off_the_disk(server, tmp_path, cleanup):
    service = cleanup(Filter())
    service.status = 500
    chat.configure(server, transcriptFilterUrl=service.url)

    async def story():
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna")
        await anna.ready()
        john = await (await Customer(port).open()).request(email="john@example.com")
        await anna.got("ext.contactOffered")
        await anna.join(john.guid)
        await john.send("newMessage", message="topsecretword")
        await anna.got("newMessage")
        await john.send("closeConversation")
        await anna.got("customerDisconnect")
        while "kept in memory" not in server.text():
            await asyncio.sleep(0.05)
        service.status = 200
        while len(service.texts) < 2:
            await asyncio.sleep(0.05)

    run(story())


def test_an_agent_on_the_phone_gets_no_offer(server, tmp_path, cleanup):
    sim = cleanup(lampfield.Sim(tmp_path))
    chat.configure(server, busyPhoneIsNotReady="yes")
    server.ctl("user", "set", "anna", "ext=2001")
    server.add_feed(sim.server, package="presence")

    async def story():
        port = server.web_port
        anna = await (await Agent(port).open()).login("anna")
        sim.run("state 2001 busy")
        while server.lamps().get("2001") != "busy":
            await asyncio.sleep(0.05)
        await anna.ready()
        john = await (await Customer(port).open()).request()
        await anna.send("ping")
        await anna.got("ping")
        sim.run("state 2001 idle")
        assert (await anna.got("ext.contactOffered"))["guid"] == john.guid

    run(story())


def test_strangers_are_bounded(server):
    async def story():
        port = server.web_port
        john = await (await Customer(port).open()).request()
        await john.send("newMessage", message="x" * 10001)
        await john.error(1)
        await john.ws.send("x" * 262145)
        await john.closed(1009)
        binary = await Customer(port).open()
        await binary.ws.send(b"{}")
        await binary.closed(1003)
        chat.configure(server, connectsPerMinutePerAddress=3)
        codes = []
        for _ in range(6):
            c = await Customer(port).open()
            try:
                await c.send("ping")
                await c.got("ping")
            except chat.Closed as e:
                codes.append(e.code)
            except websockets.ConnectionClosed as e:
                codes.append(e.rcvd.code)
        assert codes and set(codes) == {1008}

    run(story())


def test_a_reader_that_never_reads_is_closed(server):
    async def story():
        port = server.web_port
        chat.configure(server, agentReconnectSeconds=0)
        anna = await (await Agent(port, max_queue=1).open()).login("anna")
        await anna.ready()
        john = await (await Customer(port).open()).request()
        await anna.got("ext.contactOffered")
        await anna.join(john.guid)
        await john.got("newParticipant")
        for _ in range(100):
            await anna.say(john.guid, "x" * 9000)
            await anna.got("newMessage", "acknowledgement")
            await john.got("newMessage")
        anna.ws.transport.pause_reading()
        for _ in range(40): # the whole room each time
            await anna.send("agentJoinRoom", guid=john.guid, joinType="active")
        await john.got("participantLeave")

    run(story())
