/**
 * The Manager API's wire contract: what an executor sends to the process
 * daemon and what it gets back. Member names are the JSON keys (the original
 * daemon's Go field names); decoding does not regard their letter case.
 */

/** Where a process is in its life; why it got there is its `Result`. */
export type ProcessState =
  /** Registered; packages are fetched or the start command runs. */
  | "staging"
  /** The start command was run; the process is not proved alive yet. */
  | "starting"
  /** The process is alive. */
  | "running"
  /** A stop was asked for and the process is not gone yet. */
  | "stopping"
  /** No part of the process is alive. */
  | "stopped";

/** Why a process ended; an addition to the original's answer. */
export type ProcessResult =
  /** It did not end. */
  | "none"
  /** It ended by itself with `ExitCode`. */
  | "exited"
  /** `Signal` ended it, and nobody had asked the daemon to stop it. */
  | "signalled"
  /** It is gone, and how it ended could not be observed. */
  | "unknown"
  /** It ended because a stop was asked for. */
  | "stopped"
  /** The kernel killed in it, as it had used up its memory (addition). */
  | "oom-killed"
  /** It never ran, or ended within its start grace period. */
  | "start-failed"
  /** It never ran, as a package could not be put in place (addition). */
  | "package-failed"
  /** It was stopped as its owner was not heard of for too long (addition). */
  | "lease-expired"
  /** A record without a process: the host or its launcher went away. */
  | "lost";

/** A package to fetch before the start command runs. */
export interface Uri {
  /** The package's address. */
  readonly Value: string;
  /** User name at the package registry; "" = none. */
  readonly User: string;
  /** Password at the package registry: secret, never logged. */
  readonly Pwd: string;
  /** Where the unpacked package appears; the folder is the package's alone. */
  readonly OutputDir: string;
  /** SHA-256 of the package, 64 hexadecimal digits (addition); "" = not known. */
  readonly Sha256?: string;
  /** MD5 of the package, 32 hexadecimal digits (addition); "" = not known. */
  readonly Md5?: string;
  /**
   * Whether the registry is asked each time, or only for what is not here yet
   * (addition). @default {"IfNotPresent"}
   */
  readonly PullPolicy?: PullPolicy;
  /**
   * Whether OutputDir is a link to a tree that processes share and nobody
   * writes to, or a copy of its own (addition). @default {"link"}
   */
  readonly Mode?: "link" | "copy";
  /** Chosen by the daemon; what a client sends is ignored. */
  readonly ExtractDir: string;
  /** Chosen by the daemon; what a client sends is ignored. */
  readonly PackagesFile: string;
}

/** When a registry is asked for a package. */
export type PullPolicy = "Always" | "IfNotPresent";

/** What a process was promised. */
export interface Resource {
  /** CPUs; 0.5 = half of one. */
  readonly Cpus: number;
  /** Memory in MiB. */
  readonly Mem: number;
  /** Disk in MiB. */
  readonly Disk: number;
}

/** Where content is fetched from, by HTTP or HTTPS. */
export interface RemoteSource {
  /** Address of the content. */
  readonly From: string;
  /** User name there; "" = none. */
  readonly RemoteUser: string;
  /** Password there: secret, never logged. */
  readonly RemotePasswd: string;
}

/** A file that the daemon writes for a process (addition). */
export interface ProcessFile {
  /** Path of the file, below a folder that the daemon's set-up allows. */
  readonly To: string;
  /** "rw" = writable by owner and group, "r" = readable by them only. */
  readonly Right: "r" | "rw";
  /** Owner of the file; "" = the process's user. */
  readonly User: string;
  /** The content, base64, secret; null when it is to be fetched. */
  readonly Base64: string | null;
  /** Where to fetch the content; null when it is here. */
  readonly Remote: RemoteSource | null;
}

/** A variable whose value is fetched before the start (addition). */
export interface RemoteVariable extends RemoteSource {
  readonly Name: string;
}

/** What a process may use at most; -1 = no limit, 0 = not given. */
export interface LimitResource extends Resource {
  /** Processes and threads at once (addition). @default {0} */
  readonly Pids?: number;
}

