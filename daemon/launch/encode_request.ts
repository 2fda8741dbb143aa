import type { GroupLimits } from "../lifecycle/limits.ts";
import type { Identity } from "../lifecycle/record.ts";
import type { ProcessSettings } from "../lifecycle/settings.ts";
import type {
  FilePlace,
  FolderLink,
  GroupRequest,
  LaunchRequest,
  UnpackRequest,
  UsageTarget,
  UserIds,
} from "../ports.ts";

// Requests as launcher.sh reads them, line by line.

/** First line of every request. */
export const VERSION_LINE = "bcs-launcher 1";

/** Writes a launch request as launcher.sh reads it. */
export function encodeLaunch(request: LaunchRequest): string[] {
  return [
    VERSION_LINE,
    `folder ${request.folder}`,
    encodeUser(request.user),
    `stdout ${request.stdoutPath}`,
    `stderr ${request.stderrPath}`,
    encodeSettings(request.settings),
    ...(request.group === null ? [] : encodeGroupRequest(request.group)),
    "begin",
    `dir ${request.workDir}`,
    `umask ${request.settings.umask}`,
    `env ${request.environment.length}`,
    ...request.environment.map(toItem),
    `argv ${request.command.length}`,
    ...request.command.map(toItem),
    "end",
  ];
}

function encodeUser(user: UserIds | null): string {
  return user === null ? "user " : `user ${user.uid} ${user.gid}`;
}

function encodeSettings(
  { nice, oomScoreAdj, rlimits }: ProcessSettings,
): string {
  const bounds = [rlimits.NoFile, rlimits.Core, rlimits.NProc].map((bound) =>
    bound === undefined ? "-" : bound === -1 ? "max" : bound
  );
  return ["settings", nice, oomScoreAdj, ...bounds].join(" ");
}

function encodeGroupRequest(request: GroupRequest): string[] {
  const { name, limits, isRequired } = request;
  return limits === null ? ["join", `group ${name}`] : [
    isRequired ? "must-limit" : "may-limit",
    ...encodeGroup(name, limits),
  ];
}

/** Writes down a group and its limits. */
export function encodeGroup(
  name: string,
  { cpuShares, cpuQuotaUs, memoryBytes, pids }: GroupLimits,
): string[] {
  return [
    `group ${name}`,
    `limits ${cpuShares} ${cpuQuotaUs} ${memoryBytes} ${pids}`,
  ];
}

/** A value may have several lines; each is marked, so none can pose as more. */
function toItem(value: string): string {
  return `=${value.replaceAll("\n", "\n+")}`;
}

/** Writes down where a file is as launcher.sh goes there. */
export function encodePlace(
  { root, folders, name }: FilePlace,
  owner: UserIds,
): string[] {
  return [
    encodeUser(owner),
    `root ${root}`,
    ...folders.map((folder) => `folder ${folder}`),
    "owner",
    `file ${name}`,
  ];
}

/** Writes down whom to measure. */
export function encodeUsageTarget(target: UsageTarget): string[] {
  return [
    `process ${target.number}`,
    ...("group" in target
      ? [`group ${target.group}`]
      : target.sessions.map(({ bootId, pid, startTicks }) =>
        `session ${bootId} ${pid} ${startTicks}`
      )),
  ];
}

/** The same of a folder, and of links in it. */
export function encodeFolder(
  { root, folders, name }: FilePlace,
  owner: UserIds,
  links: readonly FolderLink[],
): string[] {
  return [
    encodeUser(owner),
    `root ${root}`,
    ...[...folders, name].map((folder) => `folder ${folder}`),
    "owner",
    ...links.flatMap(({ name, to }) => [`link ${name}`, `to ${to}`]),
  ];
}

/** Writes down a package to unpack. */
export function encodeUnpack(request: UnpackRequest): string[] {
  const { target } = request;
  return [
    encodeUser(request.owner),
    encodeUser(request.unpacker),
    `archive ${request.archive}`,
    `bytes ${request.bytesMax}`,
    `file ${request.fileName}`,
    ...(target.kind === "tree"
      ? [`root ${target.root}`, `tree ${target.sha256}`]
      : [...encodeOwnPlace("copy", target.place), `aside ${target.aside}`]),
  ];
}

/** Writes down where a package is, or the link to it. */
export function encodeOwnPlace(
  kind: "copy" | "link" | "has" | "tree",
  { root, folders, name }: FilePlace,
): string[] {
  return [
    `root ${root}`,
    ...folders.map((folder) => `folder ${folder}`),
    `${kind} ${name}`,
  ];
}

/** Writes down whom a signal or a search is for. */
export function encodeIdentity({ bootId, pid, startTicks }: Identity): string {
  return `identity ${bootId} ${pid} ${startTicks}`;
}
