import {
  configureSync,
  getJsonLinesFormatter,
  getLogfmtFormatter,
  getLogger,
} from "@logtape/logtape";
import type { LogFields, Logger } from "../shared/logger.ts";
import type { LogFormat, LogLevel } from "./config_keys.ts";

/** Which lines are written, and how. */
export interface LogSettings {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

const CATEGORY = "process-daemon";

const FORMATTERS = {
  json: getJsonLinesFormatter({
    properties: "flatten",
    // A message is constant: what stands in braces is no placeholder.
    message: "template",
  }),
  logfmt: getLogfmtFormatter(),
};

/**
 * Makes the daemon's log: one line for each event, a constant message and
 * values in fields. Once for a program; another call replaces the first.
 *
 * A line that cannot be written, as the disk is full or the reader gone, is
 * lost: no process must suffer for it. The next one says how many were.
 *
 * @param write Takes a line with its newline; may throw.
 */
export function createDaemonLogger(
  { level, format }: LogSettings,
  write: (line: string) => void,
): Logger {
  let lost = 0;
  const formatLine = FORMATTERS[format];
  configureSync({
    reset: true,
    sinks: {
      lines(record) {
        try {
          write(formatLine(
            lost === 0 ? record : {
              ...record,
              properties: { ...record.properties, linesLost: lost },
            },
          ));
          lost = 0;
        } catch {
          lost++;
        }
      },
    },
    loggers: [
      { category: CATEGORY, sinks: ["lines"], lowestLevel: level },
      // It reports its own trouble there, of which `lost` says enough.
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  });
  const logger = getLogger(CATEGORY);
  return {
    info: (message, fields: LogFields = {}) =>
      logger.info(message, { ...fields }),
    warn: (message, fields: LogFields = {}) =>
      logger.warn(message, { ...fields }),
    error: (message, fields: LogFields = {}) =>
      logger.error(message, { ...fields }),
  };
}
