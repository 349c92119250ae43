"""A chat customer and an agent for the tests, on python3-websockets."""

import asyncio
import json

import websockets

DEADLINE = 20.0


class Closed(Exception):
    """The server closed the socket; .code says how."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Client:
    path = "/"

    def __init__(self, port, host="127.0.0.1", scheme="ws", **more):
        self.url = f"{scheme}://{host}:{port}{self.path}"
        self.more = more

    async def open(self):
        self.ws = await websockets.connect(self.url, max_size=None, close_timeout=0.1,
                                             **self.more)
        return self

    async def send(self, method, **body):
        await self.ws.send(json.dumps(
            {"apiVersion": "1.0", "type": "request", "body": {"method": method, **body}}))

    async def next(self):
        try:
            text = await asyncio.wait_for(self.ws.recv(), DEADLINE)
        except websockets.ConnectionClosed as e:
            raise Closed(e.rcvd.code if e.rcvd else None) from e
        return json.loads(text)

    async def got(self, method, kind="notification"):
        """The next message, which must be this one; its body."""
        message = await self.next()
        assert (message["type"], message["body"]["method"]) == (kind, method), message
        return message["body"]

    async def until(self, method, kind="notification"):
        """Skips what comes before."""
        while True:
            message = await self.next()
            if (message["type"], message["body"]["method"]) == (kind, method):
                return message["body"]

    async def error(self, code):
        message = await self.next()
        assert message["type"] == "error" and message["body"]["code"] == code, message

    async def closed(self, code):
        try:
            message = await self.next()
        except Closed as e:
            assert e.code == code, e.code
        else:
            raise AssertionError(message)

    async def close(self, code=4001):
        self.ws.close_timeout = DEADLINE
        await self.ws.close(code)

    async def quiet(self):
        """Nothing has come that was not read."""
        await self.send("ping")
        await self.got("ping")

    def drop(self):
        """As if the line was cut."""
        self.ws.transport.abort()


class Customer(Client):
    path = "/CustomerControllerWeb/chat"

    async def request(self, skillset="WC_Sales", **intrinsics):
        await self.send("requestChat", guid=None, authenticationKey=None,
                        deviceType="pytest",
                        intrinsics={"name": "John", "skillset": skillset, **intrinsics})
        return self.note(await self.got("requestChat"))

    def note(self, body):
        self.guid, self.key = body["guid"], body["authenticationKey"]
        return self

    async def resume(self, old):
        await self.send("requestChat", guid=old.guid, authenticationKey=old.key)
        return self.note(await self.got("requestChat"))


class Agent(Client):
    path = "/AgentControllerWeb/chat"
    features = ["offers", "state"]

    async def login(self, agent, password="correct horse", reconnect=False):
        await self.send("agentLogin", agentId=agent, password=password,
                        reconnect=reconnect, clientType="custom",
                        ext={"features": self.features})
        body = await self.got("agentLogin")
        assert body["loginSuccess"]
        return self

    async def ready(self):
        await self.send("ext.setReadyState", ready=True)
        while (await self.got("ext.agentState"))["readyState"] != "ready":
            pass # after a restart, first of all: not ready
        return self

    async def join(self, guid, kind="active"):
        await self.send("agentJoinRoom", guid=guid, joinType=kind)
        return await self.until("agentJoinRoom")

    async def say(self, guid, text, kind="normal"):
        await self.send("newMessage", guid=guid, message=text, messageType=kind)

    async def says(self, guid, text, kind="normal"):
        """say(), and it was accepted."""
        await self.say(guid, text, kind)
        assert (await self.got("newMessage", "acknowledgement"))["accepted"]

    async def asks(self, guid, kind, destination=None, **more):
        """operationRequest; its success."""
        await self.send("operationRequest", guid=guid, destinationType=kind,
                        destinationId=destination, **more)
        return (await self.got("operationRequest"))["success"]


class Stage:
    """Whoever plays in a test, on one server."""

    def __init__(self, server):
        self.server = server
        self.people = []

    async def agent(self, name, ready=True, features=("offers", "state"),
                    reconnect=False):
        agent = Agent(self.server.web_port)
        agent.features = list(features)
        self.people.append(await agent.open())
        await agent.login(name, reconnect=reconnect)
        return await agent.ready() if ready else agent

    async def customer(self, skillset="WC_Sales", **intrinsics):
        customer = await Customer(self.server.web_port).open()
        self.people.append(customer)
        return await customer.request(skillset, **intrinsics)

    async def resume(self, old):
        customer = await Customer(self.server.web_port).open()
        self.people.append(customer)
        return await customer.resume(old)

    async def joined(self, agent, customer, kind="active"):
        """The agent takes the contact that alerts; what it was told."""
        assert (await agent.got("ext.contactOffered"))["guid"] == customer.guid
        details = await agent.join(customer.guid, kind)
        assert (await customer.got("newParticipant"))["agentId"]
        return details

    async def chatting(self, agent, **intrinsics):
        customer = await self.customer(**intrinsics)
        await self.joined(agent, customer)
        return customer

    async def consulting(self, owner, other, customer):
        """`other` (by its ID) is consulted."""
        name, agent = other
        assert await owner.asks(customer.guid, "consult", name)
        await self.joined(agent, customer, "consult")
        await owner.got("activeAgentNotification")

    async def quiet(self):
        """Nobody got anything that the test did not expect."""
        for person in self.people:
            if person.ws.open:
                await person.quiet()


def set_up(server, agents=("anna", "bert"), supervisor="vera"):
    """Skillsets WC_Sales (13) and WC_Support (14), agents, a supervisor."""
    for name in (*agents, supervisor):
        server.ctl("user", "add", f"username={name}", f"first_name={name}",
                   "last_name=Rossi", "password=correct horse")
    settings = {
        "skillset.WC_Sales.routePoint": "WebChatRP",
        "skillset.WC_Sales.queueId": 13,
        "skillset.WC_Support.routePoint": "WebChatRP",
        "skillset.WC_Support.queueId": 14,
        "closedReason.44.text": "Resolved",
        f"agent.{supervisor}.privilegeObserve": "yes",
        f"agent.{supervisor}.privilegeBarge": "yes",
    }
    for name in agents:
        settings[f"agent.{name}.skillsets"] = "WC_Sales,WC_Support"
        settings[f"agent.{name}.supervisor"] = supervisor
    configure(server, **settings)


def configure(server, **settings):
    server.ctl("set", *(f"chat.{k}={v}" for k, v in settings.items()))


def post(port, path, data, **headers):
    """Status, headers, and the JSON of the answer or None."""
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    body = data if isinstance(data, (str, bytes)) else json.dumps(data)
    connection.request(headers.pop("verb", "POST"), path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    try:
        value = json.loads(text)
    except ValueError:
        value = text.decode()
    return answer.status, answer.headers, value
