import type { Problem } from "../../shared/errors.ts";
import type { ItemDefinition, ProcessDefinition } from "./definition.ts";
import type { TextRenderer } from "./variables.ts";

/** Values by the name of their secret or configmap, then by their key. */
export type ValueSources<Value> = Readonly<
  Record<string, Readonly<Record<string, Value>>>
>;

/** A value of a configmap: the content itself, or where it is. */
export type ConfigmapValue =
  | {
    readonly type: "file";
    /** Base64. */
    readonly content: string;
  }
  | {
    readonly type: "http" | "https" | "ftp" | "ftps";
    /** Address. */
    readonly content: string;
    readonly remoteUser?: string;
    readonly remotePasswd?: string;
  };

/** Types of BCS messages, bk-bcs schetypes/message.go. */
const MESSAGE = {
  localFile: 1,
  env: 3,
  remoteFile: 4,
  secret: 5,
  envRemote: 7,
};
/** Types of secrets within a message. */
const SECRET = { env: 1, file: 2 };

/**
 * Renders the messages that bring a process its configmaps and secrets.
 *
 * @param process The process.
 * @param text Renders its variables' names and files' paths.
 * @param values The contents of configmaps and secrets.
 * @param problems List to add to; never a content.
 */
export function renderMessages(
  process: ProcessDefinition,
  text: TextRenderer,
  values: {
    readonly configmaps?: ValueSources<ConfigmapValue>;
    readonly secrets?: ValueSources<string>;
  },
  problems: Problem[],
): object[] {
  const messages: object[] = [];
  for (const item of process.configmaps) {
    const value = findValue(values.configmaps, item, "configmap", problems);
    if (value === undefined) continue;
    const name = renderName(item, text, process);
    messages.push(renderConfigmapMessage(item, name, value));
  }
  for (const item of process.secrets) {
    const value = findValue(values.secrets, item, "secret", problems);
    if (value === undefined) continue;
    const Name = renderName(item, text, process);
    const Secret = { Name, Value: value, Type: SECRET[item.type] };
    messages.push(wrapBody(MESSAGE.secret, { Secret }));
  }
  return messages;
}

function renderConfigmapMessage(
  item: ItemDefinition,
  name: string,
  value: ConfigmapValue,
): object {
  const target = {
    To: name,
    Right: item.readOnly ? "r" : "rw",
    User: item.user,
  };
  if (value.type === "file") {
    return item.type === "env"
      ? wrapBody(MESSAGE.env, { Env: { Name: name, Value: value.content } })
      : wrapBody(MESSAGE.localFile, {
        Local: { ...target, Base64: value.content },
      });
  }
  const source = {
    From: value.content,
    Type: value.type,
    RemoteUser: value.remoteUser ?? "",
    RemotePasswd: value.remotePasswd ?? "",
  };
  return item.type === "env"
    ? wrapBody(MESSAGE.envRemote, { EnvRemote: { Name: name, ...source } })
    : wrapBody(MESSAGE.remoteFile, { Remote: { ...target, ...source } });
}

/** The order of the keys is the scheduler's. */
function wrapBody(type: number, body: object): object {
  return {
    Id: 0,
    Type: type,
    TaskGroupId: "",
    TaskID: null,
    ...body,
    Status: "",
    Message: "",
    CompleteTime: 0,
    CreateTime: 0,
  };
}

function renderName(
  item: ItemDefinition,
  text: TextRenderer,
  process: ProcessDefinition,
): string {
  const path = item.path.slice(process.path.length + 1);
  return text.render(item.keyOrPath, `${path}.keyOrPath`);
}

function findValue<Value>(
  sources: ValueSources<Value> | undefined,
  { path, source, dataKey }: ItemDefinition,
  kind: string,
  problems: Problem[],
): Value | undefined {
  const value = sources?.[source]?.[dataKey];
  if (value === undefined) {
    problems.push({
      field: `${path}.dataKey`,
      rule: `must be a key of the ${kind} "${source}": ` +
        `no value is known for "${dataKey}"`,
    });
  }
  return value;
}
