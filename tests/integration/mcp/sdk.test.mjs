// The official client against `holdfast mcp start`. sdk.py makes the scene, a bastion and a home, and removes it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { LATEST_PROTOCOL_VERSION } from "@modelcontextprotocol/sdk/types.js";

const scene = process.env;
const inherited = ["HOME", "USER", "PATH", "LANG", "HOLDFAST_BACKENDS"];
const environment = Object.fromEntries(inherited.map((name) => [name, scene[name]]));

async function connect() {
  const client = new Client({ name: "holdfast-tests", version: "1" });
  const transport = new StdioClientTransport({
    command: scene.HOLDFAST,
    args: ["mcp", "start"],
    env: environment,
    stderr: "inherit",
  });
  client.onerror = (error) => assert.fail(`the client could not read: ${error}`);
  await client.connect(transport);
  await client.listTools(); // from here on it holds every result to its outputSchema
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

  test("the newest protocol is spoken, and the server says who it is", () => {
    assert.equal(transport._protocolVersion ?? LATEST_PROTOCOL_VERSION, LATEST_PROTOCOL_VERSION);
    assert.equal(client.getServerVersion().name, "holdfast");
    assert.match(client.getServerVersion().version, /^\d+\.\d+\.\d+$/);
    assert.deepEqual(client.getServerCapabilities(), { tools: { listChanged: false } });
    assert.match(client.getInstructions(), /tunnel_status/);
  });

  test("ping is answered", async () => assert.deepEqual(await client.ping(), {}));

  test("every tool tells what it is for, what it takes and what it does to the machine", async () => {
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

  test("status of nothing", async () => {
    const { structuredContent: answer, isError } = await call(client, "tunnel_status");
    assert.equal(isError, false);
    assert.deepEqual([answer.success, answer.tunnels, answer.error], [true, [], null]);
  });

  test("an error is a result, with class and hint", async () => {
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

  test("wrong arguments are told to the model", async () => {
    for (const args of [{ port: "many" }, { port: 0 }, { port: 22.5 }, { name: 7 }, { scope: "both" }, { sped: 1 }]) {
      const { structuredContent: answer, isError } = await call(client, "tunnel_status", args);
      assert.equal(isError, true, JSON.stringify(args));
      assert.equal(answer.error.class, "usage");
      assert.match(answer.error.message, new RegExp(Object.keys(args)[0]));
    }
    await assert.rejects(client.callTool({ name: "no_such_tool" }), { code: -32602 });
  });
});
