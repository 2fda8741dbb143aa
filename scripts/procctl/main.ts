/**
 * procctl: the operator's command line. Its help is its manual.
 *
 * Exit codes: 0 = done, 1 = refused or failed, 2 = usage, 3 = the daemon
 * cannot be reached, 141 = nobody reads what it prints; after exec the
 * command's own, 128 + its signal, or 124 if its time was over.
 */
import { systemClock } from "../../shared/clock.ts";
import { AppError, messageOf } from "../../shared/errors.ts";
import { ManagerClient } from "../../shared/manager_api/client.ts";
import { UsageError } from "./command.ts";
import { readCommandLine } from "./command_line.ts";
import { formatError } from "./format.ts";
import { createTerminal } from "./terminal.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_UNAVAILABLE = 3;
/** As a shell says that SIGPIPE ended a command. */
const EXIT_PIPE = 141;

const terminal = createTerminal({
  write(to, bytes) {
    // A pipe may take less than all at once.
    let rest = bytes;
    while (rest.length > 0) rest = rest.subarray(Deno[to].writeSync(rest));
  },
  isInteractive: Deno.stdout.isTerminal(),
  hasColours: !Deno.noColor,
  columns: () => Deno.consoleSize().columns,
});

async function readText(path: string): Promise<string> {
  if (path === "-") return await new Response(Deno.stdin.readable).text();
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new AppError(
        "INVALID_ARGUMENT",
        `${path} is not below the folder that procctl was called in: give it ` +
          `on stdin, as in: procctl create - < FILE`,
      );
    }
    throw new AppError(
      "INVALID_ARGUMENT",
      `Cannot read ${path}: ${messageOf(error).replace(/: readfile '.*$/, "")}`,
    );
  }
}

async function main(): Promise<number> {
  const commandLine = readCommandLine(Deno.args);
  if (commandLine.action === "help") {
    terminal.print(commandLine.text);
    return 0;
  }
  const { command, words, socket } = commandLine;
  const manager = new ManagerClient(socket);
  const ports = { manager, terminal, clock: systemClock, readText };
  return await command.run(words, ports) ?? 0;
}

function explainFailure(error: unknown): number {
  if (error instanceof Deno.errors.BrokenPipe) return EXIT_PIPE;
  if (error instanceof UsageError) {
    terminal.warn(formatError(error));
    terminal.warn("see procctl --help");
    return EXIT_USAGE;
  }
  if (!(error instanceof AppError)) throw error;
  terminal.warn(formatError(error));
  return error.code === "UNAVAILABLE" ? EXIT_UNAVAILABLE : EXIT_FAILED;
}

Deno.exit(await main().catch(explainFailure));
