import { assertEquals, assertThrows } from "@std/assert";
import { type Codec, loadCodec } from "../../../executor/mesos/codec.ts";
import { CodecError } from "../../../executor/mesos/message_reader.ts";
import type { Call, Event, TaskInfo } from "../../../executor/mesos/types.ts";
import { decodeFull, encodeFull, fillMessage } from "./full_protobuf.ts";

// One contract for both codecs: the same content gives the same event, and
// the same malformed content the same error.

const json = await loadCodec("json");
const protobuf = await loadCodec("protobuf");

const CALLER = {
  executor_id: { value: "exec-1" },
  framework_id: { value: "fw-1" },
};
const TASK = {
  name: "t0",
  task_id: { value: "task-1" },
  agent_id: { value: "agent-1" },
} satisfies TaskInfo;

/** Decodes the same content from JSON and from protobuf. */
function decodeBoth(event: Record<string, unknown>): Event {
  const fromJson = withoutRaw(json.decodeEvent(toJson(event)));
  const fromProtobuf = withoutRaw(
    protobuf.decodeEvent(encodeFull("executor.Event", event)),
  );
  assertEquals(fromJson, fromProtobuf);
  return fromJson;
}

/** What a task looks like back on the wire differs by codec. */
function withoutRaw(event: Event): Event {
  if (event.type === "LAUNCH") {
    const { info } = event.launch.task;
    return { ...event, launch: { task: { info, raw: undefined } } };
  }
  if (event.type === "LAUNCH_GROUP") {
    const tasks = event.launch_group.task_group.tasks
      .map(({ info }) => ({ info, raw: undefined }));
    return { ...event, launch_group: { task_group: { tasks } } };
  }
  return event;
}

function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

const SIMPLE_EVENTS: readonly Event[] = [
  { type: "SHUTDOWN" },
  { type: "HEARTBEAT" },
  { type: "UNKNOWN" },
  { type: "KILL", kill: { task_id: { value: "task-1" } } },
  {
    type: "KILL",
    kill: {
      task_id: { value: "task-1" },
      kill_policy: { grace_period: { nanoseconds: 3_000_000_000 } },
    },
  },
  {
    type: "ACKNOWLEDGED",
    acknowledged: {
      task_id: { value: "task-1" },
      uuid: "KMhgutU1RyuXR3xajGg1eA==",
    },
  },
  { type: "MESSAGE", message: { data: "aGkgdGhlcmU=" } },
  { type: "MESSAGE", message: { data: "" } },
  { type: "ERROR", error: { message: "go away" } },
  {
    type: "SUBSCRIBED",
    subscribed: {
      executor_info: {
        executor_id: { value: "exec-1" },
        command: { value: "./executor", user: "games" },
        shutdown_grace_period: { nanoseconds: 5_000_000_000 },
      },
      framework_info: {
        user: "root",
        name: "bcs",
        id: { value: "fw-1" },
        checkpoint: true,
        capabilities: [{ type: "MULTI_ROLE" }, { type: "TASK_KILLING_STATE" }],
      },
      agent_info: { hostname: "host-1", id: { value: "agent-1" } },
      container_id: { value: "c1" },
    },
  },
];

for (const event of SIMPLE_EVENTS) {
  Deno.test(`decodeEvent() reads ${JSON.stringify(event)}`, () => {
    assertEquals(decodeBoth({ ...event }), event);
  });
}

Deno.test("decodeEvent() reads SUBSCRIBED with every field set", () => {
  const event = decodeBoth({
    type: "SUBSCRIBED",
    subscribed: {
      ...fillMessage("executor.Event.Subscribed"),
      container_id: { value: "c1", parent: { value: "c0" } },
    },
  });
  assertEquals(event.type, "SUBSCRIBED");
});

Deno.test("decodeEvent() reads LAUNCH and LAUNCH_GROUP with every field set", () => {
  const task = fillMessage("TaskInfo");
  const launch = decodeBoth({ type: "LAUNCH", launch: { task } });
  const group = decodeBoth({
    type: "LAUNCH_GROUP",
    launch_group: { task_group: { tasks: [task, TASK] } },
  });
  if (launch.type !== "LAUNCH" || group.type !== "LAUNCH_GROUP") {
    throw new Error(`Unexpected ${launch.type}, ${group.type}`);
  }
  const { info } = launch.launch.task;
  assertEquals(info.limits, { "a key": { value: 0.1 } });
  assertEquals(info.check?.command?.command.shell, true);
  assertEquals(info.health_check?.http?.statuses, [2 ** 31 - 1, 2 ** 31 - 1]);
  assertEquals(info.container, { type: "MESOS" });
  assertEquals(info.data, "AP+A");
  assertEquals(info.executor?.executor_id.value, "ü value");
  assertEquals(group.launch_group.task_group.tasks[0]?.info, info);
  assertEquals(group.launch_group.task_group.tasks[1]?.info, TASK);
});

