import { BackgroundTasks } from "../shared/background.ts";
import type { Clock } from "../shared/clock.ts";
import { AppError } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";
import { createHandlers } from "./api/handlers.ts";
import { createApi } from "./api/server.ts";
import type { DaemonConfig } from "./config.ts";
import { ExitWatcher } from "./launch/exit_watcher.ts";
import { ShellLauncher } from "./launch/launcher.ts";
import { ShellLookout } from "./launch/lookout.ts";
import { Prober } from "./launch/prober.ts";
import { SessionSearch } from "./launch/session_search.ts";
import type { ProcessRecord } from "./lifecycle/record.ts";
import { PackageCache } from "./package/package_cache.ts";
import type { PackageSource } from "./package/package_source.ts";
import { Trees } from "./package/trees.ts";
import { removeStaleSocket } from "./listener.ts";
import { Logs } from "./logs/logs.ts";
import { ProcessStore } from "./store/process_store.ts";
import { Checks } from "./supervisor/checks.ts";
import { Effects } from "./supervisor/effects.ts";
import { EventHub } from "./supervisor/event_hub.ts";
import { Execs, findLeftExecs } from "./supervisor/execs.ts";
import { layOutFolders } from "./supervisor/folders.ts";
import { Groups } from "./supervisor/groups.ts";
import { Leases } from "./supervisor/leases.ts";
import { Packages } from "./supervisor/packages.ts";
import { LiveOperations } from "./supervisor/live_operations.ts";
import { recover } from "./supervisor/recovery.ts";
import { removeFolder } from "./supervisor/remove_folder.ts";
import { Staging } from "./supervisor/staging.ts";
import { Supervisor } from "./supervisor/supervisor.ts";
import { UsageSampler } from "./supervisor/usage_sampler.ts";
import { Surroundings } from "./supervisor/surroundings.ts";
import { Users } from "./supervisor/users.ts";
import { WorkFolders } from "./supervisor/work_folders.ts";

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
  /** Where packages come from. @default nowhere yet */
  readonly packageSource?: PackageSource;
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
  { clock, logger, random, onFailure, ...ports }: DaemonPorts,
): Promise<Daemon> {
  const packageFolder = `${config.workspaceDir}/packages`;
  const runRoot = `${config.dataDir}/run`;
  const logMarks = `${config.dataDir}/logs`;
  const pidFile = `${config.pidDir}/process-daemon.pid`;
  const baseFolders = {
    workBaseDir: `${config.workspaceDir}/work_dir`,
    runBaseDir: `${config.workspaceDir}/run_dir`,
  };
  await makeFolder(config.dataDir, 0o700);
  await makeFolder(runRoot, 0o700);
  await makeFolder(logMarks, 0o700);
  // Whose a log is reads it through a link; nobody can list what is there.
  await makeFolder(config.logDir, 0o711);
  await makeFolder(config.pidDir, 0o755);
  await makeFolder(config.workspaceDir, 0o755);
  await makeFolder(baseFolders.workBaseDir, 0o755);
  await makeFolder(baseFolders.runBaseDir, 0o755);
  await makeFolder(packageFolder, 0o755);
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
  const logs = new Logs(config.logDir, logMarks, config.logs, {
    launcher,
    clock,
    background,
    logger,
  });
  const exits = new ExitWatcher(runRoot, background);
  const sessions = new SessionSearch(launcher, logger);
  const lookout = new ShellLookout(config.launcher, clock);
  const prober = new Prober(lookout, clock, background, logger);
  const { fileDirs } = config;
  const users = new Users({ launcher, clock, policy: config.users });
  const workFolders = new WorkFolders({ launcher, users, folders, fileDirs });
  const fetched = new PackageCache({
    folder: `${config.dataDir}/packages`,
    policy: config.packages,
    clock,
    random,
    logger,
    background,
  });
  const packages = new Packages({
    source: ports.packageSource ?? fetched,
    users,
    unpacker: config.packages.unpacker,
    trees: new Trees({ launcher, folder: packageFolder, ...config.packages }),
    logger,
    fileDirs,
    runners: () => supervisor.runners(),
    areAllKnown: problems.length === 0,
  });
  const staging = new Staging({
    launcher,
    clock,
    random,
    logger,
    fileDirs,
    users,
    workFolders,
    packages,
  });
  const surroundings = new Surroundings({ staging, users });
  const groups = new Groups({ launcher, logger, policy: config.groups });
  const effectPorts = {
    launcher,
    prober,
    exits,
    sessions,
    clock,
    folders,
    staging,
    users,
    surroundings,
    groups,
    background,
    logger,
  };
  const execs = new Execs(effectPorts);
  const checks = new Checks({ ...effectPorts, execs, random });
  const effects = new Effects({ ...effectPorts, checks });
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
  const leases = new Leases(clock, config.heartbeatTimeoutMs);
  hub.follow(({ Id, Status }) =>
    Status.Status === "stopped" ? logs.rest(Id) : logs.watch(Id)
  );
  const supervisor: Supervisor = new Supervisor({
    store,
    clock,
    hub,
    effects,
    staging,
    execs,
    groups,
    leases,
    async removeFiles(record) {
      await logs.remove(record.id);
      await removeRunFolders(runRoot, record, clock);
    },
  });
  const runners = supervisor.restore(records);
  for (const { id, phase } of records) {
    if (phase.state !== "stopped") logs.watch(id);
  }
  const leftExecs = findLeftExecs(runRoot);
  let isRecovered = runners.length === 0;
  const recovered = isRecovered
    ? Promise.resolve()
    : recover(runners, effects, effectPorts).then(() => {
      isRecovered = true;
      logger.info("recovered", { processes: runners.length });
    });
  background.run("recovery", () => recovered);
  execs.endLeft(leftExecs);
  background.run("package sweep", () => fetched.sweep());
  background.run("packages", () => packages.tidy());

  const api = createApi(
    createHandlers({
      supervisor,
      live: new LiveOperations({ launcher, execs, surroundings, groups }),
      leases,
      store,
      hub,
      logs,
      usage: new UsageSampler({
        launcher,
        groups,
        clock,
        background,
        logger,
        records: () => supervisor.list(),
      }),
      baseFolders,
      fileDirs,
      ownPaths: [
        packageFolder,
        config.dataDir,
        config.logDir,
        config.unixSocket,
        pidFile,
      ],
      clock,
      isRecovered: () => isRecovered,
      users,
      packages,
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
  await Deno.writeTextFile(pidFile, `${Deno.pid}\n`);
  launcher.prepare();
  background.run("users", () => nameMissingUsers(users, logger));
  return {
    recovered,
    async close() {
      hub.close();
      const checked = checks.close();
      execs.close();
      // A stop may take its time; whoever waits for it asks the next daemon.
      const left = Promise.all([logs.close(), server.shutdown(), checked]);
      await Promise.race([left, clock.sleep(LEAVE_MS_MAX)]);
      supervisor.close();
      exits.close();
      await prober.close();
      await launcher.close();
      await Deno.remove(pidFile);
      store.close();
    },
  };
}

/** Says early what would have starts refused; and the first start asks less. */
async function nameMissingUsers(users: Users, logger: Logger): Promise<void> {
  try {
    for (const user of await users.findMissing()) {
      logger.warn("configured user does not exist", { user });
    }
  } catch (error) {
    // Whoever needs one asks again.
    if (!(error instanceof AppError)) throw error;
    logger.warn("users not looked up", { reason: error.message });
  }
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

async function removeRunFolders(
  runRoot: string,
  record: ProcessRecord,
  clock: Clock,
): Promise<void> {
  const generations = [...Deno.readDirSync(runRoot)]
    .filter(({ name }) => name.startsWith(`${record.number}.`))
    .map(({ name }) => `${runRoot}/${name}`);
  for (const path of generations) await removeFolder(path, clock);
}
