import { toProcessInfo } from "../../executor/bcs/process_info.ts";
import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import { readDefinition } from "./definition.ts";
import { renderTaskGroup } from "./render.ts";

/** What is said beside a definition. */
export interface LocalOptions {
  /** Which instance of the application. */
  readonly instance: number;
  /** `${hostip}` */
  readonly hostIp: string;
}

/** Ports for `hostPort: 0`, as Mesos' agents offer them. */
const PORTS = { begin: 31_000, end: 32_000 };

/**
 * Makes create requests out of a BCS definition without a framework: what its
 * scheduler would do is done here, its restart policy is the daemon's, and an
 * id is `namespace.name.instance`, with the index of its process if there are
 * several.
 *
 * @param definition The definition, as parsed JSON.
 * @throws {InvalidInputError} With every problem; no secret is in it.
 */
export function toLocalProcesses(
  definition: unknown,
  { instance, hostIp }: LocalOptions,
): ProcessInfo[] {
  const { taskGroup: { tasks } } = renderTaskGroup(definition, {
    // Ids have no time in them here: the daemon refuses one that exists.
    createdNs: 0n,
    instance,
    cluster: "local",
    frameworkId: "local",
    agentId: "local",
    hostIp,
    offeredPorts: PORTS,
  });
  const group = readDefinition(definition, []);
  const base = `${group.namespace}.${group.name}.${instance}`;
  return tasks.map((task, index) => {
    const { processInfo } = toProcessInfo(task, {
      user: "",
      sandbox: "/",
      owner: "",
    });
    const uris = group.processes[index]?.uris ?? [];
    return {
      ...processInfo,
      Id: tasks.length === 1 ? base : `${base}.${index}`,
      RestartPolicy: group.restartPolicy,
      Uris: processInfo.Uris?.map((uri, each) => ({
        ...uri,
        PullPolicy: uris[each]?.pullPolicy ?? "IfNotPresent",
      })) ?? null,
    };
  });
}
