"""A customer in Chromium, on a page of another origin, and an agent."""

import asyncio
import contextlib
import os

import pytest

import chat
import lampfield
from chat import Agent
from chromium import Browser, Pages


@pytest.fixture
def server(tmp_path):
    s = lampfield.Server(tmp_path).start()
    try:
        chat.set_up(s)
        yield s
    finally:
        s.stop()


@contextlib.asynccontextmanager
async def customer(server, tmp_path):
    """The browser, with the page loaded; and how to load it again."""
    pages = Pages(os.path.dirname(os.path.abspath(__file__)))
    browser = Browser(tmp_path)
    url = f"http://127.0.0.1:{pages.port}/chat_page.html?server=127.0.0.1:{server.web_port}"
    try:
        await browser.start()
        await browser.visit(url)
        yield browser, url
    finally:
        browser.stop()
        pages.stop()


def run(story):
    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_customer_in_a_browser(server, tmp_path):
    chat.configure(server, externalWebServerDomains="127.0.0.1",
                   checkWebSocketOrigin="yes")

    async def story():
        anna = await (await Agent(server.web_port).open()).login("anna")
        async with customer(server, tmp_path) as (browser, url):
            await browser.shows("#queue", "agents: 1")
            await browser.type("#name", "Zoë 😀")
            await browser.click("#ask button")
            await browser.shows("#queue", "1")
            await anna.ready()
            guid = (await anna.got("ext.contactOffered"))["guid"]
            details = await anna.join(guid)
            assert "Chrome" in details["deviceType"]
            await browser.shows("#status", "with Agent")

            await browser.type("#text", "<b>how much?</b> €")
            assert (await anna.got("isTyping"))["isTyping"]
            await browser.click("#say button")
            said = await anna.until("newMessage")
            assert (said["displayName"], said["message"]) == ("Zoë 😀", "<b>how much?</b> €")
            await anna.says(guid, "ten — with <i>tax</i>")
            await browser.shows("li.theirs", "Agent: ten — with <i>tax</i>")
            await anna.says(guid, "between us", kind="whisper")

            await browser.visit(url) # loaded again: the same chat
            assert not (await anna.until("customerConnectionStatus"))["isConnected"]
            assert (await anna.until("customerConnectionStatus"))["isConnected"]
            await browser.shows("#status", "with Agent")
            await anna.says(guid, "still here?")
            await browser.shows("li.theirs", "Agent: still here?")
            assert await browser.run("document.querySelectorAll('li').length") == 1

            await browser.click("#end")
            await browser.shows("#status", "over")
            await anna.until("customerDisconnect")

    run(story)


LINES = "[...document.querySelectorAll('li')].map(li => li.textContent).join('|')"


def test_a_page_and_an_agent_go_on_after_a_crash(server, tmp_path):
    server.stop() # and then always on the same port
    server.conf["web"] = {"plain": f"127.0.0.1:{lampfield.free_port()}"}
    server.start()
    chat.configure(server, externalWebServerDomains="127.0.0.1")

    async def back(old_guid, said):
        anna = await (await Agent(server.web_port).open()).login("anna", reconnect=True)
        details = await anna.join(old_guid)
        told = details["conversationTranscript"]["messages"]
        assert [m["message"] for m in told] == said[:len(told)]
        for message in said[len(told):]: # what the page kept for us
            assert (await anna.until("newMessage"))["message"] == message
        return anna

    async def story():
        anna = await (await Agent(server.web_port).open()).login("anna")
        await anna.ready()
        said = []
        async with customer(server, tmp_path) as (browser, _):
            await browser.click("#ask button")
            guid = (await anna.got("ext.contactOffered"))["guid"]
            await anna.join(guid)
            await browser.shows("#status", "with Agent")
            for i in range(3):
                await browser.type("#text", f"question {i}")
                await browser.click("#say button")
                assert (await anna.until("newMessage"))["message"] == f"question {i}"
                await anna.says(guid, f"answer {i}")
                await browser.shows("li:last-child", f"Agent: answer {i}")
                server.kill() # at once: that it was sent may not be stored
                await browser.shows("#status", "trying again")
                await browser.type("#text", f"anybody {i}?")
                await browser.click("#say button")
                said += [f"question {i}", f"answer {i}", f"anybody {i}?"]
                server.start()
                anna = await back(guid, said)
            shown = [line.split(": ")[1] for line in (await browser.run(LINES)).split("|")]
            assert shown == said
            await browser.click("#end")
            await browser.shows("#status", "over")

    run(story)


def test_a_page_of_a_strange_origin_is_refused(server, tmp_path):
    chat.configure(server, externalWebServerDomains="shop.example",
                   checkWebSocketOrigin="yes")

    async def story():
        async with customer(server, tmp_path) as (browser, _):
            await browser.shows("#queue", "refused")
            await browser.click("#ask button")
            await browser.shows("#status", "refused")

    run(story)
