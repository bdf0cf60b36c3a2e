// Plane's official Node SDK as a client of the sandbox. Called by run.sh with the path of a program
// that serves the sandbox; starts it, walks through the calls that planebridge's users make, and
// ends with the calls of the SDK that the open edition does not have.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import sdk from "@makeplane/plane-node-sdk";

const server = spawn(process.argv[2], [], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => server.kill("SIGTERM"));
const lines = createInterface({ input: server.stdout });
const baseUrl = await new Promise((resolve, reject) => {
  lines.on("line", line => {
    const found = /^sandbox\s+(http:\/\/\S+?)\/\s/.exec(line);
    if (found) resolve(found[1]);
  });
  server.on("exit", code => reject(new Error(`the sandbox ended with ${code}`)));
});

const client = new sdk.PlaneClient({ baseUrl, apiKey: "sdk-check" });
const slug = "demo";

async function refused(status, call) {
  await assert.rejects(call, error => {
    assert.equal(error.statusCode, status, `${error.message}: ${JSON.stringify(error.response)}`);
    return true;
  });
}

try {
  const me = await client.users.me();
  assert.equal(me.display_name, "sandbox.owner");
  const members = await client.workspace.getMembers(slug);
  assert.deepEqual(new Set(members.map(m => m.role)), new Set([15, 20]));

  const projects = await client.projects.list(slug);
  assert.equal(projects.total_results, 2);
  const made = await client.projects.create(slug, { name: "SDK 项目", identifier: "SDK" });
  const project = made.id;
  assert.equal((await client.projects.retrieve(slug, project)).identifier, "SDK");
  assert.equal((await client.projects.update(slug, project, { description: "by the SDK" })).description, "by the SDK");
  assert.equal((await client.projects.getMembers(slug, project)).length, 1);
  await refused(409, client.projects.create(slug, { name: "SDK 项目", identifier: "SDK" }));

  const states = (await client.states.list(slug, project)).results;
  assert.deepEqual(states.map(s => s.group), ["backlog", "unstarted", "started", "completed", "cancelled"]);
  const review = await client.states.create(slug, project, { name: "Review", color: "#123456", group: "started" });
  assert.equal((await client.states.update(slug, project, review.id, { name: "In review" })).slug, "in-review");
  assert.equal((await client.states.retrieve(slug, project, review.id)).name, "In review");
  await client.states.delete(slug, project, review.id);
  await refused(404, client.states.retrieve(slug, project, review.id));

  const label = await client.labels.create(slug, project, { name: "缺陷", color: "#ff0000" });
  assert.equal((await client.labels.update(slug, project, label.id, { name: "bug" })).name, "bug");
  assert.equal((await client.labels.list(slug, project)).count, 1);

  const item = await client.workItems.create(slug, project, {
    name: "闰日 🎉", description_html: "<p>x</p><script>1</script>", priority: "high", target_date: "2028-02-29",
    assignees: [me.id], labels: [label.id], state: states[1].id, external_id: "e-1", external_source: "sdk",
  });
  assert.equal(item.sequence_id, 1);
  assert.equal(item.description_html, "<div><p>x</p></div>");
  await refused(409, client.workItems.create(slug, project, { name: "twin", external_id: "e-1", external_source: "sdk" }));
  await refused(400, client.workItems.create(slug, project, { name: "x", priority: "enormous" }));
  const full = await client.workItems.retrieve(slug, project, item.id, ["state", "assignees", "labels"]);
  assert.equal(full.state.name, "Todo");
  assert.equal(full.assignees[0].email, me.email);
  assert.equal(full.labels[0].name, "bug");
  assert.equal((await client.workItems.retrieveByIdentifier(slug, "SDK-1")).id, item.id);
  const done = await client.workItems.update(slug, project, item.id, { state: states[3].id, target_date: null });
  assert.ok(done.completed_at);
  assert.equal(done.target_date, null);
  for (const n of [2, 3]) await client.workItems.create(slug, project, { name: `item ${n}` });
  const seen = [];
  let page = await client.workItems.list(slug, project, { per_page: 2, order_by: "sequence_id" });
  seen.push(...page.results);
  assert.equal(page.next_page_results, true);
  page = await client.workItems.list(slug, project, { per_page: 2, order_by: "sequence_id", cursor: page.next_cursor });
  seen.push(...page.results);
  assert.equal(page.next_page_results, false);
  assert.deepEqual(seen.map(i => i.sequence_id), [1, 2, 3]);
  assert.equal((await client.workItems.search(slug, "闰日 🎉")).issues.length, 1);

  const comment = await client.workItems.comments.create(slug, project, item.id, { comment_html: "<p>第一</p>" });
  assert.equal((await client.workItems.comments.update(slug, project, item.id, comment.id, { comment_html: "<p>第二</p>" })).comment_html, "<p>第二</p>");
  assert.equal((await client.workItems.comments.list(slug, project, item.id)).results[0].id, comment.id);
  assert.equal((await client.workItems.comments.retrieve(slug, project, item.id, comment.id)).actor, me.id);
  await client.workItems.comments.delete(slug, project, item.id, comment.id);
  const link = await client.links.create(slug, project, item.id, { url: "https://example.test/1", title: "one" });
  assert.equal(link.url, "https://example.test/1");
  assert.equal((await client.workItems.activities.list(slug, project, item.id)).results[0].verb, "created");

  // In the SDK, not in the open edition 1.3.1 (and so not in the sandbox).
  for (const call of [
    () => client.workItems.archive(slug, project, item.id),
    () => client.workItems.listArchived(slug, project),
    () => client.workItems.listWorkspace(slug),
    () => client.projects.listLite(slug),
    () => client.projects.retrieveFeatures(slug, project),
    () => client.workspace.getMembersLite(slug),
  ])
    await refused(404, call());
  // Its path looks like the identifier of a work item, which can only be read.
  await refused(405, client.workItems.advancedSearch(slug, { query: "x" }));

  await client.workItems.delete(slug, project, item.id);
  await refused(404, client.workItems.retrieve(slug, project, item.id));
  await client.projects.delete(slug, project);
  await refused(403, new sdk.PlaneClient({ baseUrl, apiKey: "wrong" }).users.me());
  console.log("the SDK is content");
} finally {
  server.removeAllListeners("exit");
  server.kill("SIGTERM");
}
