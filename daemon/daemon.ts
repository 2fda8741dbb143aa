import { BackgroundTasks } from "../shared/background.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/logger.ts";
import { createHandlers } from "./api/handlers.ts";
import { createApi } from "./api/server.ts";
import type { DaemonConfig } from "./config.ts";
import { ExitWatcher } from "./launch/exit_watcher.ts";
import { ShellLauncher } from "./launch/launcher.ts";
import { ShellLookout } from "./launch/lookout.ts";
import { Prober } from "./launch/prober.ts";
import type { ProcessRecord } from "./lifecycle/record.ts";
import { removeStaleSocket } from "./listener.ts";
import { ProcessStore } from "./store/process_store.ts";
import { Effects } from "./supervisor/effects.ts";
import { EventHub } from "./supervisor/event_hub.ts";
import { Execs, findLeftExecs } from "./supervisor/execs.ts";
import { type Folders, layOutFolders } from "./supervisor/folders.ts";
import { Groups } from "./supervisor/groups.ts";
import { LiveOperations } from "./supervisor/live_operations.ts";
import { recover } from "./supervisor/recovery.ts";
import { Staging } from "./supervisor/staging.ts";
import { Supervisor } from "./supervisor/supervisor.ts";

/** Longest wait for requests under way when the daemon leaves, ms. */
const LEAVE_MS_MAX = 2_000;

/** A running daemon. */
export interface Daemon {
  /** Resolves once every process of an earlier daemon was taken up. */
  readonly recovered: Promise<void>;
  /** Stops listening and leaves; the processes live on. */
  close(): Promise<void>;
}

/** What the daemon is given from outside. */
export interface DaemonPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Told of a bug: the daemon cannot go on. */
  readonly onFailure: (name: string, error: unknown) => void;
}

/**
 * Puts the parts together and serves.
 *
 * @throws {AppError} FAILED_PRECONDITION if another daemon has the data folder
 * or the socket.
 */
export async function startDaemon(
  config: DaemonConfig,
  { clock, logger, random, onFailure }: DaemonPorts,
): Promise<Daemon> {
  const runRoot = `${config.dataDir}/run`;
  const baseFolders = {
    workBaseDir: `${config.workspaceDir}/work_dir`,
    runBaseDir: `${config.workspaceDir}/run_dir`,
  };
  await makeFolder(config.dataDir, 0o700);
  await makeFolder(runRoot, 0o700);
  await makeFolder(config.logDir, 0o750);
  await makeFolder(config.pidDir, 0o755);
  await makeFolder(config.workspaceDir, 0o755);
  await makeFolder(baseFolders.workBaseDir, 0o755);
  await makeFolder(baseFolders.runBaseDir, 0o755);
  await removeStaleSocket(config.unixSocket);
  const store = new ProcessStore(`${config.dataDir}/processes.db`);
  const { records, problems } = store.load();
  for (const problem of problems) {
    logger.error("unreadable record set aside", {
      id: problem.id,
      error: problem.message,
    });
  }

  const background = new BackgroundTasks(onFailure);
  const launcher = new ShellLauncher(config.launcher, clock);
  const folders = layOutFolders(runRoot, config.logDir);
  const exits = new ExitWatcher(runRoot, background);
  const lookout = new ShellLookout(config.launcher, clock);
  const prober = new Prober(lookout, clock, background, logger);
  const { fileDirs } = config;
  const staging = new Staging({ launcher, clock, random, logger, fileDirs });
  const groups = new Groups({ launcher, logger, policy: config.groups });
  const effectPorts = {
    launcher,
    prober,
    exits,
    clock,
    folders,
    staging,
    groups,
    background,
    logger,
  };
  const effects = new Effects(effectPorts);
  const execs = new Execs(effectPorts);
  const hub = new EventHub();
  hub.follow((event) =>
    logger.info("process changed", {
      seq: event.Seq,
      id: event.Id,
      cause: event.Cause,
      state: event.Status.Status,
      result: event.Status.Result,
      pid: event.Status.Pid,
    })
  );
  const supervisor = new Supervisor({
    store,
    clock,
    hub,
    effects,
    staging,
    execs,
    groups,
    removeFiles: (record) => removeFiles(folders, record),
  });
  const runners = supervisor.restore(records);
  const leftExecs = findLeftExecs(runRoot);
  const recovered = runners.length === 0
    ? Promise.resolve()
    : recover(runners, effects, effectPorts);
  background.run("recovery", async () => {
    await recovered;
    logger.info("recovered", { processes: runners.length });
  });
  execs.endLeft(leftExecs);

  const api = createApi(
    createHandlers({
      supervisor,
      live: new LiveOperations({ launcher, execs, staging, groups }),
      store,
      hub,
      baseFolders,
      fileDirs,
    }),
    logger,
  );
  const server = Deno.serve({
    path: config.unixSocket,
    transport: "unix",
    onListen: () =>
      logger.info("listening", {
        socket: config.unixSocket,
        processes: runners.length,
      }),
  }, api);
  await Deno.chmod(config.unixSocket, 0o600);
  const pidFile = `${config.pidDir}/process-daemon.pid`;
  await Deno.writeTextFile(pidFile, `${Deno.pid}\n`);
  launcher.prepare();
  return {
    recovered,
    async close() {
      hub.close();
      execs.close();
      // A stop may take its time; whoever waits for it asks the next daemon.
      await Promise.race([server.shutdown(), clock.sleep(LEAVE_MS_MAX)]);
      supervisor.close();
      exits.close();
      await prober.close();
      await launcher.close();
      await Deno.remove(pidFile);
      store.close();
    },
  };
}

/**
 * Makes a folder with exactly this mode, whatever the umask is. One that
 * exists keeps its own: the operator's choice.
 */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.mkdir(path, { recursive: true, mode });
    await Deno.chmod(path, mode);
  }
}

async function removeFiles(
  folders: Folders,
  record: ProcessRecord,
): Promise<void> {
  const { stdoutPath, stderrPath } = folders.logs(record);
  const generations = Array.from(
    { length: record.generation },
    (_, index) => folders.run({ ...record, generation: index + 1 }),
  );
  for (const path of [stdoutPath, stderrPath, ...generations]) {
    try {
      await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
