import { AppError } from "../../../shared/errors.ts";
import { assertEquals } from "@std/assert";
import { createHandlers } from "../../../daemon/api/handlers.ts";
import { createApi } from "../../../daemon/api/server.ts";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import { ProcessStore } from "../../../daemon/store/process_store.ts";
import { Execs } from "../../../daemon/supervisor/execs.ts";
import { layOutFolders } from "../../../daemon/supervisor/folders.ts";
import { LiveOperations } from "../../../daemon/supervisor/live_operations.ts";
import { toSpec } from "../../../daemon/lifecycle/spec.ts";
import { EventHub } from "../../../daemon/supervisor/event_hub.ts";
import type { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { Supervisor } from "../../../daemon/supervisor/supervisor.ts";
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
  /** Packages of every process. */
  packages: PackageStatus[] = [];
  readonly written: ProcessFile[] = [];
  readonly store: ProcessStore;
  readonly supervisor: Supervisor;
  readonly handle: (request: Request) => Promise<Response>;
  readonly #runners = new Map<string, ProcessRunner>();

  private constructor(private readonly dir: TempDir) {
    const hub = new EventHub();
    const launcher = this.launcher;
    const execs = new Execs({
      launcher,
      clock: this.clock,
      folders: layOutFolders(`${dir.path}/run`, dir.path),
      logger: createLogger((line) => this.log.push(line), () => 0),
      background: new BackgroundTasks((_name, error) => {
        throw error;
      }),
    });
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
          staging: {
            environmentOf: ({ record }) =>
              Promise.resolve(toSpec(record.info).environment),
          },
        }),
        store: this.store,
        hub,
        baseFolders,
        fileDirs: ["/ws", "/srv/data"],
        packages: { statusOf: () => this.packages },
      }),
      createLogger((line) => this.log.push(line), () => 0),
    );
  }

  static async create(): Promise<ApiBench> {
    return new ApiBench(await tempDir());
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
