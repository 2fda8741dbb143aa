import type { ProcessState } from "../../shared/manager_api/types.ts";
import type { Effect, ProcessEvent } from "./events.ts";
import type { Phase, ProcessRecord } from "./record.ts";

/** What follows from an event: first store the record, then act. */
export interface Decision {
  readonly record: ProcessRecord;
  readonly effects: readonly Effect[];
}

/** An event of one type. */
export type EventOf<T extends ProcessEvent["type"]> = Extract<
  ProcessEvent,
  { type: T }
>;

/** A record in one state, with what that state owns. */
export type RecordIn<S extends ProcessState> = ProcessRecord & {
  readonly phase: Extract<Phase, { state: S }>;
};
