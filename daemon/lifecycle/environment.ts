import { DEFAULT_PATH } from "../../shared/default_path.ts";
import type { Account } from "../ports.ts";

/**
 * Adds to an environment what every program counts on, as a login does. What is
 * given stays, if it is empty too.
 *
 * @param given `NAME=value`
 * @param account Who the command runs as.
 * @param workDir Where it runs.
 */
export function completeEnvironment(
  given: readonly string[],
  account: Account,
  workDir: string,
): readonly string[] {
  const names = new Set(
    given.map((variable) => variable.slice(0, variable.indexOf("="))),
  );
  const minimum = {
    PATH: DEFAULT_PATH,
    HOME: account.home,
    USER: account.name,
    SHELL: account.shell,
    PWD: workDir,
  };
  return [
    ...Object.entries(minimum).filter(([name]) => !names.has(name))
      .map(([name, value]) => `${name}=${value}`),
    ...given,
  ];
}
