/**
 * Launches: a real executor between the stand-in agent and a real daemon, in
 * both content types, with the agent's stream cut at the worst places.
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { TaskState } from "../../executor/mesos/types.ts";
import { forking, waitForLine } from "../daemon/support/scripts.ts";
import type { FakeAgent } from "../support/fake_agent.ts";
import {
  bcsTask,
  shellTask,
  startChain,
  type Wire,
  WIRES,
} from "../support/test_executor.ts";

/** All four pairs: for the launches, which are the longest events. */
const ALL_WIRES: readonly Wire[] = [
  ...WIRES,
  { codec: "json", chunking: "random" },
  { codec: "protobuf", chunking: "byte" },
];

function statesOf(agent: FakeAgent, id: string): TaskState[] {
  return agent.updates(id).map(({ status }) => status.state);
}

function endsOf(wire: Wire): string {
  return `(${wire.codec}, stream cut by ${wire.chunking})`;
}

for (const wire of ALL_WIRES) {
  Deno.test(`executor runs a LAUNCH to its end ${endsOf(wire)}`, async () => {
    const beforeS = Date.now() / 1000;
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    agent.launch(shellTask("one", "pwd > where; exit 0"));
    assertEquals(await executor.exit(), 0);

    assertEquals(statesOf(agent, "one"), [
      "TASK_STARTING",
      "TASK_RUNNING",
      "TASK_FINISHED",
    ]);
    const statuses = agent.updates("one").map(({ status }) => status);
    const uuids = new Set(statuses.map(({ uuid }) => uuid));
    assertEquals(uuids.size, statuses.length);
    let lastS = beforeS;
    for (const status of statuses) {
      assertEquals(Uint8Array.fromBase64(status.uuid ?? "").length, 16);
      assertEquals(status.source, "SOURCE_EXECUTOR");
      assertEquals(status.agent_id?.value, "agent-1");
      assertEquals(status.executor_id?.value, "exec-1");
      const timestamp = status.timestamp ?? 0;
      assert(timestamp >= lastS && timestamp <= Date.now() / 1000);
      lastS = timestamp;
    }
    const where = await Deno.readTextFile(`${executor.sandbox}/where`);
    assertEquals(where.trim(), executor.sandbox);
    // The agent has it all: nobody needs the daemon's record any more.
    assertEquals(await daemon.client.list(), []);
    assertEquals(agent.violations, []);
  });

  Deno.test(
    `executor runs a LAUNCH_GROUP of BCS and plain tasks ${endsOf(wire)}`,
    async () => {
      await using chain = await startChain(wire);
      const { agent, daemon, executor } = chain;
      const { StartCmd = "", PidFile = "" } = await forking(daemon, "forked");
      agent.launchGroup([
        bcsTask("forking", {
          procName: "sleep",
          workPath: daemon.workDir,
          pidFile: PidFile,
          startCmd: StartCmd,
          startGracePeriod: 10,
        }),
        bcsTask("simple", {
          workPath: daemon.workDir,
          startCmd: "pwd > simple.txt; exec sleep 1000",
        }),
        shellTask("plain", "exec sleep 1000"),
      ]);
      const ids = ["forking", "simple", "plain"];
      for (const id of ids) await agent.updateOf(id, "TASK_RUNNING");
      await waitForLine(`${daemon.workDir}/simple.txt`, daemon.workDir);

      for (const id of ids) agent.kill(id);
      assertEquals(await executor.exit(), 0);
      for (const id of ids) {
        assertEquals(statesOf(agent, id), [
          "TASK_STARTING",
          "TASK_RUNNING",
          "TASK_KILLED",
        ]);
      }
      assertEquals(await daemon.client.list(), []);
      assertEquals(agent.violations, []);
    },
  );
}

