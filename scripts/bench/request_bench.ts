import { pathOf } from "../../shared/manager_api/routes.ts";
import { SIMPLE } from "./definitions.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

/** Time that one sample takes, s. */
const SAMPLE_S = 2;
const CLIENT = decodeURIComponent(
  new URL("request_client.ts", import.meta.url).pathname,
);

/**
 * Measures how often a daemon says how a process is.
 *
 * @param program Folder of the bundled daemon.
 * @param root Empty folder.
 * @param runs How many samples of each figure.
 */
export async function benchRequests(
  program: string,
  root: string,
  runs: number,
): Promise<Record<string, Figure>> {
  const daemon = new BenchDaemon(program, root);
  await daemon.start();
  await daemon.startAll([{ ...SIMPLE, Id: "asked" }]);
  const one: number[] = [];
  const sixteen: number[] = [];
  for (let run = 0; run < runs; run++) {
    one.push(await askFor(daemon.socket, 1));
    sixteen.push(await askFor(daemon.socket, 16));
  }
  await daemon.endAll();
  await daemon.stop();
  return {
    status_rps_1: summarize(one, "/s"),
    status_rps_16: summarize(sixteen, "/s"),
  };
}

async function askFor(socket: string, connections: number): Promise<number> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-read",
      "--allow-write",
      `--allow-net=unix:${socket}`,
      CLIENT,
      socket,
      pathOf("status", { id: "asked" }),
      String(connections),
      String(SAMPLE_S),
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the client failed");
  return Number(new TextDecoder().decode(stdout));
}
