import { completeEnvironment } from "../lifecycle/environment.ts";
import { toSettings } from "../lifecycle/settings.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { CommandContext } from "../ports.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Staging } from "./staging.ts";
import type { Users } from "./users.ts";

/** What a command has that its process has not; "" = the same. */
export interface Differences {
  readonly user: string;
  readonly workDir: string;
  /** `NAME=value`, added to those of the process. */
  readonly environment: readonly string[];
}

const NONE: Differences = { user: "", workDir: "", environment: [] };

/** What every command of a process finds, its main one and those beside it. */
export class Surroundings {
  constructor(
    private readonly ports: {
      readonly staging: Pick<Staging, "environmentOf">;
      readonly users: Pick<Users, "find">;
    },
  ) {}

  /**
   * Puts together what a command is started with.
   *
   * @throws {AppError} INVALID_ARGUMENT if its user does not exist.
   */
  async of(
    runner: ProcessRunner,
    differences: Differences = NONE,
  ): Promise<CommandContext> {
    const { staging, users } = this.ports;
    const { info } = runner.record;
    const spec = toSpec(info);
    const name = differences.user || spec.user;
    const account = await users.find(name);
    const workDir = differences.workDir || spec.workDir;
    const given = [
      ...await staging.environmentOf(runner),
      ...differences.environment,
    ];
    return {
      user: name === "" ? null : account,
      workDir,
      environment: completeEnvironment(given, account, workDir),
      settings: toSettings(info),
    };
  }
}
