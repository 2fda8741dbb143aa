/**
 * The demo: a BCS process definition goes all the way from a scheduler's task
 * group to running processes and back, on this machine and without root. Only
 * the Mesos agent is a stand-in. Everything it starts is gone at the end.
 *
 * Usage: main.ts [DEFINITION.json]
 */
import { messageOf } from "../../shared/errors.ts";
import { ManagerClient } from "../../shared/manager_api/client.ts";
import { FakeAgent } from "../../tests/support/fake_agent.ts";
import {
  daemonArguments,
  executorArguments,
  socketPathOf,
} from "../permissions.ts";
import { renderTaskGroup } from "../bcs/render.ts";

const PROJECT = decodeURIComponent(new URL("../..", import.meta.url).pathname)
  .replace(/\/$/, "");
const DEMO = `${PROJECT}/scripts/demo`;
/** Longest wait for one thing to happen, ms. */
const WAIT_MS = 20_000;

const startMs = performance.now();
const encoder = new TextEncoder();

function say(text: string): void {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(3);
  Deno.stdout.writeSync(encoder.encode(`${seconds.padStart(7)} s  ${text}\n`));
}

/** What has to be undone, in reverse order, also when the demo is stopped. */
const undo = new AsyncDisposableStack();

async function main(): Promise<void> {
  const [path = `${DEMO}/gamesvc.json`] = Deno.args;
  const definition: unknown = JSON.parse(await Deno.readTextFile(path));
  const root = Deno.makeTempDirSync({ prefix: "bcs-process-demo-" });
  undo.defer(() => Deno.remove(root, { recursive: true }));
  const socket = socketPathOf(root);

  say(`starting the daemon below ${root}`);
  const daemon = spawn(`${root}/daemon.log`, {
    args: daemonArguments(`${PROJECT}/daemon/main.ts`, {
      root,
      launcher: `${PROJECT}/daemon/launch/launcher.sh`,
    }),
    cwd: PROJECT,
  });
  undo.defer(() => end(daemon));
  const manager = new ManagerClient(socket);
  undo.defer(() => manager.close());
  await until(() => manager.list());
  undo.defer(() => removeProcesses(manager));
  say("the daemon answers");

  const agent = await FakeAgent.start({ frameworkUser: await userName() });
  undo.defer(() => agent[Symbol.asyncDispose]());
  const { taskGroup } = renderTaskGroup(definition, {
    createdNs: BigInt(Date.now()) * 1_000_000n,
    cluster: "10000",
    frameworkId: agent.identity.frameworkId,
    agentId: agent.identity.agentId,
    hostIp: "127.0.0.1",
    offeredPorts: await freePorts(8),
    variables: { deno: Deno.execPath(), demoDir: DEMO },
  });
  const ids = taskGroup.tasks.map(({ task_id }) => task_id.value);
  say(`rendered ${path} as ${ids.length} tasks`);

  const sandbox = `${root}/sandbox`;
  await Deno.mkdir(sandbox);
  const executor = spawn(`${sandbox}/stderr`, {
    args: executorArguments(`${PROJECT}/executor/main.ts`, {
      endpoint: agent.endpoint,
      socket,
    }),
    cwd: sandbox,
    clearEnv: true,
    env: agent.executorEnvironment({ sandbox }),
  });
  undo.defer(() => end(executor));
  await agent.subscribed(1, WAIT_MS);
  say("the executor has subscribed");

  const printed = printUpdates(agent, ids);
  // Awaited below, unless the demo is stopped before.
  printed.catch(() => undefined);
  agent.launchGroup(taskGroup.tasks.map((task) => ({ ...task })));
  say("LAUNCH_GROUP sent");
  for (const id of ids) await agent.updateOf(id, "TASK_RUNNING", WAIT_MS);
  for (const task of taskGroup.tasks) await showServer(task);
  const pids = (await manager.list()).map(({ Pid }) => Pid);

  for (const id of ids) agent.kill(id);
  say("KILL sent for every task");
  for (const id of ids) await agent.updateOf(id, "TASK_KILLED", WAIT_MS);
  await printed;
  const { code } = await withLimit("the executor's end", executor.status);
  say(`every update is acknowledged, the executor has left with code ${code}`);
  const alive = pids.filter(isAlive);
  const known = await manager.list();
  if (code !== 0 || alive.length > 0 || known.length > 0) {
    throw new Error(
      `left over: pids ${alive.join(" ") || "none"}, ` +
        `records ${known.map(({ Id }) => Id).join(" ") || "none"}`,
    );
  }
  if (agent.violations.length > 0) throw new Error(agent.describe());
  say(`no process is left of ${pids.join(" and ")}`);
}

