// Lark's official Node SDK against the sandbox: as a client, as the receiver of encrypted events
// and callbacks over HTTP, and over the long connection. Called by run.sh with the path of a program
// that serves the sandbox.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import lark from "@larksuiteoapi/node-sdk";

const appId = "cli_a7f3c0d2e5b8100c", appSecret = "sdk-check-secret";
const encryptKey = "sdk-check-encrypt-key", verificationToken = "vt-sdk-check";
const quiet = { error() {}, warn() {}, info() {}, debug() {}, trace() {} };
const servers = [];
process.on("exit", () => servers.forEach(s => s.kill("SIGTERM")));

/// Starts a sandbox; its addresses by the first word of the lines it prints.
async function sandbox(pushes) {
  const server = spawn(process.argv[2], [appSecret, encryptKey, verificationToken, pushes],
    { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(server);
  const told = new Map();
  await new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).on("line", line => {
      const [word, value] = line.split(/\s+/);
      told.set(word, value);
      if (word === "project") resolve();
    });
    server.on("exit", code => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const url = told.get("sandbox").replace(/\/$/, "");
  const act = async (what, body) => {
    const answer = await fetch(`${url}/sandbox/lark/${what}`,
      { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const json = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(json));
    return json.data;
  };
  return { url, chat: told.get("chat"), owner: told.get("person"), act,
           state: async () => (await (await fetch(`${url}/sandbox/lark/state`)).json()).data };
}

/// What arrived, by kind; each wait ends with the next one or fails after ten seconds.
class Heard {
  #queue = new Map(); #waiting = new Map();
  put(kind, data) {
    const next = this.#waiting.get(kind)?.shift();
    if (next) next(data); else this.#queue.set(kind, [...(this.#queue.get(kind) ?? []), data]);
  }
  next(kind) {
    const ready = this.#queue.get(kind)?.shift();
    if (ready) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${kind} came`)), 10_000);
      this.#waiting.set(kind, [...(this.#waiting.get(kind) ?? []), data => { clearTimeout(timer); resolve(data); }]);
    });
  }
}

function dispatcherInto(heard, toast) {
  return new lark.EventDispatcher({ encryptKey, verificationToken, logger: quiet }).register({
    "im.message.receive_v1": data => { heard.put("message", data); },
    "im.message.recalled_v1": data => { heard.put("recall", data); },
    "card.action.trigger": data => { heard.put("click", data); return { toast: { type: "success", content: toast } }; },
  });
}

const card = state => ({
  schema: "2.0", config: { update_multi: true },
  header: { title: { tag: "plain_text", content: `DEMO-1 ${state}` } },
  body: { elements: [{ tag: "button", element_id: "done", text: { tag: "plain_text", content: "Done" },
    behaviors: [{ type: "callback", value: { do: "state", to: "done" } }] }] },
});

async function answered(s, number) {
  for (let i = 0; i < 200; ++i) {
    const found = (await s.state()).interactions.find(x => x.number === number);
    if (found && found.state !== "waiting") return found;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new Error("the click was not answered");
}

/// The SDK's own cache of tokens is one for the process; the two sandboxes give different ones.
function tokenCache() {
  const kept = new Map();
  return { get: async key => kept.get(key), set: async (key, value) => { kept.set(key, value); return true; } };
}

async function exchange(s, heard, toast) {
  const client = new lark.Client({ appId, appSecret, domain: s.url, logger: quiet, cache: tokenCache() });
  const said = await s.act("say", { chat: s.chat, by: s.owner, text: "你好 /help", mention_bot: true });
  const message = (await heard.next("message")).message;
  assert.equal(message.message_id, said);
  assert.equal(JSON.parse(message.content).text, "@_user_1 你好 /help");
  const reply = await client.im.message.reply({ path: { message_id: said },
    data: { msg_type: "text", content: JSON.stringify({ text: "yes" }), reply_in_thread: true, uuid: "u-1" } });
  assert.equal(reply.code, 0);
  assert.ok(reply.data.thread_id.startsWith("omt_"));
  const again = await client.im.message.reply({ path: { message_id: said },
    data: { msg_type: "text", content: JSON.stringify({ text: "yes" }), reply_in_thread: true, uuid: "u-1" } });
  assert.equal(again.data.message_id, reply.data.message_id);
  const sent = await client.im.message.create({ params: { receive_id_type: "chat_id" },
    data: { receive_id: s.chat, msg_type: "interactive", content: JSON.stringify(card("Todo")) } });
  assert.equal(sent.code, 0);
  const number = await s.act("click", { message_id: sent.data.message_id, by: s.owner, on: "done" });
  const click = await heard.next("click");
  assert.deepEqual(click.action.value, { do: "state", to: "done" });
  assert.equal(click.operator.open_id, s.owner);
  assert.equal((await answered(s, number)).toast, toast);
  assert.equal((await client.im.message.patch({ path: { message_id: sent.data.message_id },
    data: { content: JSON.stringify(card("Done")) } })).code, 0);
  const read = await client.im.message.get({ path: { message_id: sent.data.message_id },
    params: { card_msg_content_type: "user_card_content" } });
  assert.equal(JSON.parse(read.data.items[0].body.content).header.title.content, "DEMO-1 Done");
  const thread = await client.im.message.list({ params: { container_id_type: "thread",
    container_id: reply.data.thread_id, page_size: 50, sort_type: "ByCreateTimeAsc" } });
  assert.deepEqual(thread.data.items.map(i => i.message_id), [said, reply.data.message_id]);
  assert.equal((await client.im.message.update({ path: { message_id: reply.data.message_id },
    data: { msg_type: "text", content: JSON.stringify({ text: "no" }) } })).data.updated, true);
  assert.equal((await client.im.message.delete({ path: { message_id: reply.data.message_id } })).code, 0);
  assert.equal((await heard.next("recall")).message_id, reply.data.message_id);
  assert.equal((await client.im.chat.get({ path: { chat_id: s.chat } })).data.chat_mode, "group");
  const ids = await client.contact.user.batchGetId({ params: { user_id_type: "open_id" },
    data: { emails: ["owner@sandbox.example.test", "nobody@sandbox.example.test"] } });
  assert.equal(ids.data.user_list[0].user_id, s.owner);
  assert.equal(ids.data.user_list[1].user_id, undefined);
  await assert.rejects(client.im.message.reply({ path: { message_id: reply.data.message_id },
    data: { msg_type: "text", content: JSON.stringify({ text: "x" }) } }),
    error => error.response.status === 400 && error.response.data.code === 230011);
}

// Over HTTP: the SDK decrypts, and it checks the signature over its own JSON.stringify of the body.
const heard = new Heard();
const receiver = createServer();
receiver.on("request", lark.adaptDefault("/events", dispatcherInto(heard, "over HTTP"), { autoChallenge: true }));
await new Promise(resolve => receiver.listen(0, "127.0.0.1", resolve));
const byWebhook = await sandbox(`http://127.0.0.1:${receiver.address().port}/events`);
await exchange(byWebhook, heard, "over HTTP");
receiver.close();

// Over the long connection.
const linked = new Heard();
const byLink = await sandbox("link");
const ready = new Promise((resolve, reject) => {
  const ws = new lark.WSClient({ appId, appSecret, domain: byLink.url, logger: quiet, autoReconnect: true,
    onReady: () => resolve(ws), onError: reject });
  ws.start({ eventDispatcher: dispatcherInto(linked, "over the link") });
});
const ws = await ready;
await exchange(byLink, linked, "over the link");
ws.close();
console.log("Lark's Node SDK and the sandbox understand each other");
process.exit(0);
