import type { TestDaemon } from "../../support/test_daemon.ts";
import type { ProcessInfo } from "../../../shared/manager_api/types.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import { eventually } from "./eventually.ts";

/** Writes a script into the work folder of a test. @returns Its path. */
export async function writeScript(
  daemon: TestDaemon,
  name: string,
  text: string,
): Promise<string> {
  const path = `${daemon.workDir}/${name}`;
  await writeProgram(path, `#!/bin/sh\n${text}\n`);
  return path;
}

/**
 * A definition whose start command leaves a daemon in a session of its own
 * behind, names it in a pid file and ends.
 *
 * @param server What the daemon becomes, as shell text.
 */
export async function forking(
  daemon: TestDaemon,
  id: string,
  server = "exec /usr/bin/sleep 1000",
): Promise<Partial<ProcessInfo> & { readonly Id: string }> {
  const pidFile = `${daemon.workDir}/${id}.pid`;
  const serverScript = await writeScript(daemon, `${id}.server.sh`, server);
  const start = await writeScript(
    daemon,
    `${id}.start.sh`,
    `/usr/bin/setsid /bin/sh -c 'echo $$ >${pidFile}; exec ${serverScript}' &`,
  );
  return {
    Id: id,
    StartCmd: start,
    PidFile: pidFile,
    StartGracePeriod: 10,
  };
}

/** The lines of a file that a process writes; none if it is not there yet. */
export async function linesOf(path: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(path)).split("\n").slice(0, -1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Waits until a process has written a line. */
export async function waitForLine(path: string, line: string): Promise<void> {
  await eventually(
    `${path} holds the line "${line}"`,
    async () => (await linesOf(path)).includes(line),
  );
}
