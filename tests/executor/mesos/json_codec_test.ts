import { assertEquals, assertThrows } from "@std/assert";
import { jsonCodec } from "../../../executor/mesos/json_codec.ts";
import { CodecError } from "../../../executor/mesos/message_reader.ts";
import { protobufCodec } from "../../../executor/mesos/protobuf_codec.ts";
import type {
  Call,
  Event,
  ReceivedTask,
} from "../../../executor/mesos/types.ts";
import { assert, InvariantError } from "../../../shared/errors.ts";
import { encodeFull, fillMessage } from "./full_protobuf.ts";

const TASK = {
  name: "t0",
  task_id: { value: "task-1" },
  agent_id: { value: "agent-1" },
};

Deno.test("encodeCall() gives a task back as it came", () => {
  const tasks = [
    JSON.stringify(fillMessage("TaskInfo")),
    JSON.stringify({ ...TASK, not_yet_invented: [{ a: null }] }),
    // Integers beyond what a number can hold keep their digits.
    '{"name":"t0","task_id":{"value":"1"},"agent_id":{"value":"2"},' +
    '"container":{"type":"MESOS","rlimit_info":{"rlimits":[' +
    '{"hard":18446744073709551615,"soft":9007199254740993}]}},' +
    '"kill_policy":{"grace_period":{"nanoseconds":9223372036854775807}}}',
  ];
  const received = tasks.map((task) => launch(task));
  const text = new TextDecoder().decode(
    jsonCodec.encodeCall(subscribe(received)),
  );
  assertEquals(
    text,
    '{"executor_id":{"value":"e"},"framework_id":{"value":"f"},' +
      '"type":"SUBSCRIBE","subscribe":{"unacknowledged_tasks":[' +
      `${tasks.join(",")}],"unacknowledged_updates":[]}}`,
  );
  assertEquals(
    received[2]?.info.kill_policy?.grace_period?.nanoseconds,
    2 ** 63,
  );
});

Deno.test("encodeCall() refuses a task decoded from protobuf", () => {
  const event = protobufCodec.decodeEvent(
    encodeFull("executor.Event", { type: "LAUNCH", launch: { task: TASK } }),
  );
  assert(event.type === "LAUNCH", event.type);
  const call = subscribe([event.launch.task]);
  assertThrows(() => jsonCodec.encodeCall(call), InvariantError);
});

Deno.test("encodeCall() writes Infinity by name", () => {
  const call: Call = {
    executor_id: { value: "e" },
    framework_id: { value: "f" },
    type: "UPDATE",
    update: {
      status: {
        task_id: { value: "t" },
        state: "TASK_FAILED",
        limitation: {
          resources: [
            { name: "mem", type: "SCALAR", scalar: { value: Infinity } },
          ],
        },
      },
    },
  };
  const text = new TextDecoder().decode(jsonCodec.encodeCall(call));
  assertEquals(text.includes('"scalar":{"value":"Infinity"}'), true);
});

const READ: readonly {
  readonly name: string;
  readonly task: Record<string, unknown>;
  readonly expected: Record<string, unknown>;
}[] = [
  {
    name: "64-bit integers as strings",
    task: { max_completion_time: { nanoseconds: "5000000000" } },
    expected: { max_completion_time: { nanoseconds: 5_000_000_000 } },
  },
  {
    name: "null as absence",
    task: { command: null, labels: { labels: null } },
    expected: { labels: {} },
  },
  {
    name: "an empty list as absence",
    task: { resources: [], limits: {} },
    expected: {},
  },
  {
    name: "an infinite limit",
    task: { limits: { mem: { value: "Infinity" } } },
    expected: { limits: { mem: { value: Infinity } } },
  },
  {
    name: "enums as numbers",
    task: { container: { type: 2 } },
    expected: { container: { type: "MESOS" } },
  },
  {
    name: "an unknown value of an optional enum as absence",
    task: { check: { type: "DANCE", tcp: { port: 80 } } },
    expected: { check: { tcp: { port: 80 } } },
  },
  {
    name: "unknown fields, leaving them out",
    task: { not_yet_invented: 1, labels: { more: true } },
    expected: { labels: {} },
  },
];

for (const { name, task, expected } of READ) {
  Deno.test(`decodeEvent() reads ${name}`, () => {
    assertEquals(launch(JSON.stringify({ ...TASK, ...task })).info, {
      ...TASK,
      ...expected,
    });
  });
}

