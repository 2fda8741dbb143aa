import { AppError, messageOf } from "../../../shared/errors.ts";
import type {
  PackageStatus,
  ProcessInfo,
  ProcessStatusInfo,
} from "../../../shared/manager_api/types.ts";
import { toLocalProcesses } from "../../bcs/local_processes.ts";
import { type Command, type CommandPorts, readNumber } from "../command.ts";
import { formatPackage } from "../format.ts";
import { toPlain } from "../terminal.ts";

/** Time between two looks at a process that is starting, ms. */
const LOOK_MS = 200;

/** Creates. */
export const create: Command = {
  usage: "FILE",
  summary: "start what a file (JSON; - is stdin) defines",
  details: "FILE holds a ProcessInfo, or a BCS definition of kind process,\n" +
    "whose ids become namespace.name.instance[.index] here.",
  flags: [
    { name: "wait", letter: "w", help: "until it runs; shows its packages" },
    { name: "instance", value: "N", help: "of a BCS definition [0]" },
    {
      name: "host-ip",
      value: "IP",
      help: "${hostip} of a BCS definition [127.0.0.1]",
    },
  ],
  words: [1, 1],
  async run({ words: [path = ""], has, get }, ports) {
    const { manager, terminal, readText } = ports;
    const infos = readDefinition(path, await readText(path), {
      instance: readNumber("--instance", get("instance") ?? "0"),
      hostIp: get("host-ip") ?? "127.0.0.1",
    });
    for (const info of infos) {
      await manager.create(info);
      terminal.print(toPlain(info.Id));
    }
    if (!has("wait")) return;
    let code = 0;
    for (const { Id } of infos) {
      const { Status, Result, ExitKnown, ExitCode, Message } = await started(
        Id,
        ports,
      );
      const isDone = Status === "stopped" && Result === "exited" &&
        ExitKnown && ExitCode === 0;
      if (Status === "running" || isDone) continue;
      terminal.warn(toPlain(Message));
      code = 1;
    }
    return code;
  },
};

function readDefinition(
  path: string,
  text: string,
  options: Parameters<typeof toLocalProcesses>[1],
): readonly ProcessInfo[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("INVALID_ARGUMENT", `${path}: ${messageOf(error)}`);
  }
  const isBcs = typeof value === "object" && value !== null &&
    "kind" in value;
  // What it holds is the daemon's to judge, which names every problem.
  return isBcs ? toLocalProcesses(value, options) : [value as ProcessInfo];
}

/** Waits until a process runs or has ended, and shows how its packages come. */
async function started(
  id: string,
  { manager, terminal, clock }: CommandPorts,
): Promise<ProcessStatusInfo> {
  let shown = "";
  while (true) {
    const status = await manager.status(id);
    const coming = (status.Packages ?? [])
      .filter(({ State }) => State !== "ready" && State !== "waiting");
    const line = coming.map(terminal.isInteractive ? formatPackage : formatStep)
      .join("; ");
    if (line !== "" && line !== shown) {
      if (terminal.isInteractive) {
        terminal.overwrite(line.slice(0, terminal.columns - 1));
      } else terminal.print(line);
      shown = line;
    }
    const { Status, NextStartTime = 0 } = status;
    // One that its policy starts again has failed; it may do so for hours.
    const isWaiting = NextStartTime > 0;
    if (Status === "running" || Status === "stopped" || isWaiting) {
      return status;
    }
    await clock.sleep(LOOK_MS);
  }
}

/** Where nobody looks, each tenth is enough. */
function formatStep({ Value, State, Bytes, Total }: PackageStatus): string {
  const tenths = Math.floor(10 * Bytes / Total);
  return toPlain(`${Value}: ${State}${Total > 0 ? ` ${tenths}0%` : ""}`)
    .replace(" 00%", " 0%");
}
