import { assertEquals, assertThrows } from "@std/assert";
import protobuf from "protobufjs";
import { jsonCodec } from "../../../executor/mesos/json_codec.ts";
import { CodecError } from "../../../executor/mesos/message_reader.ts";
import { protobufCodec } from "../../../executor/mesos/protobuf_codec.ts";
import type { Call, TaskStatus } from "../../../executor/mesos/types.ts";
import { assert, InvariantError } from "../../../shared/errors.ts";
import { decodeFull, encodeFull, fillMessage } from "./full_protobuf.ts";

const CALLER = {
  executor_id: { value: "exec-1" },
  framework_id: { value: "fw-1" },
};
const PROCESS = "1795331452997824430.0.0.gamesvc.ns-a.10000";

/** Recorded between a Go executor and an agent, as hexadecimal. */
const RECORDED: readonly { readonly call: Call; readonly hex: string }[] = [
  {
    call: {
      ...CALLER,
      type: "SUBSCRIBE",
      subscribe: { unacknowledged_tasks: [], unacknowledged_updates: [] },
    },
    hex: "0a080a06657865632d3112060a0466772d3118012200",
  },
  {
    call: update("TASK_STARTING", "", 1795331587, "Kqw6neZEEfGwPULtS5I3rQ=="),
    hex: "0a080a06657865632d3112060a0466772d3118022a660a640a2c0a2a3137393533" +
      "33313435323939373832343433302e302e302e67616d657376632e6e732d612e3130" +
      "303030100022002a090a076167656e742d31310000c080a5c0da413a080a06657865" +
      "632d3148025a102aac3a9de64411f1b03d42ed4b9237ad",
  },
  {
    call: update(
      "TASK_RUNNING",
      `process ${PROCESS} is running`,
      1795331591,
      "LRAR8+ZEEfGwPULtS5I3rQ==",
    ),
    hex: "0a080a06657865632d3112060a0466772d3118022aa4010aa1010a2c0a2a313739" +
      "353333313435323939373832343433302e302e302e67616d657376632e6e732d612e" +
      "31303030301001223d70726f6365737320313739353333313435323939373832343433" +
      "302e302e302e67616d657376632e6e732d612e31303030302069732072756e6e696e" +
      "672a090a076167656e742d31310000c081a5c0da413a080a06657865632d3148025a" +
      "102d1011f3e64411f1b03d42ed4b9237ad",
  },
  {
    call: update(
      "TASK_FINISHED",
      `process ${PROCESS} is done`,
      1795331593,
      "LkI+ZeZEEfGwPULtS5I3rQ==",
    ),
    hex: "0a080a06657865632d3112060a0466772d3118022aa1010a9e010a2c0a2a313739" +
      "353333313435323939373832343433302e302e302e67616d657376632e6e732d612e" +
      "31303030301002223a70726f6365737320313739353333313435323939373832343433" +
      "302e302e302e67616d657376632e6e732d612e313030303020697320646f6e652a09" +
      "0a076167656e742d313100004082a5c0da413a080a06657865632d3148025a102e42" +
      "3e65e64411f1b03d42ed4b9237ad",
  },
];

function update(
  state: TaskStatus["state"],
  message: string,
  timestamp: number,
  uuid: string,
): Call {
  const status = {
    task_id: { value: PROCESS },
    state,
    message,
    agent_id: { value: "agent-1" },
    timestamp,
    executor_id: { value: "exec-1" },
    source: "SOURCE_EXECUTOR",
    uuid,
  } as const;
  return { ...CALLER, type: "UPDATE", update: { status } };
}

for (const [index, { call, hex }] of RECORDED.entries()) {
  Deno.test(`encodeCall() writes recorded ${call.type} ${index}`, () => {
    assertEquals(protobufCodec.encodeCall(call).toHex(), hex);
    const expected = call.type === "SUBSCRIBE"
      ? { ...call, subscribe: {} }
      : { ...call };
    assertEquals(
      decodeFull("executor.Call", Uint8Array.fromHex(hex)),
      expected,
    );
  });
}

/** A SUBSCRIBE that leaves the tasks as bytes. */
const CallWithBytes = protobuf.parse(`
  syntax = "proto2";
  message Subscribe { repeated bytes tasks = 1; }
  message Call { optional Subscribe subscribe = 4; }
`).root.lookupType("Call");

Deno.test("encodeCall() gives a task back byte for byte", () => {
  // Field 1000 is unknown, and field 2 follows field 15: as it came, it goes.
  const full = encodeFull("TaskInfo", fillMessage("TaskInfo"));
  const unknown = Uint8Array.fromHex("c23e03616263");
  const task = new Uint8Array([...full, ...unknown]);
  const tasks = [task, encodeFull("TaskInfo", minimalTask("t1"))];
  const received = tasks.map((bytes) => {
    const event = protobufCodec.decodeEvent(launchRecord(bytes));
    assert(event.type === "LAUNCH", event.type);
    return event.launch.task;
  });
  const bytes = protobufCodec.encodeCall({
    ...CALLER,
    type: "SUBSCRIBE",
    subscribe: { unacknowledged_tasks: received, unacknowledged_updates: [] },
  });
  const { subscribe } = CallWithBytes.toObject(CallWithBytes.decode(bytes));
  assertEquals(
    subscribe.tasks.map((task: Uint8Array) => task.toHex()),
    tasks.map((task) => task.toHex()),
  );
});