/** New limits of a process (addition); -1 = none, absent = as it is. */
export interface Limits {
  /** CPUs; 0.5 = half of one. */
  readonly Cpus?: number;
  /** Memory in MiB. */
  readonly Mem?: number;
  /** Processes and threads at once. */
  readonly Pids?: number;
}

/** Limits of the kernel on each process of its own (addition); -1 = none. */
export interface Rlimits {
  /** Open files. */
  readonly NoFile?: number;
  /** Size of a core file, bytes. */
  readonly Core?: number;
  /** Processes and threads of its user. */
  readonly NProc?: number;
}

/**
 * Whether the daemon itself starts a process again that ended (addition); the
 * names and meaning are BCS's. The wait before start n is
 * `Interval + (n - 1) * Backoff` seconds.
 */
export interface RestartPolicy {
  /** OnFailure: unless it ended with exit code 0. Never after a stop. */
  readonly Policy: "Never" | "Always" | "OnFailure";
  /** Seconds before the first start again. */
  readonly Interval: number;
  /** Seconds that each further wait is longer. */
  readonly Backoff: number;
  /** Most starts again, until it has run well for long; 0 = no end. */
  readonly MaxTimes: number;
}

/** What becomes of a process whose owner is not heard of any more. */
export type OrphanPolicy = "stop" | "keep";

/** The answer to a heartbeat (addition). */
export interface LeaseInfo {
  /** Live processes of that owner: their leases begin anew. */
  readonly Processes: number;
  /** Seconds until the first of them is an orphan; 0 = there is none. */
  readonly Timeout: number;
}

/** Gives a process to another owner (addition). */
export interface HandOver {
  /** Its owner until now; "" = it has none. */
  readonly From: string;
  /** Its owner from now on; "" = nobody. */
  readonly To: string;
}

/** A command to run beside a process, in its context (addition). */
export interface ExecRequest {
  /** Program and arguments; without a slash the program is found in PATH. */
  readonly Cmd: readonly string[];
  /** `NAME=value`, added to the environment of the process. */
  readonly Envs: readonly string[];
  /** "" = the process's user. */
  readonly User: string;
  /** "" = the process's working folder. */
  readonly WorkDir: string;
  /** Seconds until all of it is killed, maybe with a fraction; above 0. */
  readonly Timeout: number;
}

/** How a command that ran beside a process went (addition). */
export interface ExecResult {
  /** Whether it was killed as its time was over. */
  readonly TimedOut: boolean;
  /** Whether `ExitCode` and `Signal` were observed. */
  readonly ExitKnown: boolean;
  readonly ExitCode: number;
  /** Number of the signal that ended it; 0 = none. */
  readonly Signal: number;
  /** What it wrote, as UTF-8 text: at most the first 64 KiB. */
  readonly Stdout: string;
  /** As `Stdout`; its last line says so if it was killed for writing 16 MiB. */
  readonly Stderr: string;
  /** Whether it wrote more than is here. */
  readonly Truncated: boolean;
}

/**
 * The body of a create request: everything about one process.
 *
 * A command is a path, executed directly, or else shell text, given to
 * `/bin/sh -c`. `${work_base_dir}` and `${run_base_dir}` stand for folders
 * that only the daemon knows.
 */
