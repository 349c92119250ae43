"""Debian's Chromium without a window, told what to do through two pipes."""

import asyncio
import functools
import http.server
import json
import os
import shutil
import signal
import subprocess
import threading

DEADLINE = 20.0
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage",
         "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Pages:
    """The files of a folder, on a port of their own."""

    def __init__(self, folder):
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Browser:
    """One page; JSON ended by NUL on the descriptors 3 and 4."""

    def __init__(self, folder):
        self.folder = folder
        self.ids = 0

    async def start(self):
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()
        self.log = open(os.path.join(self.folder, "chromium.log"), "wb")
        command = [shutil.which("chromium"), *FLAGS, "--remote-debugging-pipe",
                   f"--user-data-dir={self.folder}/profile", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "-", *command],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.reader = asyncio.StreamReader(limit=1 << 24)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.reader), os.fdopen(self.into, "rb"))
        self.session = None
        page = await self.call("Target.createTarget", url="about:blank")
        self.session = (await self.call("Target.attachToTarget", flatten=True,
                                        targetId=page["targetId"]))["sessionId"]
        return self

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.out)
        self.log.close()

    async def call(self, method, **params):
        self.ids += 1
        message = {"id": self.ids, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            text = await asyncio.wait_for(self.reader.readuntil(b"\0"), DEADLINE)
            answer = json.loads(text[:-1])
            if answer.get("id") == self.ids:
                assert "result" in answer, answer
                return answer["result"]

    async def visit(self, url):
        """Returns when the page is there: the old one may be of the same URL."""
        await self.run("document.isOld = true")
        await self.call("Page.navigate", url=url)
        end = asyncio.get_running_loop().time() + DEADLINE
        while not await self.run("!document.isOld && document.readyState == 'complete'"):
            assert asyncio.get_running_loop().time() < end, url
            await asyncio.sleep(0.02)

    async def run(self, script):
        """The value of an expression in the page."""
        answer = await self.call("Runtime.evaluate", expression=script,
                                 returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def text(self, selector):
        return await self.run(
            f"document.querySelector({json.dumps(selector)})?.textContent")

    async def shows(self, selector, text):
        """Waits until the element has this text."""
        end = asyncio.get_running_loop().time() + DEADLINE
        while (now := await self.text(selector)) != text:
            assert asyncio.get_running_loop().time() < end, f"{selector}: {now!r}"
            await asyncio.sleep(0.02)

    async def click(self, selector):
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")

    async def type(self, selector, text):
        """As from the keyboard, into the field."""
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.call("Input.insertText", text=text)
