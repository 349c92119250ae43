"""kill -9 again and again under load: nothing acknowledged is lost or doubled.

One life after the other of lampfieldd: agents talk in their rooms, customers
answer, others queue; at a random moment the server is killed. What was
acknowledged to an agent, or shown to anybody, must be in the room afterwards,
once and in the order in which it was seen; places in the queue stay, numbers
are never used twice. KILLS=200 for the long run.
"""

import asyncio
import os
import random
import subprocess

import websockets

import chat
import lampfield
from chat import Agent, Closed, Customer

# A disk that takes its time: what is told too early is then really lost.
SLOW_DISK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        real = dlsym(RTLD_NEXT, "pwrite64");
    usleep(3000);
    return real(fd, data, len, at);
}
"""

KILLS = int(os.environ.get("KILLS", "15"))
ROOMS = 4
FULL = 6000


class Room:
    """What everybody was told about one chat."""

    def __init__(self):
        self.customer = None
        self.seen = []     # by the agent: texts, in order
        self.acked = set() # sent by the agent and acknowledged
        self.shown = []    # to the customer

    def size(self):
        return len(self.seen) + len(self.acked)


def order_is_kept(part, whole):
    """Is `part` in `whole`, in its order?"""
    rest = iter(whole)
    return all(any(x == y for y in rest) for x in part)


async def talk(agent, rooms, counter):
    """Says things in all rooms until the socket dies."""
    while True:
        for guid in rooms:
            counter[0] += 1
            await agent.say(guid, f"a{counter[0]}")
        await asyncio.sleep(0.002)


async def answer(room, counter):
    while True:
        counter[0] += 1
        await room.customer.send("newMessage", message=f"c{counter[0]}")
        await asyncio.sleep(0.005)


async def listen_agent(agent, rooms):
    sent = {guid: [] for guid in rooms}
    original = agent.say

    async def say(guid, text, kind="normal"):
        sent[guid].append(text)
        await original(guid, text, kind)

    agent.say = say
    while True:
        message = await agent.next()
        body = message["body"]
        if message["type"] == "acknowledgement":
            text = sent[body["guid"]].pop(0)
            rooms[body["guid"]].acked.add(text)
        elif body["method"] == "newMessage":
            rooms[body["guid"]].seen.append(body["message"])


async def listen_customer(room):
    while True:
        message = await room.customer.next()
        if message["body"]["method"] == "newMessage":
            room.shown.append(message["body"]["message"])


async def until_killed(server, tasks, moment):
    running = [asyncio.ensure_future(t) for t in tasks]
    await asyncio.sleep(moment)
    server.kill()
    results = await asyncio.gather(*running, return_exceptions=True)
    for r in results:
        assert isinstance(r, (Closed, websockets.ConnectionClosed)), r


async def begin(agent, port, rooms, waiting):
    await agent.ready()
    for _ in range(ROOMS):
        room = Room()
        room.customer = await (await Customer(port).open()).request()
        await agent.got("ext.contactOffered")
        await agent.join(room.customer.guid)
        rooms[room.customer.guid] = room
    await agent.send("ext.setReadyState", ready=False)
    await agent.got("ext.agentState")
    for _ in range(3):
        waiting.append(await (await Customer(port).open()).request("WC_Support"))


async def go_on(agent, port, rooms, waiting):
    for place, old in enumerate(waiting, 1):
        new = await (await Customer(port).open()).resume(old)
        await new.send("queueStatus")
        assert (await new.got("queueStatus"))["positionInQueue"] == place
        waiting[place - 1] = new
    for guid, room in rooms.items():
        check(room, await agent.join(guid))
        room.customer = await (await Customer(port).open()).resume(room.customer)
        assert (await room.customer.got("newParticipant"))["agentId"] == "anna"


async def end(agent, rooms, waiting):
    """All go home, before a room is full (10,000 messages)."""
    for customer in waiting:
        await customer.send("closeConversation")
        await customer.until("closeConversation")
    for guid in rooms:
        await agent.send("agentQuitChat", guid=guid)
        await agent.until("agentQuitChat")
        await agent.send("agentSetClosedReason", guid=guid, closedReasonCode=44)
        await agent.until("agentSetClosedReason")
    await agent.send("agentLogout")
    await agent.closed(1000)
    waiting.clear()
    rooms.clear()


async def one_life(server, rooms, waiting, counter, guids):
    port = server.web_port
    agent = await (await Agent(port).open()).login("anna", reconnect=True)
    if rooms:
        await go_on(agent, port, rooms, waiting)
    if any(r.size() > FULL for r in rooms.values()):
        await end(agent, rooms, waiting)
        agent = await (await Agent(port).open()).login("anna")
    if not rooms:
        await begin(agent, port, rooms, waiting)
    new = await (await Customer(port).open()).request("WC_Support")
    assert new.guid not in guids
    guids.add(new.guid)
    await new.send("closeConversation")
    await new.got("closeConversation")
    tasks = [listen_agent(agent, rooms), talk(agent, rooms, counter)]
    for room in rooms.values():
        tasks += [listen_customer(room), answer(room, counter)]
    await asyncio.sleep(0)
    await until_killed(server, tasks, random.uniform(0.1, 0.6))


def check(room, details):
    said = [m["message"] for m in details["conversationTranscript"]["messages"]]
    assert len(said) == len(set(said)), "doubled"
    missing = room.acked - set(said)
    assert not missing, f"acknowledged and lost: {missing}"
    assert order_is_kept(room.seen, said), "shown to the agent, and lost or moved"
    shown = list(dict.fromkeys(room.shown)) # sent again only after a crash
    assert order_is_kept(shown, said), "shown to the customer, and lost or moved"


def slow_disk(folder):
    source, library = folder / "slow.c", folder / "slow.so"
    source.write_text(SLOW_DISK)
    subprocess.run(["cc", "-shared", "-fPIC", "-D_LARGEFILE64_SOURCE", "-o", library,
                    source, "-ldl"], check=True)
    # With the address sanitizer, whose library would want to be the first.
    return {"LD_PRELOAD": str(library),
            "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}


def test_nothing_acknowledged_is_lost(tmp_path):
    server = lampfield.Server(tmp_path, env=slow_disk(tmp_path)).start()
    try:
        chat.set_up(server)
        rooms, waiting, counter, guids, everything = {}, [], [0], set(), {}
        for _ in range(KILLS):
            asyncio.run(one_life(server, rooms, waiting, counter, guids))
            everything.update(rooms)
            server.start()
        acked = sum(len(r.acked) for r in everything.values())
        seen = sum(len(r.seen) + len(r.shown) for r in everything.values())
        assert acked > 10 * KILLS and seen > 10 * KILLS
        print(f"{KILLS} kills, {len(everything)} rooms, {acked} acknowledged, {seen} shown")
    finally:
        server.stop()
