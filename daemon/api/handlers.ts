import { AppError, InvalidInputError } from "../../shared/errors.ts";
import {
  parseExecRequest,
  parseHandOver,
  parseLimits,
  parseProcessFile,
  parseProcessInfo,
  parseSeconds,
  parseSignal,
} from "../../shared/manager_api/parse.ts";
import { FILE_BYTES_MAX } from "../../shared/manager_api/parse_files.ts";
import { parseOwner } from "../../shared/manager_api/parse_owner.ts";
import type { Operation } from "../../shared/manager_api/routes.ts";
import type {
  ExecResult,
  LeaseInfo,
  ProcessEvent,
  ProcessInfo,
  ProcessInspection,
  ProcessStatusInfo,
  RemoteSource,
} from "../../shared/manager_api/types.ts";
import type { ProcessRecord } from "../lifecycle/record.ts";
import { toStatus } from "../lifecycle/status.ts";
import type { ProcessStore } from "../store/process_store.ts";
import type { EventHub } from "../supervisor/event_hub.ts";
import type { Logs } from "../logs/logs.ts";
import { type PlacePolicy, ruleOfPlace } from "../supervisor/file_place.ts";
import type { Leases } from "../supervisor/leases.ts";
import type { Packages } from "../supervisor/packages.ts";
import type { LiveOperations } from "../supervisor/live_operations.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { UsageSampler } from "../supervisor/usage_sampler.ts";
import type { Users } from "../supervisor/users.ts";
import { checkDefinition, checkUser } from "./check_definition.ts";
import {
  type BaseFolders,
  expandExecRequest,
  expandFile,
  expandFolders,
  expandPath,
} from "./expand_folders.ts";
import { streamEvents } from "./event_stream.ts";
import { parseLogQuery } from "./log_query.ts";
import { streamLog } from "./log_stream.ts";
import { createSystemHandlers, type SystemPorts } from "./system_handlers.ts";

/** Largest request body, bytes. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** The same for a file, whose content is a third longer as base64. */
const FILE_BODY_BYTES_MAX = Math.ceil(FILE_BYTES_MAX / 3) * 4 + 64 * 1024;
/** Events in one list, and in an inspection. */
const EVENTS_MAX = 1_000;
const HISTORY_MAX = 100;

/** What the operations act upon. */
export interface ApiPorts extends SystemPorts, PlacePolicy {
  readonly supervisor: Supervisor;
  readonly live: LiveOperations;
  readonly leases: Pick<Leases, "renew">;
  readonly store: Pick<ProcessStore, "eventsAfter" | "historyOf" | "lastSeq">;
  readonly hub: EventHub;
  readonly usage: Pick<UsageSampler, "of" | "refresh" | "freshen">;
  readonly logs: Pick<Logs, "of" | "grown">;
  readonly baseFolders: BaseFolders;
  readonly packages: Pick<Packages, "statusOf">;
  readonly users: Pick<Users, "effectiveUser" | "admit">;
}

