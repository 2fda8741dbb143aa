import { parseDataClass } from "../../executor/bcs/data_class.ts";
import { toProcessInfo } from "../../executor/bcs/process_info.ts";
import { parseMessageEvent } from "../../executor/bcs/read_message.ts";
import type { Codec } from "../../executor/mesos/codec.ts";
import { jsonCodec } from "../../executor/mesos/json_codec.ts";
import { CodecError } from "../../executor/mesos/message_reader.ts";
import { protobufCodec } from "../../executor/mesos/protobuf_codec.ts";
import type { Event, ReceivedTask } from "../../executor/mesos/types.ts";
import { InvalidInputError } from "../../shared/errors.ts";
import { concat } from "../support/agent_http.ts";
import { frameRecord } from "../support/agent_stream.ts";
import type { Random } from "../support/random.ts";
import { mutateBytes } from "./mutate_bytes.ts";
import { mutateJson } from "./mutate_json.ts";
import { mutateProtobuf } from "./mutate_protobuf.ts";
import { checkRecordIo } from "./recordio_property.ts";
import {
  BCS_MESSAGES,
  DATA_CLASS,
  EVENTS,
  EVENTS_PROTOBUF,
  TASK,
} from "./samples.ts";

/** Something that reads what others write. */
export interface Target {
  readonly name: string;
  /** Inputs without mistake. */
  readonly samples: readonly Uint8Array[];
  /** Makes an input, most often a damaged one. */
  readonly make: (random: Random) => Uint8Array;
  /**
   * Reads it.
   *
   * @param random For choices that are none of the input, such as chunks.
   * @returns Whether it was accepted. Throws if a property does not hold.
   */
  readonly check: (
    input: Uint8Array,
    random: Random,
  ) => boolean | Promise<boolean>;
}

/** Records of one stream. */
const RECORDS_MAX = 5;

const encoder = new TextEncoder();
const jsonSamples = EVENTS.map(encode);
/** A mistake is as likely between records as within. */
const smallFrames = EVENTS_PROTOBUF.map((event) =>
  frameRecord(event.subarray(0, 200))
);
const frames = EVENTS_PROTOBUF.map(frameRecord);

/** Everything that reads what an agent, a scheduler or a network sends. */
export const TARGETS: readonly Target[] = [
  {
    name: "RecordIO",
    samples: [new Uint8Array(), concat(frames)],
    make(random) {
      const records = Array.from(
        { length: 1 + random.below(RECORDS_MAX) },
        () => random.pick(smallFrames),
      );
      // Behind a good beginning, as a stream that worked until now.
      const good = random.below(records.length);
      return concat([
        ...records.slice(0, good),
        mutateBytes(concat(records.slice(good)), random, concat(records)),
      ]);
    },
    check: checkRecordIo,
  },
  {
    name: "JSON event",
    samples: jsonSamples,
    make: (random) =>
      random.chance(0.7)
        ? encoder.encode(mutateJson(random.pick(EVENTS), random))
        : mutateBytes(
          random.pick(jsonSamples),
          random,
          random.pick(jsonSamples),
        ),
    check: (input) => checkEvent(jsonCodec, input),
  },
  {
    name: "protobuf event",
    samples: EVENTS_PROTOBUF,
    make(random) {
      const sample = random.pick(EVENTS_PROTOBUF);
      const mutated = random.chance(0.6)
        ? mutateProtobuf(sample, random)
        : sample;
      return mutated === sample || random.chance(0.2)
        ? mutateBytes(mutated, random, random.pick(EVENTS_PROTOBUF))
        : mutated;
    },
    check: (input) => checkEvent(protobufCodec, input),
  },
  {
    name: "DataClass",
    samples: [encode(DATA_CLASS)],
    make(random) {
      const json = encoder.encode(mutateJson(DATA_CLASS, random));
      return random.chance(0.2) ? mutateBytes(json, random, json) : json;
    },
    check(input, random) {
      const once = input.toBase64();
      const data = random.chance(0.5) ? once : encoder.encode(once).toBase64();
      return isAccepted(InvalidInputError, () => {
        parseDataClass(data);
        toProcessInfo({ ...TASK, data }, PROCESS_OPTIONS);
      });
    },
  },
  {
    name: "BcsMessage",
    samples: BCS_MESSAGES.map(encode),
    make: (random) =>
      encoder.encode(mutateJson(random.pick(BCS_MESSAGES), random)),
    // Never throws: what is wrong is part of what it says.
    check: (input) =>
      parseMessageEvent(input.toBase64())?.message !== undefined,
  },
];

function encode(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

const PROCESS_OPTIONS = { user: "", sandbox: "/sandbox", owner: "exec-1" };

/** What is accepted can be made a process of, or not, and be sent back. */
function checkEvent(codec: Codec, input: Uint8Array): boolean {
  let tasks: readonly ReceivedTask[] = [];
  const isEvent = isAccepted(CodecError, () => {
    tasks = tasksOf(codec.decodeEvent(input));
  });
  for (const { info } of tasks) {
    isAccepted(InvalidInputError, () => toProcessInfo(info, PROCESS_OPTIONS));
  }
  codec.encodeCall({
    executor_id: { value: "exec-1" },
    framework_id: { value: "fw-1" },
    type: "SUBSCRIBE",
    subscribe: { unacknowledged_tasks: tasks, unacknowledged_updates: [] },
  });
  return isEvent;
}

function tasksOf(event: Event): readonly ReceivedTask[] {
  if (event.type === "LAUNCH") return [event.launch.task];
  return event.type === "LAUNCH_GROUP"
    ? event.launch_group.task_group.tasks
    : [];
}

/** Lets one class of errors pass: the one that the reader declares. */
function isAccepted(
  refusal: typeof CodecError | typeof InvalidInputError,
  read: () => void,
): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof refusal) return false;
    throw error;
  }
}
