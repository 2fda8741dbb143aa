import { readConfig } from "../../../daemon/config.ts";
import { type Daemon, startDaemon } from "../../../daemon/daemon.ts";
import type {
  HeldPackage,
  PackageSource,
} from "../../../daemon/package/package_source.ts";
import { systemClock } from "../../../shared/clock.ts";
import { AppError } from "../../../shared/errors.ts";
import { createLogger } from "../../../shared/logger.ts";
import { ManagerClient } from "../../../shared/manager_api/client.ts";
import type {
  ProcessInfo,
  ProcessStatusInfo,
  Uri,
} from "../../../shared/manager_api/types.ts";
import { LAUNCHER_PATH } from "../../support/launcher_shells.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";
import { eventually } from "../support/eventually.ts";

/** Packages that are files of the test, by their addresses. */
export class FakePackageSource implements PackageSource {
  readonly #archives = new Map<string, HeldPackage>();
  /** Every address that was asked for. */
  readonly asked: string[] = [];
  /** How many packages are held. */
  held = 0;

  constructor(private readonly dir: string) {}

  /** Offers a package; it may replace another. @returns Its SHA-256. */
  async offer(
    address: string,
    archive: Uint8Array<ArrayBuffer>,
  ): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", archive);
    const sha256 = new Uint8Array(digest).toHex();
    const path = `${this.dir}/${sha256}`;
    await Deno.writeFile(path, archive, { mode: 0o600 });
    this.#archives.set(address, {
      path,
      sha256,
      bytes: archive.length,
      verifiedBy: "nothing",
      release: () => void this.held--,
    });
    return sha256;
  }

  /** What is not offered never comes. */
  async hold(
    { Value }: Uri,
    signal: AbortSignal,
    onProgress: (bytes: number, total: number) => void,
  ): Promise<HeldPackage> {
    this.asked.push(Value);
    const found = this.#archives.get(Value);
    if (found === undefined) {
      onProgress(1, 10);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new AppError("UNAVAILABLE", "nobody wants it any more");
    }
    this.held++;
    return found;
  }
}

/** A real daemon with packages that the test offers, in this process. */
export class PackageBench implements AsyncDisposable {
  readonly source: FakePackageSource;
  readonly log: string[] = [];
  #daemon: Daemon | null = null;
  #client: ManagerClient | null = null;

  private constructor(private readonly tempDir: TempDir) {
    this.source = new FakePackageSource(tempDir.path);
  }

  static async create(): Promise<PackageBench> {
    const bench = new PackageBench(await tempDir());
    await Deno.chmod(bench.dir, 0o755);
    await bench.start();
    return bench;
  }

  get dir(): string {
    return this.tempDir.path;
  }
  get workDir(): string {
    return `${this.dir}/ws/work_dir`;
  }
  get client(): ManagerClient {
    return this.#client ??= new ManagerClient(`${this.dir}/socket`);
  }

  async start(): Promise<void> {
    const { dir } = this;
    const line = readConfig(
      [
        `--data-dir=${dir}/data`,
        `--workspace-dir=${dir}/ws`,
        `--log-dir=${dir}/log`,
        `--pid-dir=${dir}/pid`,
        `--unix-socket=${dir}/socket`,
        "--limits=off",
      ],
      () => "{}",
      LAUNCHER_PATH,
    );
    if (line.action !== "run") throw new Error("It is to run");
    this.#daemon = await startDaemon(line.config, {
      clock: systemClock,
      logger: createLogger((text) => this.log.push(text), () => 0),
      random: () => 0,
      packageSource: this.source,
      onFailure: (_, error) => {
        throw error;
      },
    });
    await this.#daemon.recovered;
  }

  async close(): Promise<void> {
    this.#client?.close();
    this.#client = null;
    await this.#daemon?.close();
    this.#daemon = null;
  }

  /** Creates a process that runs until it is stopped. */
  async create(
    id: string,
    uris: readonly Partial<Uri>[],
    part: Partial<ProcessInfo> = {},
  ): Promise<void> {
    await this.client.create({
      Id: id,
      WorkDir: this.dir,
      ProcessName: "",
      Uris: uris as Uri[],
      PidFile: "",
      StartCmd: "exec sleep 1000",
      StartGracePeriod: 0,
      StopCmd: "",
      StopTimeout: 2,
      KillCmd: "",
      Resource: null,
      Envs: null,
      Argv: null,
      User: "",
      ExecutorId: "",
      StatusInfo: null,
      ExecutorHeartBeatTime: 0,
      ...part,
    });
  }

  /** Waits until a process is in a state. */
  async until(
    id: string,
    state: ProcessStatusInfo["Status"],
  ): Promise<ProcessStatusInfo> {
    return await eventually(`${id} is ${state}`, async () => {
      const status = await this.client.status(id);
      if (status.Status !== state && status.Status === "stopped") {
        throw new Error(status.Message);
      }
      return status.Status === state ? status : undefined;
    });
  }

  async run(id: string, uris: readonly Partial<Uri>[]): Promise<void> {
    await this.create(id, uris);
    await this.until(id, "running");
  }

  async remove(id: string): Promise<void> {
    await this.client.stop(id, 1);
    await this.client.delete(id);
  }

  /** Names in a folder, in order. */
  list(folder: string): string[] {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  }

  /** Shared trees, and what is left of them. */
  trees(): string[] {
    return this.list(`${this.dir}/ws/packages`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon !== null) {
      for (const { Id } of await this.client.list()) {
        await this.client.stop(Id, 1).catch(() => {});
      }
      await this.close();
    }
    await this.tempDir[Symbol.asyncDispose]();
  }
}