/** One request, already routed. */
export interface Call {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** An operation returns the envelope's data, or a response of its own. */
export type Handler = (call: Call) => unknown;

/** The operations of the Manager API. */
export function createHandlers(ports: ApiPorts): Record<Operation, Handler> {
  const { supervisor, live, leases, store, hub, logs, usage } = ports;
  const { baseFolders, packages } = ports;
  const idOf = ({ params }: Call): string => params["id"] ?? "";
  const checkPath = (path: string): string | null => {
    const expanded = expandPath(path, baseFolders);
    // One that is not absolute was found to be wrong already.
    if (!expanded.startsWith("/")) return null;
    const rule = ruleOfPlace(expanded, ports);
    return rule && `${rule}: it is ${JSON.stringify(expanded.slice(0, 200))}`;
  };
  // Events do without: what a process uses, and how far its packages are, is no
  // change of it.
  const statusOf = (record: ProcessRecord): ProcessStatusInfo => ({
    ...toStatus(record),
    Usage: usage.of(record),
    Packages: packages.statusOf(supervisor.runnerOf(record.id)),
  });
  return {
    async create({ request }) {
      const body = await readBody(request, BODY_BYTES_MAX);
      const asked = expandFolders(
        parseProcessInfo(body, checkPath),
        baseFolders,
      );
      const User = ports.users.effectiveUser(asked.User);
      const info = { ...asked, User };
      await checkDefinition(info, ports);
      await supervisor.create(info);
      return null;
    },
    async list() {
      await usage.freshen();
      return supervisor.list().map(statusOf);
    },
    async inspect(call): Promise<ProcessInspection> {
      supervisor.get(idOf(call));
      await usage.freshen();
      const record = supervisor.get(idOf(call));
      return {
        Info: hideSecrets(record.info),
        Status: statusOf(record),
        History: store.historyOf(record.id, HISTORY_MAX),
      };
    },
    status(call) {
      usage.refresh();
      return statusOf(supervisor.get(idOf(call)));
    },
    async stop(call) {
      const timeoutS = parseSeconds("timeout", call.params["timeout"] ?? "");
      await supervisor.stop(idOf(call), timeoutS * 1000);
      return null;
    },
    async delete(call) {
      await supervisor.delete(idOf(call));
      return null;
    },
    async restart(call) {
      const timeoutS = parseSeconds("timeout", call.params["timeout"] ?? "");
      await supervisor.restart(idOf(call), timeoutS * 1000);
      return null;
    },
    async reload(call) {
      await live.reload(supervisor.runnerOf(idOf(call)));
      return null;
    },
    async signal(call) {
      const signal = parseSignal(call.params["signal"] ?? "");
      await live.signal(supervisor.runnerOf(idOf(call)), signal);
      return null;
    },
    async exec(call): Promise<ExecResult> {
      const body = parseExecRequest(
        await readBody(call.request, BODY_BYTES_MAX),
      );
      const runner = supervisor.runnerOf(idOf(call));
      await checkUser("command", body.User || runner.record.info.User, ports);
      return await live.exec(
        runner,
        expandExecRequest(body, baseFolders),
        call.request.signal,
      );
    },
    async writeFile(call) {
      const id = idOf(call);
      const { info } = supervisor.get(id);
      const body = await readBody(call.request, FILE_BODY_BYTES_MAX);
      const file = parseProcessFile(body, checkPath);
      await checkUser("file", file.User || info.User, ports);
      await supervisor.writeFile(id, expandFile(file, baseFolders));
      return null;
    },
    async setLimits(call) {
      const id = idOf(call);
      supervisor.get(id);
      const body = await readBody(call.request, BODY_BYTES_MAX);
      await supervisor.setLimits(id, parseLimits(body));
      return null;
    },
    heartbeat: (call): LeaseInfo =>
      leases.renew(parseOwner(call.params["owner"] ?? "")),
    async handOver(call) {
      const id = idOf(call);
      supervisor.get(id);
      const body = await readBody(call.request, BODY_BYTES_MAX);
      supervisor.handOver(id, parseHandOver(body));
      return null;
    },
    async logs(call) {
      const id = idOf(call);
      supervisor.get(id);
      const { stream, range, isFollowed } = parseLogQuery(call.query);
      return await streamLog(logs, logs.of(id, stream), range, isFollowed);
    },
    ...createSystemHandlers(ports),
    events({ request, query }): readonly ProcessEvent[] | Response {
      const asked = request.headers.get("last-event-id") ?? query.get("after");
      const isStream = (request.headers.get("accept") ?? "")
        .includes("text/event-stream");
      if (!isStream) {
        return store.eventsAfter(parseSeq(asked ?? "0"), EVENTS_MAX);
      }
      const after = asked === null ? store.lastSeq() : parseSeq(asked);
      return streamEvents({ store, hub, after });
    },
  };
}

async function readBody(request: Request, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > bytesMax) {
      throw new AppError(
        "PAYLOAD_TOO_LARGE",
        `The body must have at most ${bytesMax} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return await new Blob(chunks as BlobPart[]).text();
}

function parseSeq(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidInputError("request", [{
    field: "after",
    rule: "must be the sequence number of an event: " +
      `current value is ${JSON.stringify(text.slice(0, 60))}`,
  }]);
}

/** What stands instead of a secret. */
const HIDDEN = "******";

function hideSecrets(info: ProcessInfo): ProcessInfo {
  return {
    ...info,
    Envs:
      info.Envs?.map((variable) =>
        `${variable.slice(0, variable.indexOf("="))}=${HIDDEN}`
      ) ?? null,
    Uris: info.Uris?.map((uri) => ({ ...uri, Pwd: uri.Pwd && HIDDEN })) ?? null,
    Files: (info.Files ?? []).map((file) => ({
      ...file,
      Base64: file.Base64 === null ? null : HIDDEN,
      Remote: file.Remote === null ? null : hidePassword(file.Remote),
    })),
    RemoteEnvs: (info.RemoteEnvs ?? []).map(hidePassword),
  };
}

function hidePassword<T extends RemoteSource>(source: T): T {
  return { ...source, RemotePasswd: source.RemotePasswd && HIDDEN };
}
