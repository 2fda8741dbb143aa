/** Ways to the agent, with the program's own permissions and none more. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeCertificate } from "../support/certificates.ts";
import { FakeAgent, type FakeAgentOptions } from "../support/fake_agent.ts";
import { ServedDaemon } from "../support/served_daemon.ts";
import { tempDir } from "../support/temp_dir.ts";
import { shellTask, TestExecutor, WIRES } from "../support/test_executor.ts";

type Variables = Readonly<Record<string, string>>;

/** Runs one task to its end. */
async function runTask(
  dir: string,
  codec: "json" | "protobuf",
  options: FakeAgentOptions,
  variables: Variables,
): Promise<void> {
  await using daemon = new ServedDaemon(`${dir}/daemon.sock`);
  await using agent = await FakeAgent.start({ ...options, token: "t0ken" });
  await using executor = await TestExecutor.start(agent, daemon.socket, {
    codec,
    variables,
  });
  agent.launch(shellTask("one", "exit 0"));
  await agent.updateOf("one", "TASK_RUNNING");
  agent.kill("one");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.updates("one").at(-1)?.status.state, "TASK_KILLED");
  assertEquals(agent.violations, []);
}

for (const { codec } of WIRES) {
  Deno.test(`executor reaches an agent by TLS (${codec})`, async () => {
    await using dir = await tempDir();
    const { caFile, ...tls } = await makeCertificate(dir.path);
    await runTask(dir.path, codec, { tls }, {
      LIBPROCESS_SSL_ENABLED: "1",
      LIBPROCESS_SSL_CA_FILE: caFile,
    });
  });

  Deno.test(`executor reaches an agent on a unix socket (${codec})`, async () => {
    await using dir = await tempDir();
    const socketPath = `${dir.path}/agent.sock`;
    await runTask(dir.path, codec, { socketPath }, {
      // Nobody listens there; it is what stands in URLs.
      MESOS_AGENT_ENDPOINT: "127.0.0.1:5051",
      MESOS_DOMAIN_SOCKET: socketPath,
    });
  });
}

Deno.test("executor names the file of TLS that it cannot read", async () => {
  await using dir = await tempDir();
  await using agent = await FakeAgent.start();
  await using executor = await TestExecutor.start(agent, `${dir.path}/none`, {
    variables: {
      LIBPROCESS_SSL_ENABLED: "1",
      LIBPROCESS_SSL_CA_FILE: `${dir.path}/missing.pem`,
    },
  });
  assertEquals(await executor.exit(), 2);
  assertStringIncludes(await executor.readLog(), "missing.pem");
});