Deno.test("decodeEvent() reads an empty LAUNCH_GROUP", () => {
  assertEquals(
    decodeBoth({ type: "LAUNCH_GROUP", launch_group: { task_group: {} } }),
    { type: "LAUNCH_GROUP", launch_group: { task_group: { tasks: [] } } },
  );
});

Deno.test("decodeEvent() reads an event without a type as UNKNOWN", () => {
  assertEquals(decodeBoth({}), { type: "UNKNOWN" });
});

const REFUSED: readonly {
  readonly event: Record<string, unknown>;
  readonly message: string;
}[] = [
  { event: { type: "LAUNCH" }, message: "launch: must be present" },
  { event: { type: "SUBSCRIBED" }, message: "subscribed: must be present" },
  {
    event: { type: "KILL", kill: {} },
    message: "kill.task_id: must be present",
  },
  {
    event: { type: "KILL", kill: { task_id: {} } },
    message: "kill.task_id.value: must be present",
  },
  {
    event: { type: "LAUNCH", launch: { task: { ...TASK, task_id: {} } } },
    message: "launch.task.task_id.value: must be present",
  },
  {
    event: {
      type: "LAUNCH_GROUP",
      launch_group: {
        task_group: { tasks: [TASK, { ...TASK, command: { uris: [{}] } }] },
      },
    },
    message:
      "launch_group.task_group.tasks[1].command.uris[0].value: must be present",
  },
  {
    event: {
      type: "LAUNCH",
      launch: { task: { ...TASK, limits: { cpus: {} } } },
    },
    message: 'launch.task.limits["cpus"].value: must be present',
  },
];

for (const { event, message } of REFUSED) {
  Deno.test(`decodeEvent() refuses a record as ${message}`, () => {
    for (const [codec, record] of bothRecords(event)) {
      assertThrows(
        () => codec.decodeEvent(record),
        CodecError,
        `Cannot decode the event: ${message}`,
      );
    }
  });
}

function bothRecords(
  event: Record<string, unknown>,
): readonly (readonly [Codec, Uint8Array])[] {
  return [
    [json, toJson(event)],
    [protobuf, encodeFull("executor.Event", event)],
  ];
}

const STATUS = {
  task_id: { value: "task-1" },
  state: "TASK_RUNNING",
  data: "AP+A",
  message: "running",
  agent_id: { value: "agent-1" },
  timestamp: 1795331591.25,
  executor_id: { value: "exec-1" },
  healthy: false,
  source: "SOURCE_EXECUTOR",
  reason: "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
  uuid: "LRAR8+ZEEfGwPULtS5I3rQ==",
  labels: { labels: [{ key: "a", value: "b" }, { key: "c" }] },
  container_status: { executor_pid: 42, container_id: { value: "c1" } },
  check_status: { type: "COMMAND", command: { exit_code: -1 } },
  limitation: {
    resources: [{ name: "mem", type: "SCALAR", scalar: { value: 64 } }],
  },
} as const;

const CALLS: readonly Call[] = [
  { ...CALLER, type: "HEARTBEAT" },
  { ...CALLER, type: "MESSAGE", message: { data: "aGk=" } },
  { ...CALLER, type: "UPDATE", update: { status: STATUS } },
  {
    ...CALLER,
    type: "SUBSCRIBE",
    subscribe: {
      unacknowledged_tasks: [],
      unacknowledged_updates: [{ status: STATUS }, { status: STATUS }],
    },
  },
];

for (const call of CALLS) {
  Deno.test(`encodeCall() writes ${call.type} in both formats`, () => {
    const expected = call.type === "SUBSCRIBE"
      ? {
        ...CALLER,
        type: call.type,
        subscribe: {
          unacknowledged_updates: call.subscribe.unacknowledged_updates,
        },
      }
      : call;
    const bytes = protobuf.encodeCall(call);
    assertEquals(decodeFull("executor.Call", bytes), { ...expected });
    const text = new TextDecoder().decode(json.encodeCall(call));
    assertEquals(JSON.parse(text), call);
  });
}

Deno.test("loadCodec() gives codecs with the agent's content types", () => {
  assertEquals(json.contentType, "application/json");
  assertEquals(protobuf.contentType, "application/x-protobuf");
});
