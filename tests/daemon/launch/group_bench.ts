import { assertStringIncludes } from "@std/assert";
import type { GroupLimits } from "../../../daemon/lifecycle/limits.ts";
import type { GroupRequest } from "../../../daemon/ports.ts";
import { removeGroups } from "../../support/cgroups.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import type { LaunchBench } from "./launch_bench.ts";

/** One MiB. */
export const MIB = 1024 * 1024;
/** What a group of a test has, unless it says more. */
export const LIMITS = {
  cpuShares: 512,
  cpuQuotaUs: 50_000,
  memoryBytes: 64 * MIB,
  pids: -1,
};

/** A group of this test alone; removed at its end. */
export function testGroup() {
  const parent = `bcs-process-test-${crypto.randomUUID()}`;
  const request = (part: Partial<GroupRequest> = {}): GroupRequest => ({
    name: `${parent}/1.1`,
    limits: LIMITS,
    isRequired: true,
    ...part,
  });
  return {
    name: `${parent}/1.1`,
    request,
    [Symbol.asyncDispose]: () => removeGroups(parent),
  };
}

/** Limits as a line of a request. */
export function limitsLine(limits: GroupLimits): string {
  const { cpuShares, cpuQuotaUs, memoryBytes, pids } = limits;
  return `limits ${cpuShares} ${cpuQuotaUs} ${memoryBytes} ${pids}`;
}

/** Has the launcher take a folder of the test for the kernel's. */
export async function fakeRoot(bench: LaunchBench, controllers: string | null) {
  const root = `${bench.dir}/cgroup`;
  await Deno.mkdir(root);
  if (controllers !== null) {
    await Deno.writeTextFile(`${root}/cgroup.controllers`, `${controllers}\n`);
  }
  const script = await Deno.readTextFile(bench.launcher);
  assertStringIncludes(script, "\ncgroups=/sys/fs/cgroup\n");
  await writeProgram(
    bench.launcher,
    script.replace("=/sys/fs/cgroup\n", `=${root}\n`),
  );
  return root;
}
