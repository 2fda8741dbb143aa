import { mustBe } from "../../shared/json_reader.ts";
import type { Problem } from "../../shared/errors.ts";
import type { Resource } from "../../shared/manager_api/types.ts";

/** `TaskInfo.limits`: by resource name; Infinity = no limit. */
export type LimitsInput = Readonly<
  Record<string, { readonly value: number }>
>;

/** What the daemon takes for "no limit". */
const UNLIMITED = -1;

/** Mesos' names of the resources that a process can be limited in. */
const NAMES = { Cpus: "cpus", Mem: "mem", Disk: "disk" } as const;

/**
 * Finds what a process may use at most: of each resource Mesos' own limit,
 * else BCS's, else what was promised.
 *
 * @param limits `TaskInfo.limits`.
 * @param bcsLimits `LimitResources` of the BCS data. As in the original, a
 * member that is not above 0 does not count.
 * @param promised The process's resources; null = not known.
 * @param problems List to add to.
 * @returns null if nothing but what was promised limits it.
 */
export function toLimitResources(
  limits: LimitsInput | undefined,
  bcsLimits: Resource | null,
  promised: Resource | null,
  problems: Problem[],
): Resource | null {
  let isLimited = false;
  const limitOf = (key: keyof Resource) => {
    const name = NAMES[key];
    const own = limits !== undefined && Object.hasOwn(limits, name)
      ? limits[name]?.value
      : undefined;
    if (own !== undefined && !(own >= 0)) {
      problems.push({
        field: `limits["${name}"]`,
        rule: mustBe("at least 0", String(own)),
      });
    }
    const bcs = bcsLimits && bcsLimits[key] > 0 ? bcsLimits[key] : undefined;
    const limit = own ?? bcs;
    if (limit === undefined) return promised?.[key] ?? UNLIMITED;
    isLimited = true;
    return limit === Infinity ? UNLIMITED : limit;
  };
  const resource = {
    Cpus: limitOf("Cpus"),
    Mem: limitOf("Mem"),
    Disk: limitOf("Disk"),
  };
  return isLimited ? resource : null;
}
