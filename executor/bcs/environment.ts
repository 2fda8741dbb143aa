import type { Problem } from "../../shared/errors.ts";
import type { RemoteVariable } from "../../shared/manager_api/types.ts";
import type { BcsMessage, TaskMessageType } from "./bcs_message.ts";
import { toRemoteSource } from "./process_file.ts";

/** The part of a Mesos Environment that a process's variables come from. */
export interface EnvironmentInput {
  readonly variables?: readonly {
    readonly name: string;
    readonly value?: string;
    /** "VALUE" or "SECRET". @default {"VALUE"} */
    readonly type?: string;
    readonly secret?: {
      /** "VALUE" or "REFERENCE". */
      readonly type?: string;
      readonly value?: { readonly data: string };
    };
  }[];
}

/** A task's variables; no name is in both. */
export interface CollectedEnvironment {
  readonly variables: Map<string, string>;
  /** Those whose values are still to be fetched. */
  readonly remoteVariables: readonly RemoteVariable[];
}

/**
 * Collects a process's environment: the variables of the BCS messages first,
 * then those of the Mesos command; of one name the last wins, as it does in
 * the original executor.
 *
 * @param messages What came in the task's BCS data.
 * @param environment `TaskInfo.command.environment`.
 * @param problems List to add to; never a value.
 */
export function collectEnvironment(
  messages: readonly BcsMessage<TaskMessageType>[],
  environment: EnvironmentInput | undefined,
  problems: Problem[],
): CollectedEnvironment {
  const variables = new Map<string, string>();
  const remote = new Map<string, RemoteVariable>();
  const isName = (name: string, field: string) => {
    if (name !== "" && !/[=\0]/.test(name)) return true;
    problems.push({ field, rule: "must have a name without = and NUL" });
    return false;
  };
  const define = (name: string, value: string | undefined, field: string) => {
    if (!isName(name, field)) return;
    if (value?.includes("\0")) {
      problems.push({ field, rule: "must have a value without NUL" });
    } else if (value !== undefined) {
      variables.set(name, value);
      remote.delete(name);
    }
  };
  const decode = (base64: string, field: string) => {
    const value = decodeText(base64);
    if (value === undefined) {
      problems.push({ field, rule: "must be base64 of UTF-8 text" });
    }
    return value;
  };
  messages.forEach((message, index) => {
    const field = `data.Msgs[${index}]`;
    if (message.Type === 3) {
      const { Name, Value } = message.Env;
      define(Name, decode(Value, `${field}.Env.Value`), `${field}.Env`);
    } else if (message.Type === 5 && message.Secret.Type === 1) {
      const { Name, Value } = message.Secret;
      define(Name, decode(Value, `${field}.Secret.Value`), `${field}.Secret`);
    } else if (message.Type === 7) {
      const { Name, ...source } = message.EnvRemote;
      if (!isName(Name, `${field}.EnvRemote`)) return;
      remote.set(Name, { Name, ...toRemoteSource(source) });
      variables.delete(Name);
    }
  });
  environment?.variables?.forEach((variable, index) => {
    const field = `command.environment.variables[${index}]`;
    if (variable.type !== "SECRET") {
      define(variable.name, variable.value ?? "", field);
    } else if (variable.secret?.value) {
      const { data } = variable.secret.value;
      define(variable.name, decode(data, `${field}.secret.value.data`), field);
    } else {
      problems.push({
        field: `${field}.secret`,
        rule: "must hold its value: a reference cannot be resolved here",
      });
    }
  });
  return { variables, remoteVariables: [...remote.values()] };
}

function decodeText(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.fromBase64(base64);
    // An invalid byte would reach the process as another value than intended.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return undefined;
  }
}
