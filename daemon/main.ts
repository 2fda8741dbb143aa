/**
 * The process daemon: one per host, resident.
 *
 * Signals: SIGTERM, SIGINT = leave; the processes live on.
 * Exit codes: 0 = left when asked to, 1 = cannot start or a bug, 2 = usage.
 */
import { systemClock } from "../shared/clock.ts";
import { AppError, InvalidInputError, messageOf } from "../shared/errors.ts";
import { readConfig, USAGE } from "./config.ts";
import { startDaemon } from "./daemon.ts";
import { createDaemonLogger, type LogSettings } from "./logging.ts";

const encoder = new TextEncoder();
const logAs = (settings: LogSettings) =>
  createDaemonLogger(
    settings,
    (line) => Deno.stderr.writeSync(encoder.encode(line)),
  );
/** Until the configuration is read. */
let logger = logAs({ level: "info", format: "json" });

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}

async function main(): Promise<void> {
  const commandLine = readConfig(
    Deno.args,
    (path) => Deno.readTextFileSync(path),
    decodeURIComponent(
      new URL("./launch/launcher.sh", import.meta.url).pathname,
    ),
  );
  if (commandLine.action === "help") return print(USAGE);
  if (commandLine.action === "check") {
    return print(JSON.stringify(commandLine.settings, null, 2));
  }
  const { config } = commandLine;
  logger = logAs({ level: config.logLevel, format: config.logFormat });
  const daemon = startDaemon(config, {
    clock: systemClock,
    logger,
    random: Math.random,
    onFailure(name, error) {
      logger.error("the daemon cannot go on", {
        task: name,
        error: error instanceof Error ? error.stack : messageOf(error),
      });
      Deno.exit(1);
    },
  });
  let isLeaving = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
      if (isLeaving) return;
      isLeaving = true;
      logger.info("leaving", { signal });
      daemon.then((each) => each.close()).finally(() => Deno.exit(0));
    });
  }
  await daemon;
}

try {
  await main();
} catch (error) {
  Deno.exit(explainFailure(error));
}

/** @returns The exit code. */
function explainFailure(error: unknown): number {
  if (error instanceof Deno.errors.NotCapable) {
    const reason = error.message.replace(/, run again.*$/, "");
    logger.error("cannot start", {
      error: `${reason}: the daemon's folders, socket and launcher must be ` +
        "named in the --allow- flags of its command line too",
    });
    return 1;
  }
  if (!(error instanceof AppError)) throw error;
  if (!(error instanceof InvalidInputError)) {
    logger.error("cannot start", { error: error.message });
    return 1;
  }
  if (Deno.args.includes("--check-config")) {
    const lines = error.problems.map(({ field, rule }) =>
      `${field}: ${rule}\n`
    );
    Deno.stderr.writeSync(encoder.encode(lines.join("")));
  } else logger.error("cannot start", { error: error.message });
  return 2;
}
