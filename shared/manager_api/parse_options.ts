import type { ObjectReader } from "../json_reader.ts";
import type { ProcessInfo, RestartPolicy, Rlimits } from "./types.ts";

/** The longest wait and the most starts again, of a restart policy. */
const POLICY_MAX = 31_536_000;

type Options = Required<
  Pick<
    ProcessInfo,
    | "RestartPolicy"
    | "HeartBeatTimeout"
    | "OrphanPolicy"
    | "Umask"
    | "Nice"
    | "Rlimits"
    | "OomScoreAdj"
  >
>;

/** Reads what a process definition may leave out: how it runs and is kept. */
export function readOptions(reader: ObjectReader): Options {
  return {
    RestartPolicy: readRestartPolicy(reader.object("RestartPolicy")),
    HeartBeatTimeout: reader.integer("HeartBeatTimeout", {
      min: 0,
      max: POLICY_MAX,
    }),
    OrphanPolicy: reader.oneOf("OrphanPolicy", ["stop", "keep"], "stop"),
    Umask: readUmask(reader),
    Nice: reader.integer("Nice", { min: -20, max: 19 }),
    Rlimits: readRlimits(reader.object("Rlimits")),
    OomScoreAdj: reader.integer("OomScoreAdj", { min: -1000, max: 1000 }),
  };
}

function readRestartPolicy(
  reader: ObjectReader | undefined,
): RestartPolicy | null {
  if (reader === undefined) return null;
  const range = { min: 0, max: POLICY_MAX };
  return {
    Policy: reader.oneOf("Policy", ["Never", "Always", "OnFailure"], "Never"),
    Interval: reader.integer("Interval", range),
    Backoff: reader.integer("Backoff", range),
    MaxTimes: reader.integer("MaxTimes", range),
  };
}

function readUmask(reader: ObjectReader): string {
  const mask = reader.string("Umask") || "022";
  if (!/^0?[0-7]{3}$/.test(mask)) {
    reader.addProblem(
      "Umask",
      'must be three octal digits, such as "022": current value is ' +
        JSON.stringify(mask.slice(0, 20)),
    );
  }
  return mask;
}

function readRlimits(reader: ObjectReader | undefined): Rlimits | null {
  if (reader === undefined) return null;
  const read = (key: keyof Rlimits): Rlimits =>
    reader.has(key) ? { [key]: reader.integer(key, { min: -1 }) } : {};
  return { ...read("NoFile"), ...read("Core"), ...read("NProc") };
}
