/**
 * procctl: the operator's command line.
 *
 * Exit codes: 0 = done, 1 = the daemon refused or is away, 2 = usage; after
 * exec the command's own, 128 + its signal, or 124 if its time was over.
 */
import { AppError, messageOf } from "../../shared/errors.ts";
import { ManagerClient } from "../../shared/manager_api/client.ts";
import { SOCKET_PATH_DEFAULT } from "../../shared/manager_api/routes.ts";
import { parseArgs } from "../../shared/std/parse_args.ts";
import { COMMANDS } from "./commands.ts";

const encoder = new TextEncoder();

const USAGE = [
  "Usage: procctl [--socket PATH] COMMAND",
  "",
  ...Object.entries(COMMANDS).map(([name, { usage, summary }]) =>
    `  ${`${name} ${usage}`.padEnd(20)} ${summary}`
  ),
  "",
  `  --socket PATH        the daemon's socket (${SOCKET_PATH_DEFAULT})`,
  "  -h, --help           this text",
].join("\n");

/** A pipe may take less than all at once. */
function write(to: "stdout" | "stderr", text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno[to].writeSync(bytes));
}

function print(line: string): void {
  write("stdout", `${line}\n`);
}

function fail(message: string): void {
  write("stderr", `procctl: ${message}\n`);
}

async function main(): Promise<number> {
  let unknown = "";
  const flags = parseArgs(Deno.args, {
    string: ["socket", "_"],
    boolean: ["help"],
    alias: { h: "help" },
    unknown(argument, key) {
      if (key === undefined) return true;
      unknown ||= argument;
      return false;
    },
  });
  if (flags["help"] === true) {
    print(USAGE);
    return 0;
  }
  const [name = "", ...words] = flags._.map(String);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const [min, max] = command?.words ?? [0, 0];
  if (
    command === undefined || unknown !== "" ||
    words.length < min || words.length > max
  ) {
    fail(
      unknown !== ""
        ? `there is no flag ${unknown}`
        : command === undefined
        ? `there is no command "${name}"`
        : `${name} takes: ${command.usage || "nothing"}`,
    );
    fail("see procctl --help");
    return 2;
  }
  const socket = flags["socket"];
  const manager = new ManagerClient(
    typeof socket === "string" ? socket : SOCKET_PATH_DEFAULT,
  );
  try {
    const ports = { manager, readFile: Deno.readTextFile, print, write };
    return await command.run(words, ports) ?? 0;
  } catch (error) {
    const isExpected = error instanceof AppError ||
      error instanceof SyntaxError || error instanceof Deno.errors.NotFound;
    if (!isExpected) throw error;
    fail(messageOf(error));
    return 1;
  }
}

Deno.exit(await main());
