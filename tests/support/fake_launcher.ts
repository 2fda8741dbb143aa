import type { Identity } from "../../daemon/lifecycle/record.ts";
import type {
  Account,
  FilePlace,
  LaunchAnswer,
  Launcher,
  LaunchRequest,
  LookAnswer,
  Lookout,
  ProbeAnswer,
  ProcessFacts,
  UnpackRequest,
  UsageAnswer,
  UsageTarget,
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
  /** What it answers when it is asked to measure. */
  usage: UsageAnswer = { atMs: 0, used: new Map() };
  /** Awaited before that. */
  beforeUsageAnswer: () => Promise<void> = () => Promise.resolve();
  #nextPid = 100;
  /** Users of the host by name; everybody else is there and has uid 1. */
  readonly uids = new Map<string, number | null>([
    ["no-such-user", null],
    ["", 0],
    ["root", 0],
    ["0", 0],
  ]);

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

  findUser(user: string): Promise<Account | null> {
    const uid = this.uids.get(user) ?? (this.uids.has(user) ? null : 1);
    const name = user || "root";
    return Promise.resolve(
      uid === null
        ? null
        : { uid, gid: uid, name, home: `/home/${name}`, shell: "/bin/sh" },
    );
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

  findLeft(): Promise<ReadonlySet<number>> {
    return Promise.resolve(new Set());
  }

  writeFile({ root, folders, name }: FilePlace): Promise<void> {
    this.sent.push(`write ${[root, ...folders, name].join("/")}`);
    return Promise.resolve();
  }

  removeFile({ root, folders, name }: FilePlace): Promise<void> {
    this.sent.push(`remove ${[root, ...folders, name].join("/")}`);
    return Promise.resolve();
  }

  makeFolder({ root, folders, name }: FilePlace): Promise<void> {
    this.sent.push(`folder ${[root, ...folders, name].join("/")}`);
    return Promise.resolve();
  }

  removeLinks({ root, folders, name }: FilePlace): Promise<void> {
    this.sent.push(`unlink ${[root, ...folders, name].join("/")}`);
    return Promise.resolve();
  }

  unpack({ archive }: UnpackRequest): Promise<string> {
    this.sent.push(`unpack ${archive}`);
    return Promise.resolve("tree");
  }

  linkTree({ name }: FilePlace, tree: string): Promise<void> {
    this.sent.push(`link ${name} ${tree}`);
    return Promise.resolve();
  }

  hasTree(): Promise<boolean> {
    return Promise.resolve(false);
  }

  discardTree({ name }: FilePlace): Promise<void> {
    this.sent.push(`discard ${name}`);
    return Promise.resolve();
  }

  discardLink({ name }: FilePlace, tree: string): Promise<void> {
    this.sent.push(`discard ${name} ${tree}`);
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

  async measureUsage(targets: readonly UsageTarget[]): Promise<UsageAnswer> {
    this.sent.push(`usage ${targets.map(({ number }) => number).join(" ")}`);
    await this.beforeUsageAnswer();
    return this.usage;
  }

  punch(_folder: string, name: string, bytes: number): Promise<void> {
    this.sent.push(`punch ${name} ${bytes}`);
    return Promise.resolve();
  }
}
