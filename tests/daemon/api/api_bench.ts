import { AppError } from "../../../shared/errors.ts";
import { assertEquals } from "@std/assert";
import { createHandlers } from "../../../daemon/api/handlers.ts";
import { createApi } from "../../../daemon/api/server.ts";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import { SessionSearch } from "../../../daemon/launch/session_search.ts";
import { ProcessStore } from "../../../daemon/store/process_store.ts";
import { Logs } from "../../../daemon/logs/logs.ts";
import { Execs } from "../../../daemon/supervisor/execs.ts";
import { layOutFolders } from "../../../daemon/supervisor/folders.ts";
import { Leases } from "../../../daemon/supervisor/leases.ts";
import { LiveOperations } from "../../../daemon/supervisor/live_operations.ts";
import { toSpec } from "../../../daemon/lifecycle/spec.ts";
import { EventHub } from "../../../daemon/supervisor/event_hub.ts";
import type { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { Supervisor } from "../../../daemon/supervisor/supervisor.ts";
import { UsageSampler } from "../../../daemon/supervisor/usage_sampler.ts";
import { Surroundings } from "../../../daemon/supervisor/surroundings.ts";
import { Users } from "../../../daemon/supervisor/users.ts";
import type { UserPolicy } from "../../../daemon/config.ts";
import type {
  PackageStatus,
  ProcessFile,
} from "../../../shared/manager_api/types.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import type { Envelope } from "../../../shared/manager_api/envelope.ts";
import { createLogger } from "../../../shared/logger.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeLauncher } from "../../support/fake_launcher.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";

/** Where every operation is. */
export const BASE = "/bcsapi/v1/processdaemon";

/** What came back. */
export interface Answer {
  readonly status: number;
  /** The body as it was sent. */
  readonly text: string;
  readonly envelope: Envelope;
}

/** Of the logs that tests ask for. */
const LOG_POLICY = { fileBytes: 65_536, files: 3 };

/** The whole API on a real store, with processes that the test moves. */
export class ApiBench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly launcher = new FakeLauncher();
  /** Until then commands are at work beside processes. */
  settled: Promise<void> = Promise.resolve();
  readonly log: string[] = [];
  readonly removed: string[] = [];
  /** Processes whose files may be written again after a delete that failed. */
  readonly kept: string[] = [];
  /** Whether files can be removed. */
  isReadOnly = false;
  /** Whether all processes of an earlier daemon were taken up. */
  isRecovered = false;
  /** Packages of every process. */
  packages: PackageStatus[] = [];
  readonly written: ProcessFile[] = [];
  readonly store: ProcessStore;
  readonly supervisor: Supervisor;
  readonly handle: (request: Request) => Promise<Response>;
  readonly #runners = new Map<string, ProcessRunner>();

  private constructor(
    private readonly dir: TempDir,
    userPolicy: UserPolicy,
  ) {
    const hub = new EventHub();
    const launcher = this.launcher;
    const logger = createLogger((line) => this.log.push(line), () => 0);
    const background = new BackgroundTasks((_name, error) => {
      throw error;
    });
    const users = new Users({
      launcher,
      clock: this.clock,
      policy: userPolicy,
    });
    const folders = layOutFolders(`${dir.path}/run`, dir.path);
    const execs = new Execs({
      launcher,
      sessions: new SessionSearch(launcher, logger),
      clock: this.clock,
      folders,
      logger,
      background,
    });
    const leases = new Leases(this.clock, 600_000);
    this.store = new ProcessStore(`${dir.path}/processes.db`);
    this.supervisor = new Supervisor({
      store: this.store,
      clock: this.clock,
      hub,
      effects: {
        perform: (runner) => this.#runners.set(runner.record.id, runner),
        release: () => {},
      },
      staging: {
        write: (_, file) => {
          this.written.push(file);
          return Promise.resolve();
        },
        discard: () => Promise.resolve(),
        keep: ({ record }) => this.kept.push(record.id),
      },
      execs: { settled: () => this.settled },
      leases,
      groups: {
        change: (runner, limits) => {
          runner.dispatch({ type: "limitsChanged", limits });
          return Promise.resolve();
        },
        remove: () => Promise.resolve(),
      },
      removeFiles: ({ id }) => {
        if (this.isReadOnly) {
          return Promise.reject(new AppError("INTERNAL", "read-only"));
        }
        this.removed.push(id);
        return Promise.resolve();
      },
    });
    const baseFolders = { workBaseDir: "/ws/work_dir", runBaseDir: "/ws/run" };
    this.handle = createApi(
      createHandlers({
        supervisor: this.supervisor,
        live: new LiveOperations({
          launcher,
          execs,
          groups: { forHelper: () => null },
          surroundings: new Surroundings({
            users,
            staging: {
              environmentOf: ({ record }) =>
                Promise.resolve(toSpec(record.info).environment),
            },
          }),
        }),
        leases,
        store: this.store,
        hub,
        usage: new UsageSampler({
          launcher,
          groups: { groupOf: () => null },
          clock: this.clock,
          background,
          logger,
          records: () => this.supervisor.list(),
        }),
        logs: new Logs(dir.path, dir.path, LOG_POLICY, {
          launcher,
          clock: this.clock,
          background,
          logger,
        }),
        baseFolders,
        fileDirs: ["/ws", "/srv/data"],
        ownPaths: [],
        clock: this.clock,
        isRecovered: () => this.isRecovered,
        users,
        packages: { statusOf: () => this.packages },
      }),
      logger,
    );
  }

  static async create(
    userPolicy: UserPolicy = { fallback: "", allowed: [] },
  ): Promise<ApiBench> {
    return new ApiBench(await tempDir(), userPolicy);
  }

  /** Sends a request and checks what every answer has in common. */
  async call(
    method: string,
    path: string,
    body?: BodyInit | null,
  ): Promise<Answer> {
    const response = await this.handle(
      new Request(`http://daemon${path}`, {
        method,
        ...(body === undefined ? {} : { body }),
      }),
    );
    const text = await response.text();
    const envelope = JSON.parse(text) as Envelope;
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(Object.keys(envelope), ["result", "code", "message", "data"]);
    assertEquals(envelope.result, response.status === 200);
    return { status: response.status, text, envelope };
  }

  /** Lets something happen to a process. */
  dispatch(id: string, event: ProcessEvent): void {
    this.#runners.get(id)?.dispatch(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.supervisor.close();
    this.store.close();
    await this.dir[Symbol.asyncDispose]();
  }
}