Deno.test("decodeEvent() reads a limit called __proto__", () => {
  const text = JSON.stringify(TASK).slice(0, -1) +
    ',"limits":{"__proto__":{"value":1}}}';
  const { limits } = launch(text).info;
  assertEquals(Object.keys(limits ?? {}), ["__proto__"]);
});

Deno.test("decodeEvent() reads an unknown event type as UNKNOWN", () => {
  // Fields that this executor would refuse are of no interest then.
  const record = '{"type":"DANCE","kill":5}';
  assertEquals(decode(record), { type: "UNKNOWN" });
});

const REFUSED: readonly {
  readonly record: string;
  readonly message: string;
}[] = [
  {
    record: '{"type":"KILL","kill":{"task_id":{"value":5}}}',
    message: "kill.task_id.value: must be a string: current value is 5",
  },
  {
    record: "[]",
    message: "record: must be an object: current value is an array",
  },
  {
    record: "null",
    message: "record: must be an object: current value is null",
  },
  {
    record: '{"type":["SHUTDOWN"]}',
    message: "type: must be the name of a value: current value is an array",
  },
  {
    record: '{"type":"LAUNCH_GROUP","launch_group":{"task_group":' +
      '{"tasks":{}}}}',
    message: "launch_group.task_group.tasks: must be an array: " +
      "current value is an object",
  },
  {
    record: '{"type":"MESSAGE","message":{"data":"a"}}',
    message: "message.data: must be base64 with padding",
  },
  {
    record: task('"data":"a-b_"'),
    message: "launch.task.data: must be base64 with padding",
  },
  {
    record: task('"limits":{"cpus":1}'),
    message: 'launch.task.limits["cpus"]: must be an object: ' +
      "current value is 1",
  },
  {
    record: task('"health_check":{"delay_seconds":"soon"}'),
    message: "launch.task.health_check.delay_seconds: must be a number: " +
      'current value is "soon"',
  },
  {
    record: task('"health_check":{"tcp":{"port":-1}}'),
    message: "launch.task.health_check.tcp.port: must be an integer from 0 " +
      "to 4294967295: current value is -1",
  },
  {
    record: task('"max_completion_time":{"nanoseconds":1.5}'),
    message: "launch.task.max_completion_time.nanoseconds: must be an " +
      "integer from -9223372036854776000 to 9223372036854776000: " +
      "current value is 1.5",
  },
  {
    record: task('"container":{"type":"DANCE"}'),
    message: "launch.task.container.type: must be a known " +
      'ContainerInfoType: current value is "DANCE"',
  },
  {
    record: task('"command":{"shell":"yes"}'),
    message: "launch.task.command.shell: must be true or false: " +
      'current value is "yes"',
  },
  {
    record: task(
      '"command":{"environment":{"variables":[{"name":"A","value":4711}]}}',
    ),
    message: "launch.task.command.environment.variables[0].value: must be " +
      "a string: current value is hidden",
  },
];

for (const { record, message } of REFUSED) {
  Deno.test(`decodeEvent() refuses a record as ${message}`, () => {
    const error = assertThrows(() => decode(record), CodecError);
    assertEquals(error.message, `Cannot decode the event: ${message}`);
  });
}

Deno.test("decodeEvent() refuses what is not JSON, without quoting it", () => {
  for (const record of ["", "{", '{"password":"hunter2"', '"hunter2" x']) {
    const error = assertThrows(
      () => decode(record),
      CodecError,
      "Cannot decode the event: record: must be JSON",
    );
    assertEquals(error.message.includes("hunter2"), false);
  }
});

/** A LAUNCH of a task with one more field. */
function task(field: string): string {
  const text = JSON.stringify(TASK).slice(0, -1);
  return `{"type":"LAUNCH","launch":{"task":${text},${field}}}}`;
}

function decode(record: string): Event {
  return jsonCodec.decodeEvent(new TextEncoder().encode(record));
}

function launch(task: string): ReceivedTask {
  const event = decode(`{"type":"LAUNCH","launch":{"task":${task}}}`);
  assert(event.type === "LAUNCH", event.type);
  return event.launch.task;
}

function subscribe(tasks: readonly ReceivedTask[]): Call {
  return {
    executor_id: { value: "e" },
    framework_id: { value: "f" },
    type: "SUBSCRIBE",
    subscribe: { unacknowledged_tasks: tasks, unacknowledged_updates: [] },
  };
}
