/**
 * Servers of Debian packages, started and stopped as their users do it, all
 * the way: agent, executor, daemon, launcher. By the user who runs the tests,
 * and by a user without privilege if that is root.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../daemon/support/eventually.ts";
import {
  isAlive,
  killAll,
  membersOf,
  readStat,
  readStatus,
} from "../daemon/support/proc.ts";
import {
  DEBIAN_SERVERS,
  type DebianServer,
  describeMissing,
  isPortClosed,
  makeSite,
  processesOf,
  type ServerSite,
} from "../support/debian_programs.ts";
import {
  bcsTask,
  startChain,
  type TestChain,
} from "../support/test_executor.ts";

/** Who a server runs as. */
interface RunAs {
  readonly name: string;
  /** Null = the user who runs the tests. */
  readonly account:
    | { readonly user: string; readonly uid: number; readonly gid: number }
    | null;
}

const ID = "1795331452997824430.0.0.server.test.10000";
const USERS: readonly RunAs[] = Deno.uid() === 0
  ? [
    { name: "root", account: null },
    {
      name: "nobody",
      account: { user: "nobody", uid: 65_534, gid: 65_534 },
    },
  ]
  : [{ name: "the user of the tests", account: null }];

/** A server that runs and serves, in a chain of its own. */
async function startServer(
  stack: AsyncDisposableStack,
  server: DebianServer,
  { account }: RunAs,
): Promise<{ chain: TestChain; site: ServerSite; pid: number }> {
  const site = stack.use(await makeSite(account));
  const chain = stack.use(await startChain());
  const { agent, daemon } = chain;
  const procInfo = await server.prepare(site);
  agent.launchGroup([
    bcsTask(ID, { workPath: site.dir, ...procInfo }, {
      graceMs: 10_000,
      ...(account === null ? {} : { user: account.user }),
    }),
  ]);
  await agent.updateOf(ID, "TASK_RUNNING");
  await eventually(
    `${server.name} serves`,
    () => server.probe(site.port).then(() => true, () => false),
  );
  const { Pid: pid } = await daemon.client.status(ID);
  assertEquals(
    readStatus(pid, "Uid")?.split("\t")[0],
    String(account?.uid ?? Deno.uid()),
  );
  await eventually(
    `${server.name} has all of its processes`,
    () => processesOf(pid, site).length >= server.processesMin,
  );
  return { chain, site, pid };
}

/** Nothing is left: no process, no open port, no record, no complaint. */
async function assertGone(
  { agent, daemon, executor }: TestChain,
  site: ServerSite,
  pids: readonly number[],
): Promise<void> {
  assertEquals(await executor.exit(), 0);
  // What the kernel says of them, the daemon of its process, and when.
  const history = (await daemon.client.events(0)).map(({ Cause, Status }) =>
    `${Cause}: ${Status.Status} ${Status.Message}`
  );
  assertEquals(
    pids.filter(isAlive).map(readStat),
    [],
    [...history, daemon.log].join("\n"),
  );
  assertEquals(pids.flatMap(membersOf), []);
  assert(await isPortClosed(site.port), `port ${site.port} is still open`);
  assertEquals(await daemon.client.list(), []);
  assertEquals(agent.violations, []);
}

for (const server of DEBIAN_SERVERS) {
  const missing = describeMissing(server.needs);
  for (const runAs of USERS) {
    const who = `as ${runAs.name}${missing}`;

    Deno.test({
      name: `${server.name} serves and is stopped by KILL ${who}`,
      ignore: missing !== "",
      async fn() {
        await using stack = new AsyncDisposableStack();
        const { chain, site, pid } = await startServer(stack, server, runAs);
        await server.probe(site.port);
        const pids = processesOf(pid, site);
        chain.agent.kill(ID);
        await chain.agent.updateOf(ID, "TASK_KILLED");
        await assertGone(chain, site, pids);
        const log = await Deno.readTextFile(site.logFile);
        assertStringIncludes(log, server.farewell);
      },
    });

    Deno.test({
      name: `${server.name} killed by somebody has failed ${who}`,
      ignore: missing !== "",
      async fn() {
        await using stack = new AsyncDisposableStack();
        const { chain, site, pid } = await startServer(stack, server, runAs);
        const pids = processesOf(pid, site);
        await killAll(() => pids.filter(isAlive));
        const { status } = await chain.agent.updateOf(ID, "TASK_FAILED");
        assertStringIncludes(status.message ?? "", server.suddenEnd);
        await assertGone(chain, site, pids);
      },
    });

    Deno.test({
      name: `${server.name} leaves no process behind its main one ${who}`,
      ignore: missing !== "",
      async fn() {
        await using stack = new AsyncDisposableStack();
        const { chain, site, pid } = await startServer(stack, server, runAs);
        const pids = processesOf(pid, site);
        Deno.kill(pid, "SIGKILL");
        await chain.agent.updateOf(ID, "TASK_FAILED");
        await assertGone(chain, site, pids);
      },
    });
  }
}
