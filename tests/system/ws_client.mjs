// ws_client.mjs BASE AGENT PASSWORD: a customer and an agent on npm's ws, from the
// protocol page alone. Prints "done" after a chat, a lost line and its end.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const WebSocket = createRequire(import.meta.url)("ws");
const [base, agentId, password] = process.argv.slice(2);

class Client {
	constructor(path) {
		this.came = [];
		this.waiting = null;
		this.ws = new WebSocket(base + path);
		this.ws.on("message", (data, isBinary) => {
			assert(!isBinary);
			this.put(JSON.parse(data));
		});
		this.ws.on("close", (code) => this.put({ closed: code }));
		this.open = new Promise((yes, no) => {
			this.ws.on("open", yes);
			this.ws.on("error", no);
		});
	}

	put(message) {
		if (this.waiting)
			this.waiting(message);
		else
			this.came.push(message);
		this.waiting = null;
	}

	next() {
		if (this.came.length)
			return Promise.resolve(this.came.shift());
		return new Promise((yes) => { this.waiting = yes; });
	}

	send(method, more = {}) {
		this.ws.send(JSON.stringify({
			apiVersion: "1.0", type: "request", body: { method, ...more },
		}));
	}

	async got(method, type = "notification") {
		const { type: was, body, closed } = await this.next();
		assert.deepEqual([was, body?.method, closed], [type, method, undefined]);
		return body;
	}
}

const agent = new Client("/AgentControllerWeb/chat");
await agent.open;
agent.send("agentLogin", {
	agentId, password, reconnect: false, clientType: "custom",
	ext: { features: ["offers", "state"] },
});
assert((await agent.got("agentLogin")).loginSuccess);
agent.send("ext.setReadyState", { ready: true });
await agent.got("ext.agentState");

const customer = new Client("/CustomerControllerWeb/chat");
await customer.open;
customer.send("requestChat", {
	guid: null, authenticationKey: null, deviceType: "node",
	intrinsics: { name: "Zoë", skillset: "WC_Sales" },
});
const { guid, authenticationKey } = await customer.got("requestChat");
assert.equal((await agent.got("ext.contactOffered")).guid, guid);
agent.send("agentJoinRoom", { guid, joinType: "active" });
assert.equal((await agent.got("agentJoinRoom")).deviceType, "node");
assert.equal((await customer.got("newParticipant")).agentId, agentId);

const long = "ü€😀\u2028 \"\\".repeat(1000);
customer.send("newMessage", { message: long });
const heard = await agent.got("newMessage");
assert.deepEqual([heard.message, heard.displayName], [long, "Zoë"]);
agent.send("newMessage", { guid, message: "hello", messageType: "normal" });
assert((await agent.got("newMessage", "acknowledgement")).accepted);
assert.equal((await customer.got("newMessage")).message, "hello");

customer.ws.terminate();
assert.equal((await agent.got("customerConnectionStatus")).isConnected, false);
agent.send("newMessage", { guid, message: "still there?", messageType: "normal" });
await agent.got("newMessage", "acknowledgement");
const back = new Client("/CustomerControllerWeb/chat");
await back.open;
back.send("requestChat", { guid, authenticationKey });
assert.equal((await back.got("requestChat")).guid, guid);
assert.equal((await agent.got("customerConnectionStatus")).isConnected, true);
await back.got("newParticipant");
assert.equal((await back.got("newMessage")).message, "still there?");

back.send("closeConversation");
assert((await back.got("closeConversation")).result);
assert.equal((await back.next()).closed, 1000);
await agent.got("customerDisconnect");
agent.send("agentLogout");
assert.equal((await agent.next()).closed, 1000);
console.log("done");