Deno.test("encodeCall() refuses a task decoded from JSON", () => {
  const event = jsonCodec.decodeEvent(
    new TextEncoder().encode(
      JSON.stringify({ type: "LAUNCH", launch: { task: minimalTask("t1") } }),
    ),
  );
  assert(event.type === "LAUNCH", event.type);
  const { task } = event.launch;
  assertThrows(
    () =>
      protobufCodec.encodeCall({
        ...CALLER,
        type: "SUBSCRIBE",
        subscribe: { unacknowledged_tasks: [task], unacknowledged_updates: [] },
      }),
    InvariantError,
  );
});

const READ: readonly {
  readonly name: string;
  readonly hex: string;
  readonly event: unknown;
}[] = [
  { name: "an empty record as UNKNOWN", hex: "", event: { type: "UNKNOWN" } },
  {
    name: "an unknown event type as UNKNOWN",
    hex: "0863",
    event: { type: "UNKNOWN" },
  },
  {
    name: "unknown fields of every wire type",
    // Fields 100 to 103 and 105: varint, fixed64, bytes, group, fixed32.
    hex: "0807" + "a00605" + "a9060102030405060708" + "b2060161" +
      "bb0608" + "01bc06" + "cd0601020304",
    event: { type: "SHUTDOWN" },
  },
  {
    name: "a known field of another wire type as unknown",
    hex: "0807" + "0a00",
    event: { type: "SHUTDOWN" },
  },
  {
    name: "the last of a repeated scalar",
    hex: "0801" + "0809",
    event: { type: "HEARTBEAT" },
  },
  {
    name: "a message that comes in two pieces",
    hex: "0803" + "2a050a030a0161" + "2a060a040a026262",
    event: { type: "KILL", kill: { task_id: { value: "bb" } } },
  },
  {
    name: "a negative 64-bit number",
    hex: "0803" + "2a14" + "0a030a0161" + "120d" + "0a0b" +
      "08ffffffffffffffffff01",
    event: {
      type: "KILL",
      kill: {
        task_id: { value: "a" },
        kill_policy: { grace_period: { nanoseconds: -1 } },
      },
    },
  },
];

for (const { name, hex, event } of READ) {
  Deno.test(`decodeEvent() reads ${name}`, () => {
    assertEquals(
      protobufCodec.decodeEvent(Uint8Array.fromHex(hex)),
      event,
    );
  });
}

Deno.test("decodeEvent() reads packed numbers", () => {
  // HealthCheck with http: port 80, statuses 200 and 204 in one field.
  const check = Uint8Array.fromHex("0a08" + "0850" + "2204" + "c801cc01");
  const task = new Uint8Array([
    ...encodeFull("TaskInfo", minimalTask("t1")),
    0x42,
    check.length,
    ...check,
  ]);
  const event = protobufCodec.decodeEvent(launchRecord(task));
  assert(event.type === "LAUNCH", event.type);
  assertEquals(event.launch.task.info.health_check, {
    http: { port: 80, statuses: [200, 204] },
  });
});

Deno.test("decodeEvent() leaves out an unknown value of an enum", () => {
  const record = encodeFull("executor.Event", {
    type: "SUBSCRIBED",
    subscribed: {
      executor_info: { executor_id: { value: "exec-1" } },
      framework_info: {
        user: "root",
        name: "bcs",
        capabilities: [{ type: 99 }, { type: "MULTI_ROLE" }],
      },
      agent_info: { hostname: "host-1" },
    },
  });
  const event = protobufCodec.decodeEvent(record);
  assert(event.type === "SUBSCRIBED", event.type);
  assertEquals(event.subscribed.framework_info.capabilities, [
    {},
    { type: "MULTI_ROLE" },
  ]);
});

const REFUSED: readonly { readonly hex: string; readonly field: string }[] = [
  { hex: "08", field: "type" },
  { hex: "0803" + "2aff", field: "kill" },
  { hex: "0803" + "2a05" + "0a03", field: "kill.task_id" },
  { hex: "0803" + "2a02" + "0a03" + "0a0161", field: "kill" },
  { hex: "0803" + "2a04" + "0a020a05", field: "kill.task_id.value" },
  { hex: "00", field: "record" },
  { hex: "0807" + "bb06", field: "record" },
  { hex: "0807" + "0f", field: "type" },
];

for (const { hex, field } of REFUSED) {
  Deno.test(`decodeEvent() refuses malformed ${hex} at ${field}`, () => {
    const error = assertThrows(
      () => protobufCodec.decodeEvent(Uint8Array.fromHex(hex)),
      CodecError,
      "must be well-formed protobuf",
    );
    assertEquals(error.field, field);
  });
}

Deno.test("decodeEvent() refuses a truncated task wherever it ends", () => {
  const task = encodeFull("TaskInfo", minimalTask("t1"));
  for (let length = 0; length < task.length; length++) {
    const error = assertThrows(
      () => protobufCodec.decodeEvent(launchRecord(task.subarray(0, length))),
      CodecError,
    );
    assert(error.field.startsWith("launch.task"), error.message);
  }
});

function minimalTask(id: string): Record<string, unknown> {
  return {
    name: "n",
    task_id: { value: id },
    agent_id: { value: "agent-1" },
  };
}

/** A LAUNCH around the bytes of a task, which need not make sense. */
function launchRecord(task: Uint8Array): Uint8Array {
  const inner = new protobuf.Writer().uint32(0x0a).bytes(task).finish();
  return new protobuf.Writer().uint32(0x08).uint32(2).uint32(0x22)
    .bytes(inner).finish();
}
