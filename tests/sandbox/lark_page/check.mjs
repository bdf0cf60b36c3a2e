// The sandbox's page, the sandbox and the daemon together, as somebody sees them who tries the
// demo: type in a thread, see the comment at the work item beside it, and back; set a state on the
// card, see it there and on Plane's own page. Called by npm_check.sh with the path of planebridge;
// PB_PICTURE=file.png takes a picture of the page at its end.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const binary = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), "planebridge-page."));
const apiKey = "plane_api_0123456789abcdef0123456789abcdef", webhookSecret = "plane_wh_page_check";
const appId = "cli_a7f3c0d2e5b8100c", appSecret = "page-check-secret";
const encryptKey = "page-check-encrypt-key", verificationToken = "vt-page-check";
/// A configuration that this machine has of its own must not leak in.
const inherited = Object.fromEntries(Object.entries(process.env).filter(([k]) => k === "PATH" || k.endsWith("SAN_OPTIONS")));

const children = [], heard = [];
let browser = null, page = null;
process.on("exit", () => {
  children.forEach(c => c.exitCode === null && c.kill("SIGKILL"));
  rmSync(folder, { recursive: true, force: true });
});
/// Before ctest's own limit, which would leave the processes behind.
setTimeout(() => end(new Error("this took longer than 140 seconds")), 140_000).unref();

/// Starts planebridge; `ready` is the first line of its output that matches.
async function start(words, line, environment = {}) {
  const child = spawn(binary, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"],
    env: { ...inherited, HOME: folder, LC_ALL: "C.UTF-8", ...environment } });
  children.push(child);
  const seen = [];
  const ready = await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", text => {
        seen.push(text);
        heard.push(words[0] + ": " + text);
        const match = text.match(line);
        if (match) resolve(match);
      });
    child.on("exit", code => reject(new Error(`planebridge ${words[0]} ended with ${code}`)));
    child.on("error", reject);
  });
  return { ready, seen };
}

