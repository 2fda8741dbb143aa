/** In a program of their own, with the executor's permissions or without. */
import { assertEquals } from "@std/assert";
import type { Outcome, Probe } from "../../../executor/health/probe.ts";
import {
  answeringStatus,
  HAS_IPV6,
  LoopbackServer,
} from "../../support/loopback_server.ts";

/** What an executor may reach; the probes only need the last two. */
const PERMISSION =
  "--allow-net=192.0.2.1:5051,unix:/var/run/process.sock,127.0.0.1,[::1]";

async function outcomesOf(
  probes: readonly Probe[],
  permissions: readonly string[],
): Promise<Outcome[]> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      ...permissions,
      new URL("probe_program.ts", import.meta.url).pathname,
      JSON.stringify(probes),
    ],
    // A probe that asked a proxy would fail.
    env: {
      HTTP_PROXY: "http://127.0.0.1:2",
      HTTPS_PROXY: "http://127.0.0.1:2",
      ALL_PROXY: "http://127.0.0.1:2",
    },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(success, true, decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

/** Every kind of probe of one host, answered with 418. */
async function probesOf(
  hostname: "127.0.0.1" | "::1",
  run: (probes: readonly Probe[]) => Promise<void>,
): Promise<void> {
  await using plain = new LoopbackServer(answeringStatus(418), { hostname });
  await using secure = new LoopbackServer(answeringStatus(418), {
    hostname,
    tls: true,
  });
  const host = hostname === "::1" ? "[::1]" : hostname;
  await run([
    { type: "TCP", hostname: host, port: plain.port },
    { type: "HTTP", url: `http://${host}:${plain.port}/`, statuses: [] },
    { type: "HTTP", url: `https://${host}:${secure.port}/`, statuses: [] },
  ]);
}

const SEEN: readonly Outcome[] = [
  { type: "TCP", succeeded: true },
  { type: "HTTP", statusCode: 418 },
  { type: "HTTP", statusCode: 418 },
];

Deno.test("probes need no more than the loopback addresses, and no proxy", async () => {
  await probesOf("127.0.0.1", async (probes) => {
    assertEquals(await outcomesOf(probes, [PERMISSION]), SEEN);
  });
});

Deno.test({
  name: "probes need no more for IPv6 (needs ::1)",
  ignore: !HAS_IPV6,
  fn: async () => {
    await probesOf("::1", async (probes) => {
      assertEquals(await outcomesOf(probes, [PERMISSION]), SEEN);
    });
  },
});

Deno.test("probes do not blame the task for a permission that is missing", async () => {
  await probesOf("127.0.0.1", async (probes) => {
    const outcomes = await outcomesOf(probes, ["--allow-net=192.0.2.1"]);
    assertEquals(outcomes.map(({ type }) => type), [
      "skipped",
      "skipped",
      "skipped",
    ]);
  });
});
