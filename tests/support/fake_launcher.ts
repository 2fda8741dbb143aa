import type { Identity } from "../../daemon/lifecycle/record.ts";
import type {
  FilePlace,
  LaunchAnswer,
  Launcher,
  LaunchRequest,
  LookAnswer,
  Lookout,
  ProbeAnswer,
  ProcessFacts,
} from "../../daemon/ports.ts";

/** Boot that all of its processes are of. */
const BOOT_ID = "boot";

/** A process that only the fake launcher knows. */
interface FakeProcess {
  readonly request: LaunchRequest;
  readonly identity: Identity;
  readonly ended: PromiseWithResolvers<void>;
}

/** Starts processes that are nothing but entries in a table. */
export class FakeLauncher implements Launcher, Lookout {
  /** Everything alive, by pid. */
  readonly alive = new Map<number, FakeProcess>();
  /** Every signal and sweep, such as `signal TERM 100`. */
  readonly sent: string[] = [];
  /** Awaited before a probe answers; what it answers was looked up before. */
  beforeProbeAnswer: () => Promise<void> = () => Promise.resolve();
  #nextPid = 100;

  /** Puts a process into the table, as if it had been started before. */
  add(request: LaunchRequest): Identity {
    const pid = this.#nextPid;
    this.#nextPid += 10;
    const identity = { bootId: BOOT_ID, pid, startTicks: pid };
    const ended = Promise.withResolvers<void>();
    this.alive.set(pid, { request, identity, ended });
    return identity;
  }

  /** Lets a process end; its exit file is written as a launcher would. */
  async end(pid: number, record: string): Promise<void> {
    const process = this.alive.get(pid);
    if (process === undefined) throw new Error(`There is no process ${pid}`);
    this.alive.delete(pid);
    await Deno.writeTextFile(`${process.request.folder}/exit`, `${record}\n`);
    process.ended.resolve();
  }

  async *run(request: LaunchRequest): AsyncGenerator<LaunchAnswer> {
    const command = this.add(request);
    const launcher = { ...command, pid: command.pid + 1 };
    yield { type: "launched", launched: { command, launcher } };
    yield { type: "executed" };
    await this.alive.get(command.pid)?.ended.promise;
  }

  signal(name: string, targets: readonly Identity[]): Promise<number[]> {
    for (const { pid } of targets) this.sent.push(`signal ${name} ${pid}`);
    return Promise.resolve(
      targets.map(({ pid }) => pid).filter((pid) => this.alive.has(pid)),
    );
  }

  async probe(pids: readonly number[]): Promise<ProbeAnswer> {
    const alive = new Map<number, ProcessFacts>();
    for (const pid of pids) {
      const identity = this.alive.get(pid)?.identity;
      if (identity === undefined) continue;
      alive.set(pid, { identity, state: "S", session: pid, executable: "" });
    }
    await this.beforeProbeAnswer();
    return { bootId: BOOT_ID, alive };
  }

  async look(pids: readonly number[]): Promise<LookAnswer> {
    const answer = await this.probe(pids);
    const gone = new Set(pids.filter((pid) => !answer.alive.has(pid)));
    return { ...answer, gone };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  readPidFile(): Promise<ProcessFacts | null> {
    return Promise.resolve(null);
  }

  sweep(signal: string, sessions: readonly Identity[]): Promise<number[]> {
    for (const { pid } of sessions) this.sent.push(`sweep ${signal} ${pid}`);
    return Promise.resolve([]);
  }

  writeFile({ root, folders, name }: FilePlace): Promise<void> {
    this.sent.push(`write ${[root, ...folders, name].join("/")}`);
    return Promise.resolve();
  }

  removeFile({ root, folders, name }: FilePlace): Promise<void> {
    this.sent.push(`remove ${[root, ...folders, name].join("/")}`);
    return Promise.resolve();
  }

  limitGroup(name: string): Promise<void> {
    this.sent.push(`limit ${name}`);
    return Promise.resolve();
  }

  isOomKilled(): Promise<boolean> {
    return Promise.resolve(false);
  }

  removeGroup(name: string): Promise<void> {
    this.sent.push(`ungroup ${name}`);
    return Promise.resolve();
  }
}
