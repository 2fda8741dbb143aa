import {
  AppError,
  InvalidInputError,
  type Problem,
} from "../../shared/errors.ts";
import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import { type PlacePolicy, ruleOfPlace } from "../supervisor/file_place.ts";
import type { Users } from "../supervisor/users.ts";

/** What this host and its configuration are asked for. */
export interface CheckPorts extends PlacePolicy {
  readonly users: Pick<Users, "admit">;
}

/**
 * Checks a definition against the host and the daemon's configuration: users,
 * and where logs are to be found.
 *
 * @param info With the daemon's folders filled in, and its effective user.
 * @throws {InvalidInputError} With every problem of these.
 */
export async function checkDefinition(
  info: ProcessInfo,
  { users, ...policy }: CheckPorts,
): Promise<void> {
  const named = (info.Files ?? [])
    .map(({ User }, index) => ({ field: `Files[${index}].User`, user: User }))
    .filter(({ user }) => user !== "");
  const problems = await findUserProblems(users, [
    { field: "User", user: info.User },
    ...named,
  ]);
  const { LogPath } = info;
  const rule = LogPath ? ruleOfPlace(LogPath, policy) : null;
  if (LogPath && rule !== null) {
    problems.push({
      field: "LogPath",
      rule: `${rule}: it is ${JSON.stringify(LogPath.slice(0, 200))}`,
    });
  }
  refuse("process definition", problems);
}

/**
 * Checks the user of one request.
 *
 * @param user Name or uid; "" = who the daemon is.
 * @throws {InvalidInputError} Unless it exists and may be used.
 */
export async function checkUser(
  subject: string,
  user: string,
  { users }: Pick<CheckPorts, "users">,
): Promise<void> {
  refuse(subject, await findUserProblems(users, [{ field: "User", user }]));
}

async function findUserProblems(
  users: Pick<Users, "admit">,
  asked: readonly { readonly field: string; readonly user: string }[],
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { field, user } of asked) {
    try {
      await users.admit(user);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code !== "INVALID_ARGUMENT") throw error;
      problems.push({ field, rule: error.message });
    }
  }
  return problems;
}

function refuse(subject: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new InvalidInputError(subject, problems);
}