export interface ProcessInfo {
  /** The process's name in the API; a Mesos task id. */
  readonly Id: string;
  /** Working folder of every command. */
  readonly WorkDir: string;
  /** Base name that the executable named by `PidFile` must have. */
  readonly ProcessName: string;
  /** Packages; null and [] alike = none. */
  readonly Uris: readonly Uri[] | null;
  /**
   * File that the start command writes the process's id to, which makes it a
   * forking process; "" = the start command is the process.
   */
  readonly PidFile: string;
  /** Command that starts the process; a path alone when `Argv` is given. */
  readonly StartCmd: string;
  /** Seconds until the process must have proved itself; 0 = the default. */
  readonly StartGracePeriod: number;
  /** Command that stops the process; "" = SIGTERM. */
  readonly StopCmd: string;
  /** Seconds from stop to SIGKILL; 0 = the default, 10. */
  readonly StopTimeout: number;
  /** Command run before SIGKILL; "" = none. */
  readonly KillCmd: string;
  /** Command that restarts the process (addition). @default stop and start */
  readonly RestartCmd?: string;
  /** Command that reloads the process (addition). @default SIGHUP */
  readonly ReloadCmd?: string;
  /** Command that succeeds while the process is well (addition). */
  readonly CheckCmd?: string;
  /** What the process was promised; null = not known. */
  readonly Resource: Resource | null;
  /**
   * What the process may use at most (addition); null = the memory that it was
   * promised, and any cpu time. 0 = not given, -1 = no limit.
   * @default {null}
   */
  readonly LimitResources?: LimitResource | null;
  /**
   * Folder where stdout and stderr are found as `stdout` and `stderr`: links
   * to where the daemon keeps them (addition); "" = there alone.
   * @default {""}
   */
  readonly LogPath?: string;
  /** Whether it is started again when it ends (addition). @default {null} */
  readonly RestartPolicy?: RestartPolicy | null;
  /**
   * Seconds until a process is an orphan unless its owner, `ExecutorId`, is
   * heard of (addition); 0 = as the daemon is configured. @default {0}
   */
  readonly HeartBeatTimeout?: number;
  /** What becomes of it as an orphan (addition). @default {"stop"} */
  readonly OrphanPolicy?: OrphanPolicy;
  /** File mode mask, octal, such as "022" (addition). @default {"022"} */
  readonly Umask?: string;
  /** Scheduling priority, -20 (first) to 19 (addition). @default {0} */
  readonly Nice?: number;
  /** Limits of each process (addition). @default {null} the daemon's */
  readonly Rlimits?: Rlimits | null;
  /**
   * How readily the kernel kills it when the host is out of memory, -1000
   * (never) to 1000 (addition). @default {0}
   */
  readonly OomScoreAdj?: number;
  /** Files to write before every start (addition). @default {[]} */
  readonly Files?: readonly ProcessFile[];
  /** Variables to fetch before every start (addition). @default {[]} */
  readonly RemoteEnvs?: readonly RemoteVariable[];
  /**
   * `NAME=value`. PATH, HOME, USER, SHELL and PWD are added if their names are
   * not given; null and [] alike = these alone.
   */
  readonly Envs: readonly string[] | null;
  /** Arguments after the path in `StartCmd`; null and [] alike = none. */
  readonly Argv: readonly string[] | null;
  /** Name or uid that every command runs as; "" = the daemon's default. */
  readonly User: string;
  /** The executor that asked; "" = nobody holds a lease. */
  readonly ExecutorId: string;
  /** Always null in a request. */
  readonly StatusInfo: null;
  /** Always 0 in a request. */
  readonly ExecutorHeartBeatTime: number;
}

/** The answer to a status request. Times are Unix seconds, 0 = not yet. */
export interface ProcessStatusInfo {
  /** The process's {@linkcode ProcessInfo.Id}. */
  readonly Id: string;
  /** Where it is in its life. */
  readonly Status: ProcessState;
  /** Exit code; 0 unless `Result` says it ended, see `ExitKnown`. */
  readonly ExitCode: number;
  /** What to tell a human; at most 4 KiB. */
  readonly Message: string;
  /** Process id on the host; 0 = none yet. The last one once stopped. */
  readonly Pid: number;
  /** When it was created. */
  readonly RegisterTime: number;
  /** When it was last started. */
  readonly LastStartTime: number;
  /** Why it ended (addition). */
  readonly Result: ProcessResult;
  /** Number of the signal that ended it; 0 = none (addition). */
  readonly Signal: number;
  /** Whether `ExitCode` and `Signal` were observed (addition). */
  readonly ExitKnown: boolean;
  /** When it ended (addition). */
  readonly FinishTime: number;
  /** Counts starts under one id; 1 is the first (addition). */
  readonly Generation: number;
  /** The executor that has the lease; "" = nobody (addition). */
  readonly Owner?: string;
  /** Whether its CheckCmd says that it is well; null = there is none (addition). */
  readonly Healthy?: boolean | null;
  /** Whether the kernel killed in it for its memory (addition). */
  readonly OOMKilled?: boolean;
  /** What it uses; null = not measured yet (addition). */
  readonly Usage?: Usage | null;
  /** Its packages, in the order of `Uris` (addition). @default {[]} */
  readonly Packages?: readonly PackageStatus[];
  /** How often its RestartPolicy has started it again in a row (addition). */
  readonly Restarts?: number;
  /** When its RestartPolicy starts it next, Unix seconds; 0 = not (addition). */
  readonly NextStartTime?: number;
}