async function everything() {
  // The sandbox wants to know where the daemon will be, and the daemon where the sandbox is: what
  // goes to the daemon passes a door that is open before it.
  let bridgePort = 0;
  const door = net.createServer(from => {
    const to = net.connect(bridgePort, "127.0.0.1");
    from.pipe(to).pipe(from);
    from.on("error", () => to.destroy());
    to.on("error", () => from.destroy());
  });
  await new Promise(done => door.listen(0, "127.0.0.1", done));
  door.unref();
  const doorUrl = `http://127.0.0.1:${door.address().port}`;

  const { seen } = await start(["sandbox", "--port", "0", "--seed", "demo", "--time-scale", "0.01",
    "--requests-per-minute", "0", "--api-key", apiKey,
    "--webhook-url", doorUrl + "/webhooks/plane", "--webhook-secret", webhookSecret,
    "--lark-event-url", doorUrl + "/webhooks/lark/events",
    "--lark-callback-url", doorUrl + "/webhooks/lark/interactivity",
    "--lark-app-id", appId, "--lark-app-secret", appSecret,
    "--lark-encrypt-key", encryptKey, "--lark-verification-token", verificationToken], /^project\s+OPS/);
  const told = new Map(seen.map(l => l.trim().split(/\s+/)).map(([word, ...values]) => [word, values]).reverse());
  const sandbox = told.get("sandbox")[0].replace(/\/$/, ""), group = told.get("chat")[0];
  const web = seen.map(l => l.match(/^project\s+WEB (\S+)/)).find(m => m)[1];

  const environment = {
    PORT: "0", PLANEBRIDGE_SERVER_ADDRESS: "127.0.0.1", DATABASE_URL: `sqlite:${join(folder, "bridge.db")}`,
    PLANE_BASE_URL: sandbox, PLANE_API_KEY: apiKey, PLANE_WORKSPACE_SLUG: "demo", PLANE_WEBHOOK_SECRET: webhookSecret,
    LARK_BASE_URL: sandbox, LARK_APP_ID: appId, LARK_APP_SECRET: appSecret,
    LARK_ENCRYPT_KEY: encryptKey, LARK_VERIFICATION_TOKEN: verificationToken,
    ADMIN_TOKEN: "page-check-admin-token", PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE: "3000",
    PLANEBRIDGE_LARK_DIGEST_WINDOW_MS: "500" };
  const { ready } = await start(["serve"], /planebridge listens.*?port"?[=:](\d+)/, environment);
  bridgePort = Number(ready[1]);
  await promisify(execFile)(binary, ["mappings", "channels", "set", group, "WEB", "-s", "announce_items=no"],
    { cwd: folder, env: { ...inherited, HOME: folder, ...environment, PORT: String(bridgePort) } });
  return { sandbox, group, web };
}

async function check() {
  const { sandbox, group, web } = await everything();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-proxy-server", "--disable-dev-shm-usage"] });
  page = await browser.newPage({ viewport: { width: 1240, height: 900 } });
  page.setDefaultTimeout(30_000);
  page.on("pageerror", e => end(e));
  await page.goto(sandbox + "/lark");

  const messages = page.locator("#messages"), comments = page.locator("#comments");
  const botSays = text => messages.locator(".message.bot", { hasText: text });
  const fieldOf = name => page.locator("#fields").getByRole("combobox", { name });
  const shows = (select, text) => select.locator("option:checked", { hasText: text }).waitFor({ state: "attached" });
  await page.locator(`#chat option[value="${group}"]`).waitFor({ state: "attached" });
  await page.locator("#chat").selectOption(group);
  await page.locator(`#project option[value="${web}"]`).waitFor({ state: "attached" });
  await page.locator("#project").selectOption(web);
  await page.locator("#item option", { hasText: "WEB-1" }).first().waitFor({ state: "attached" });

  // A thread and the item beside it are bound.
  await page.getByRole("button", { name: "Bind a thread to it" }).click();
  await page.getByRole("button", { name: "Send" }).click();
  await botSays("WEB-1").first().waitFor();

  // From the thread to Plane.
  const root = messages.locator(".message:not(.reply)", { hasText: "/bind" });
  await root.getByRole("button", { name: /^Reply to/ }).click();
  await page.locator("#text").fill("/comment 从飞书来");
  await page.getByRole("button", { name: "Send" }).click();
  await comments.locator(".comment", { hasText: "从飞书来" }).waitFor();

  // And back.
  await page.locator("#comment-text").fill("Cannot reproduce it here");
  await page.locator("#comment").getByRole("button", { name: "Comment" }).click();
  await botSays("Cannot reproduce it here").waitFor();
  assert.equal(await botSays("从飞书来").count(), 0, "a comment came back to where it was written");

  // The card that came with the binding.
  const card = messages.locator(".message.bot .card");
  const states = card.locator("select", { has: page.locator("option", { hasText: "Done" }) });
  await states.waitFor();
  await states.selectOption({ label: "Done" });
  await shows(fieldOf("state_id"), "Done");
  await card.locator(".head", { hasText: "Done" }).waitFor();  // the card shows it too, of itself
  const plane = await browser.newPage();
  plane.setDefaultTimeout(30_000);
  await plane.goto(sandbox + "/");
  await plane.locator(`#project option[value="${web}"]`).waitFor({ state: "attached" });
  await plane.locator("#project").selectOption(web);
  await shows(plane.getByRole("combobox", { name: "State of 设计首页初稿" }), "Done");
  await plane.close();

  // What changes in Plane is told in the thread.
  await fieldOf("priority").selectOption("urgent");
  await messages.locator(".message.bot:not(:has(.card))", { hasText: /urgent/i }).waitFor();
  await card.locator(".head", { hasText: "Urgent" }).waitFor();

  // One comment each: nothing went round in a circle.
  assert.equal(await comments.locator(".comment", { hasText: "从飞书来" }).count(), 1);
  assert.equal(await comments.locator(".comment").count(), 2);
  assert.equal(await botSays("Cannot reproduce it here").count(), 1);

  // What is taken back in the thread is struck out in Plane.
  if (process.env.PB_PICTURE) await picture(process.env.PB_PICTURE);
  await messages.locator(".message:not(.bot)", { hasText: "从飞书来" }).getByRole("button", { name: "Recall" }).click();
  await comments.locator("s", { hasText: "从飞书来" }).waitFor();
}

/// The whole thread beside its item.
async function picture(path) {
  await page.evaluate(() => {
    document.activeElement.blur();
    document.getElementById("messages").style.maxHeight = "none";
  });
  const { x, y, height } = await page.locator("section").first().boundingBox();
  await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, width: 1240, height: y + height + x } });
}

let ending = false;
async function end(failure) {
  if (ending) return;
  ending = true;
  if (failure) {
    console.error(failure);
    if (page) console.error(await page.locator("body").innerText({ timeout: 2_000 }).catch(() => "no page"));
  }
  await browser?.close().catch(() => {});
  const gone = Promise.all(children.map(async c => {
    if (c.exitCode === null && c.signalCode === null) {
      c.kill("SIGTERM");
      await once(c, "exit");
    }
    if (c.exitCode !== 0) failure ??= new Error(`${c.spawnargs[1]} ended with ${c.exitCode ?? c.signalCode}`);
  }));
  const late = setTimeout(() => { console.error("they do not stop"); process.exit(1); }, 25_000);
  await gone;
  clearTimeout(late);
  if (failure) console.error(heard.slice(-60).join("\n"), "\n", failure);
  process.exit(failure ? 1 : 0);
}
check().then(() => { console.log("thread, card and Plane's page agree"); return end(); }, end);