function spawn(
  log: string,
  options: Deno.CommandOptions,
): Deno.ChildProcess {
  if (undo.disposed) throw new Error("the demo was stopped");
  const file = Deno.openSync(log, { create: true, append: true });
  const child = new Deno.Command(Deno.execPath(), {
    ...options,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    // A terminal's ^C is for the demo alone: it ends them in their order.
    detached: true,
  }).spawn();
  child.stderr.pipeTo(file.writable);
  return child;
}

async function end(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError)) throw error;
  }
  await withLimit("the end of a service", child.status);
}

async function removeProcesses(manager: ManagerClient): Promise<void> {
  await Promise.all((await manager.list()).map(async ({ Id }) => {
    await manager.stop(Id, 1);
    await manager.delete(Id);
  }));
}

async function printUpdates(
  agent: FakeAgent,
  ids: readonly string[],
): Promise<void> {
  await Promise.all(ids.map(async (id) => {
    while (true) {
      const { status } = await agent.nextUpdate(id, () => true, WAIT_MS * 3);
      say(`${status.state.padEnd(13)} ${id}: ${status.message}`);
      if (
        ["TASK_KILLED", "TASK_FAILED", "TASK_FINISHED"].includes(status.state)
      ) {
        return;
      }
    }
  }));
}

/** Asks a started server over HTTP, on the port that its task was given. */
async function showServer(task: {
  readonly command: {
    readonly environment: {
      readonly variables: readonly { name: string; value: string }[];
    };
  };
}): Promise<void> {
  const port = task.command.environment.variables
    .find(({ name }) => name.startsWith("PORT_"))?.value;
  if (port === undefined) return;
  const url = `http://127.0.0.1:${port}/hello`;
  const text = await until(async () => await (await fetch(url)).text());
  say(`GET ${url} → ${text}`);
}

/** Repeats what fails until it succeeds, within limits. */
async function until<T>(attempt: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function withLimit<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took over ${WAIT_MS} ms`)),
      WAIT_MS,
    );
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

async function userName(): Promise<string> {
  const { stdout } = await new Deno.Command("id", { args: ["-un"] }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** A range of ports that were free a moment ago. */
async function freePorts(
  count: number,
): Promise<{ begin: number; end: number }> {
  while (true) {
    const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const begin = (probe.addr as Deno.NetAddr).port;
    probe.close();
    const held: Deno.Listener[] = [];
    try {
      for (let port = begin; port < begin + count; port++) {
        held.push(Deno.listen({ hostname: "127.0.0.1", port }));
      }
      return { begin, end: begin + count - 1 };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    } finally {
      for (const listener of held) listener.close();
      await Promise.resolve();
    }
  }
}

/** A zombie has ended: only its parent has not asked yet. */
function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

let exitCode = 0;
const { promise: interrupted, reject: interrupt } = Promise
  .withResolvers<never>();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    exitCode = 130;
    interrupt(new Error(signal));
  });
}

try {
  await Promise.race([main(), interrupted]);
  say("done");
} catch (error) {
  say(
    exitCode === 0
      ? `FAILED: ${messageOf(error)}`
      : `${messageOf(error)}: cleaning up`,
  );
  exitCode ||= 1;
}
await undo.disposeAsync();
Deno.exit(exitCode);