/** What all of a process uses, its children too (addition). */
export interface Usage {
  /** When this was measured, Unix milliseconds. */
  readonly Time: number;
  /** CPU time since its start, seconds. */
  readonly CpuSeconds: number;
  /** CPU time by real time since the measurement before; 100 = one cpu. */
  readonly CpuPercent: number;
  /** Memory now, bytes. */
  readonly MemoryBytes: number;
  /** The most memory it ever had, bytes. */
  readonly MemoryPeakBytes: number;
  /** Live processes. */
  readonly Processes: number;
  /** Since it was started, seconds. */
  readonly UptimeSeconds: number;
}

/** How far a package is (addition). */
export interface PackageStatus {
  /** Its address, without user, password and query. */
  readonly Value: string;
  readonly State: "waiting" | "downloading" | "unpacking" | "ready" | "failed";
  /** Bytes that are here. */
  readonly Bytes: number;
  /** Bytes that it has; 0 = not known. */
  readonly Total: number;
  /** SHA-256 of what is here; "" = not all is. */
  readonly Sha256: string;
  /** What proves that it is the right one; "" = nothing yet. */
  readonly VerifiedBy:
    | ""
    | "sha256"
    | "md5"
    | "registry"
    | "etag"
    | "length"
    | "nothing";
}

/** Which stream of a process's output. */
export type LogStream = "stdout" | "stderr";

/** A part of a log (addition). */
export interface LogPart {
  /**
   * Place of its first byte in all that the process ever wrote: bytes of
   * earlier files count, so that a place means the same after a rotation.
   */
  readonly start: number;
  /** Place after its last byte. */
  readonly end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Which part of a log is asked for. */
export interface LogQuery {
  readonly stream: LogStream;
  /** The last lines. */
  readonly lines?: number;
  /** The last bytes. */
  readonly bytes?: number;
  /** From this place on; from the oldest that is kept if that is gone. */
  readonly from?: number;
}

/** Which program answers (addition). */
export interface VersionInfo {
  readonly Version: string;
  readonly Deno: string;
}

/** Whether the daemon is able to work (addition). */
export interface HealthInfo {
  readonly Status: "ok";
  /** Processes that it knows. */
  readonly Processes: number;
  /** Whether all processes of an earlier daemon were taken up. */
  readonly Recovered: boolean;
  readonly UptimeSeconds: number;
}

/** All that the daemon knows of one process (addition). Secrets are hidden. */
export interface ProcessInspection {
  /** As it was asked for; values of Envs and passwords are replaced. */
  readonly Info: ProcessInfo;
  readonly Status: ProcessStatusInfo;
  /** Its latest transitions, oldest first. */
  readonly History: readonly ProcessEvent[];
}

/** One change of one process (addition). */
export interface ProcessEvent {
  /** Rises with every change on this host; never used twice. */
  readonly Seq: number;
  /** Unix milliseconds. */
  readonly Time: number;
  readonly Id: string;
  /** What happened, such as `ended`; `deleted` is the last of a process. */
  readonly Cause: string;
  /** What it brought, such as `it exited with code 7`. @default {""} */
  readonly Detail?: string;
  /** The status after it. */
  readonly Status: ProcessStatusInfo;
}
