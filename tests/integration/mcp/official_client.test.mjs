// Tests `holdfast mcp start` with the official client. The caller of official_client.meet() creates a bastion and a home
// (the scene), and removes them.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { LATEST_PROTOCOL_VERSION } from "@modelcontextprotocol/sdk/types.js";

const scene = process.env;
const [command, ...args] = JSON.parse(scene.SCENE_SERVER);
const ours = (name) => !name.startsWith("SCENE_") && !name.startsWith("NODE_");
const env = Object.fromEntries(Object.entries(scene).filter(([name]) => ours(name)));

async function connect() {
  const client = new Client({ name: "holdfast-tests", version: "1" });
  const transport = new StdioClientTransport({ command, args, env, stderr: "inherit" });
  client.onerror = (error) => assert.fail(`the client could not read: ${error}`);
  await client.connect(transport);
  await client.listTools(); // from now on it validates every result with its outputSchema
  return { client, transport };
}

/** A tool's result; its text is the same JSON as its structured content. */
async function call(client, name, args = {}, options = {}) {
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  assert.equal(result.content[0].type, "text");
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result;
}

describe("with the official client", () => {
  let client, transport;
  before(async () => ({ client, transport } = await connect()));
  after(async () => client.close());

  test("negotiates the newest protocol version", () => {
    assert.equal(transport._protocolVersion ?? LATEST_PROTOCOL_VERSION, LATEST_PROTOCOL_VERSION);
    assert.equal(client.getServerVersion().name, "holdfast");
    assert.match(client.getServerVersion().version, /^\d+\.\d+\.\d+$/);
    assert.deepEqual(client.getServerCapabilities(), { tools: { listChanged: false } });
    assert.match(client.getInstructions(), /tunnel_status/);
  });

  test("ping is answered", async () => assert.deepEqual(await client.ping(), {}));

  test("every tool has a description, parameters and annotations", async () => {
    const { tools } = await client.listTools();
    for (const tool of tools) {
      assert.ok(tool.description.length > 40, tool.name);
      assert.ok(tool.title, tool.name);
      assert.equal(tool.inputSchema.additionalProperties, false);
      for (const [name, schema] of Object.entries(tool.inputSchema.properties))
        assert.ok(schema.description?.length > 10, `${tool.name} ${name}`);
      for (const hint of ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"])
        assert.equal(typeof tool.annotations[hint], "boolean", `${tool.name} ${hint}`);
      assert.equal(tool.outputSchema.type, "object");
    }
    const status = tools.find((tool) => tool.name === "tunnel_status");
    assert.equal(status.annotations.readOnlyHint, true);
  });

  test("status without tunnels", async () => {
    const { structuredContent: answer, isError } = await call(client, "tunnel_status");
    assert.equal(isError, false);
    assert.deepEqual([answer.success, answer.tunnels, answer.error], [true, [], null]);
  });

  test("an error is a result with class and hint", async () => {
    const { structuredContent: answer, isError } = await call(client, "tunnel_status", { name: "nothing" });
    assert.equal(isError, true);
    assert.equal(answer.error.class, "no-such-tunnel");
    assert.match(answer.error.hint, /holdfast status/);
    assert.deepEqual([answer.success, answer.exit_status, answer.tunnels], [false, 4, null]);
  });

  test("a hostile value cannot become an option", async () => {
    for (const name of ["--help", "--env-file=/etc/passwd", "-v", "$(id)", "a\nb", "\u0000", "../x"]) {
      const { structuredContent: answer, isError } = await call(client, "tunnel_status", { name });
      assert.equal(isError, true, name);
      assert.ok(["usage", "failed"].includes(answer.error.class), `${name}: ${answer.error.class}`);
    }
  });

  test("invalid arguments are reported to the agent", async () => {
    for (const args of [{ port: "many" }, { port: 0 }, { port: 22.5 }, { name: 7 }, { scope: "both" }, { sped: 1 }]) {
      const { structuredContent: answer, isError } = await call(client, "tunnel_status", args);
      assert.equal(isError, true, JSON.stringify(args));
      assert.equal(answer.error.class, "usage");
      assert.match(answer.error.message, new RegExp(Object.keys(args)[0]));
    }
    await assert.rejects(client.callTool({ name: "no_such_tool" }), { code: -32602 });
  });
});

const setupArguments = (more = {}) => ({
  port: `${scene.SCENE_PORT}:${scene.SCENE_TARGET}`,
  bastion_server: scene.SCENE_BASTION,
  secret_key_path: scene.SCENE_KEY,
  name: scene.SCENE_NAME,
  scope: "user",
  accept_new_host_key: true,
  ...more,
});
const here = { name: scene.SCENE_NAME, scope: "user" };

describe("a tunnel's life, by tools alone", () => {
  let client;
  before(async () => ({ client } = await connect()));
  after(async () => client.close());

  test("doctor checks a bastion", async () => {
    const { structuredContent: host } = await call(client, "tunnel_doctor", { scope: "user" });
    assert.equal(host.findings.choice, scene.SCENE_BACKEND);
    assert.equal(host.findings.preflight, null);
    const { bastion_server, secret_key_path, port } = setupArguments();
    const args = { bastion_server, secret_key_path, port, scope: "user" };
    const { structuredContent: way, isError } = await call(client, "tunnel_doctor", args);
    assert.equal(isError, false, "what is found is an answer, whatever it is");
    assert.equal(way.success, false);
    const unknown = way.findings.preflight.find((check) => check.outcome === "failed");
    assert.equal(unknown.class, "host-key-unknown");
  });

  test("an unknown host key is refused with its class", async () => {
    const { structuredContent: answer, isError } = await call(
      client, "tunnel_setup", setupArguments({ accept_new_host_key: false }));
    assert.equal(isError, true);
    assert.equal(answer.error.class, "host-key-unknown");
    assert.match(answer.error.hint, /accept-new-host-key/);
    assert.equal(answer.tunnel, null);
  });

  test("dry_run returns the plan and changes nothing", async () => {
    const { structuredContent: answer } = await call(client, "tunnel_setup", setupArguments({ dry_run: true }));
    assert.deepEqual([answer.success, answer.changed, answer.tunnel], [true, false, null]);
    assert.ok(answer.plan.some((step) => step.includes(`${scene.SCENE_NAME}.conf`)));
    const { structuredContent: status } = await call(client, "tunnel_status", { scope: "user" });
    assert.deepEqual(status.tunnels, []);
  });

  test("setup reports progress and ends verified", async () => {
    const told = [];
    const { structuredContent: answer } = await call(client, "tunnel_setup", setupArguments(), {
      onprogress: (progress) => told.push(progress),
      resetTimeoutOnProgress: true,
    });
    assert.equal(answer.error, null, answer.stderr);
    assert.deepEqual([answer.success, answer.changed, answer.tunnel.state, answer.tunnel.verified],
      [true, true, "up", true]);
    assert.ok(told.length >= 4, JSON.stringify(told));
    assert.deepEqual(told.map(({ progress }) => progress), told.map((_, index) => index + 1));
    assert.ok(told.some(({ message }) => message.includes("key accepted")), JSON.stringify(told));
    const again = await call(client, "tunnel_setup", setupArguments());
    assert.equal(again.structuredContent.changed, false);
  });

  test("status, logs and client configuration", async () => {
    for (const which of [here, { port: Number(scene.SCENE_PORT), scope: "user" }]) {
      const { structuredContent: status } = await call(client, "tunnel_status", which);
      assert.deepEqual(status.tunnels.map(({ name, state }) => [name, state]), [[scene.SCENE_NAME, "up"]]);
    }
    const { structuredContent: log } = await call(client, "tunnel_logs", { ...here, lines: 5 });
    assert.ok(log.lines.length > 0 && log.lines.length <= 5);
    assert.ok(log.lines.some((line) => line.includes("verified end to end")), log.lines.join("\n"));
    const { structuredContent: laptop } = await call(client, "tunnel_client_config", here);
    assert.match(laptop.tunnels[0].config, /^Host /m);
  });

  test("parallel calls are all answered", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(client, "tunnel_status", here)));
    for (const { structuredContent } of answers) assert.equal(structuredContent.tunnels[0].state, "up");
  });

  test("remove lists what it removed, and fails the second time", async () => {
    const { structuredContent: answer } = await call(client, "tunnel_remove", here);
    assert.equal(answer.success, true, answer.stderr);
    assert.equal(answer.removed[0].name, scene.SCENE_NAME);
    assert.ok(answer.removed[0].report.some((line) => line.includes(`${scene.SCENE_NAME}.conf`)));
    const { structuredContent: none, isError } = await call(client, "tunnel_remove", here);
    assert.deepEqual([isError, none.error.class, none.removed], [true, "no-such-tunnel", null]);
    const { structuredContent: neither } = await call(client, "tunnel_remove", {});
    assert.equal(neither.error.class, "usage");
  });

  const stoppable = { skip: !scene.SCENE_BASTION_PID };
  test("a cancelled call is undone, and other calls continue", stoppable, async () => {
    process.kill(Number(scene.SCENE_BASTION_PID), "SIGSTOP"); // its kernel accepts the connection, but sshd sends nothing
    try {
      const stop = new AbortController();
      const setup = client.callTool({ name: "tunnel_setup", arguments: setupArguments() }, undefined,
        { signal: stop.signal });
      assert.deepEqual(await client.ping(), {});
      const { structuredContent: status } = await call(client, "tunnel_status", { scope: "user" });
      assert.deepEqual(status.tunnels, []);
      stop.abort("enough");
      await assert.rejects(setup, /enough/);
    } finally {
      process.kill(Number(scene.SCENE_BASTION_PID), "SIGCONT");
    }
    // A cancelled call is not answered. The next call shows that it has released everything.
    const deadline = Date.now() + 20000;
    let again;
    do ({ structuredContent: again } = await call(client, "tunnel_setup", setupArguments()));
    while (again.error?.message.includes("another command is changing it") && Date.now() < deadline);
    assert.equal(again.success, true, again.stderr);
    assert.equal((await call(client, "tunnel_remove", here)).structuredContent.success, true);
  });

  test("errors have their class", async () => {
    const cases = [
      [{ bastion_server: `nobody@127.0.0.1:${scene.SCENE_FREE_PORT}` }, "refused"],
      [{ bastion_server: "-oProxyCommand=touch pwned" }, "usage"],
      [{ secret_key_path: "/nowhere/key" }, "key-missing"],
      [{ port: "0" }, "usage"],
      [{ ssh_options: ["StrictHostKeyChecking=no"] }, "usage"],
      [{ ssh_options: ["ProxyCommand=touch pwned"] }, "usage"],
      [{ name: "a\nb" }, "usage"],
    ];
    for (const [more, wanted] of cases) {
      const { structuredContent: answer, isError } = await call(client, "tunnel_setup", setupArguments(more));
      assert.deepEqual([isError, answer.error?.class], [true, wanted], JSON.stringify([more, answer]));
    }
  });
});
