import type { Command } from "./command.ts";
import {
  limits,
  reload,
  restart,
  rm,
  signal,
  stop,
} from "./commands/control.ts";
import { create } from "./commands/create.ts";
import { health, version } from "./commands/daemon.ts";
import { events } from "./commands/events.ts";
import { exec } from "./commands/exec.ts";
import { logs } from "./commands/logs.ts";
import { explainCommand, inspect, ps } from "./commands/show.ts";

/** Every command, by name, as help lists them. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  ps,
  inspect,
  explain: explainCommand,
  create,
  stop,
  restart,
  reload,
  signal,
  limits,
  rm,
  logs,
  events,
  exec,
  health,
  version,
};