for (const wire of WIRES) {
  Deno.test(`executor passes arguments on untouched ${endsOf(wire)}`, async () => {
    await using chain = await startChain(wire);
    const { agent, executor } = chain;
    const words = ["a b", "$HOME `id` \\ \"'", "", "*", "line\nbreak", "ü=%s"];
    agent.launch({
      task_id: { value: "argv" },
      command: {
        shell: false,
        value: "/bin/sh",
        arguments: [
          "sh",
          "-c",
          'for word; do printf "%s\\0" "$word"; done > words',
          "sh",
          ...words,
        ],
      },
    });
    assertEquals(await executor.exit(), 0);
    assertEquals(statesOf(agent, "argv").at(-1), "TASK_FINISHED");
    const text = await Deno.readTextFile(`${executor.sandbox}/words`);
    assertEquals(text, words.map((word) => `${word}\0`).join(""));
    assertEquals(agent.violations, []);
  });

  Deno.test(
    `executor reports exit code and last error lines ${endsOf(wire)}`,
    async () => {
      await using chain = await startChain(wire);
      const { agent, executor } = chain;
      agent.launch(shellTask("bad", "echo no such realm >&2; exit 7"));
      const { status } = await agent.updateOf("bad", "TASK_FAILED");
      assertStringIncludes(status.message ?? "", "exited with code 7");
      assertStringIncludes(status.message ?? "", "no such realm");
      assertEquals(await executor.exit(), 0);
      assertEquals(agent.violations, []);
    },
  );

  Deno.test(
    `executor reports the signal that ended a process ${endsOf(wire)}`,
    async () => {
      await using chain = await startChain(wire);
      const { agent, executor } = chain;
      agent.launch(shellTask("bad", "echo out of luck >&2; kill -SEGV $$"));
      const { status } = await agent.updateOf("bad", "TASK_FAILED");
      assertMatch(status.message ?? "", /signal 11 \(SIGSEGV\).*out of luck/s);
      assertEquals(await executor.exit(), 0);
      assertEquals(agent.violations, []);
    },
  );

  Deno.test(
    `executor gives a task its own variables alone ${endsOf(wire)}`,
    async () => {
      await using chain = await startChain({
        ...wire,
        agent: { token: "s3cret-token" },
      });
      const { agent, executor } = chain;
      agent.launch(shellTask("env", "/usr/bin/env -0 > env", {
        environment: { variables: [{ name: "GREETING", value: "two\nlines" }] },
      }));
      assertEquals(await executor.exit(), 0);
      const text = await Deno.readTextFile(`${executor.sandbox}/env`);
      const names = text.split("\0").map((pair) => pair.split("=")[0]);
      assertEquals(
        names.filter((name) => !["PWD", "_", "SHLVL", ""].includes(name ?? ""))
          .sort(),
        ["GREETING", "HOME", "PATH", "SHELL", "USER"],
      );
      assertStringIncludes(text, "GREETING=two\nlines\0");
      const log = await executor.readLog();
      assert(!text.includes("s3cret-token") && !log.includes("s3cret-token"));
      assertEquals(agent.violations, []);
    },
  );
}

Deno.test("executor does not start a task twice that is launched twice", async () => {
  await using chain = await startChain();
  const { agent, daemon, executor } = chain;
  const task = shellTask("one", "echo once >> runs; exec sleep 1000");
  agent.launch(task);
  await agent.updateOf("one", "TASK_RUNNING");
  agent.launch(task);
  agent.launchGroup([task, shellTask("two", "exec sleep 1000")]);
  await agent.updateOf("two", "TASK_RUNNING");
  assertEquals((await daemon.client.list()).length, 2);
  await waitForLine(`${executor.sandbox}/runs`, "once");
  agent.kill("one");
  agent.kill("two");
  assertEquals(await executor.exit(), 0);
  assertEquals(statesOf(agent, "one").length, 3);
  assertEquals(await Deno.readTextFile(`${executor.sandbox}/runs`), "once\n");
  assertEquals(agent.violations, []);
});
