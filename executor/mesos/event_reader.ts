import { EventSchema, TaskInfoSchema } from "../../proto/mesos_schema.ts";
import type { Event as PlainEvent } from "../../proto/mesos_types.ts";
import { CodecError, readMessage } from "./message_reader.ts";
import type { Event, ReceivedTask } from "./types.ts";

/**
 * Makes an event of a record that a codec has parsed. The one place that
 * decides what a well-formed event is, for both wire formats.
 *
 * @param record The record in Mesos' JSON mapping; enums may be numbers, and
 * tasks are as the codec keeps them.
 * @param parseTask Turns a kept task into Mesos' JSON mapping, for reading.
 * @throws {CodecError} If a field that the executor relies on is malformed.
 */
export function readEvent(
  record: unknown,
  parseTask: (raw: unknown, path: string) => unknown,
): Event {
  const { type } = readMessage(EVENT_TYPE_ONLY, record, "");
  // Other fields of an unknown type are not looked at: they need not make
  // sense to this executor.
  if (type === undefined || type === "UNKNOWN") return { type: "UNKNOWN" };
  const event = readMessage(EventSchema, record, "");

  function readTask(raw: unknown, path: string): ReceivedTask {
    const info = readMessage(TaskInfoSchema, parseTask(raw, path), path);
    return { info, raw };
  }

  switch (type) {
    case "SHUTDOWN":
    case "HEARTBEAT":
      return { type };
    case "SUBSCRIBED":
      return { type, subscribed: present(event, "subscribed") };
    case "KILL":
      return { type, kill: present(event, "kill") };
    case "ACKNOWLEDGED":
      return { type, acknowledged: present(event, "acknowledged") };
    case "MESSAGE":
      return { type, message: present(event, "message") };
    case "ERROR":
      return { type, error: present(event, "error") };
    case "LAUNCH": {
      const { task } = present(event, "launch");
      return { type, launch: { task: readTask(task, "launch.task") } };
    }
    case "LAUNCH_GROUP": {
      const { task_group: group } = present(event, "launch_group");
      const tasks = (group.tasks ?? []).map((task, index) =>
        readTask(task, `launch_group.task_group.tasks[${index}]`)
      );
      return { type, launch_group: { task_group: { tasks } } };
    }
  }
}

const EVENT_TYPE_ONLY: typeof EventSchema = {
  name: EventSchema.name,
  fields: EventSchema.fields.filter(({ name }) => name === "type"),
};

function present<K extends keyof PlainEvent>(
  event: PlainEvent,
  key: K,
): NonNullable<PlainEvent[K]> {
  const value = event[key];
  if (value === undefined || value === null) {
    throw new CodecError(key, "must be present");
  }
  return value;
}
