import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AppError, assert, messageOf } from "../../shared/errors.ts";
import type { ProcessEvent } from "../../shared/manager_api/types.ts";
import type { ProcessRecord } from "../lifecycle/record.ts";
import { toStatus } from "../lifecycle/status.ts";
import { migrate } from "./schema.ts";

/** Events kept for all processes together; older ones are forgotten. */
const EVENTS_MAX = 10_000;

/** What could be read, and what could not: one bad record harms only itself. */
export interface LoadedRecords {
  readonly records: readonly ProcessRecord[];
  readonly problems: readonly { id: string; message: string }[];
}

/**
 * The daemon's memory: one SQLite file with every process and the latest
 * events. A commit survives the daemon's own end at any instant (WAL); after
 * a power loss the last ones may be missing, but then the processes are gone
 * too. Holds environment values and passwords: for its owner's eyes only.
 */
export class ProcessStore {
  readonly #database: DatabaseSync;
  readonly #statements: Readonly<
    Record<
      "insert" | "update" | "remove" | "event" | "prune" | "after" | "history",
      StatementSync
    >
  >;

  /**
   * Opens or creates the database.
   *
   * @param path The file; its folder must exist.
   * @throws {AppError} FAILED_PRECONDITION if another daemon has it open or a
   * newer one wrote it.
   */
  constructor(path: string) {
    // Made here for its mode, which SQLite gives to the files beside it too.
    Deno.openSync(path, { create: true, append: true, mode: 0o600 }).close();
    this.#database = new DatabaseSync(path);
    try {
      // An exclusive lock from the first write on: one daemon per data folder.
      this.#database.exec(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;" +
          "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE; COMMIT",
      );
    } catch (error) {
      this.#database.close();
      throw new AppError(
        "FAILED_PRECONDITION",
        `Cannot open ${path}: ${messageOf(error)}; ` +
          "is another daemon running on this data folder?",
        { cause: error },
      );
    }
    migrate(this.#database);
    const prepare = (sql: string) => this.#database.prepare(sql);
    this.#statements = {
      insert: prepare("INSERT INTO processes (id, record) VALUES (?, '')"),
      update: prepare("UPDATE processes SET record = ? WHERE number = ?"),
      remove: prepare("DELETE FROM processes WHERE number = ?"),
      event: prepare("INSERT INTO events (id, event) VALUES (?, ?)"),
      prune: prepare("DELETE FROM events WHERE seq <= ?"),
      after: prepare(
        "SELECT seq, event FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
      ),
      history: prepare(
        "SELECT seq, event FROM (SELECT seq, event FROM events WHERE id = ? " +
          "ORDER BY seq DESC LIMIT ?) ORDER BY seq",
      ),
    };
  }

  /** Reads every process back. */
  load(): LoadedRecords {
    const records: ProcessRecord[] = [];
    const problems: { id: string; message: string }[] = [];
    const rows = this.#database.prepare(
      "SELECT number, id, record FROM processes ORDER BY number",
    ).all();
    for (const row of rows) {
      const id = String(row["id"]);
      try {
        const record = JSON.parse(String(row["record"])) as ProcessRecord;
        assert(
          record.number === row["number"] && record.id === id &&
            typeof record.phase?.state === "string" &&
            typeof record.info?.StartCmd === "string",
          "it is not a process record",
        );
        records.push(record);
      } catch (error) {
        problems.push({ id, message: messageOf(error) });
      }
    }
    return { records, problems };
  }

  /** Stores a new process under a number that was never used before. */
  insert(
    draft: Omit<ProcessRecord, "number">,
    nowMs: number,
  ): { record: ProcessRecord; event: ProcessEvent } {
    return this.#commit(() => {
      const { lastInsertRowid } = this.#statements.insert.run(draft.id);
      const record = { ...draft, number: Number(lastInsertRowid) };
      return { record, event: this.#write(record, "created", nowMs) };
    });
  }

  /** Stores what a process has become, and the event that made it so. */
  update(record: ProcessRecord, cause: string, nowMs: number): ProcessEvent {
    return this.#commit(() => this.#write(record, cause, nowMs));
  }

  /** Forgets a process; its history stays until it is pruned. */
  remove(record: ProcessRecord, nowMs: number): ProcessEvent {
    return this.#commit(() => {
      this.#statements.remove.run(record.number);
      return this.#append(record, "deleted", nowMs);
    });
  }

  /** Events after `seq`, oldest first, at most `limit`. */
  eventsAfter(seq: number, limit: number): ProcessEvent[] {
    return this.#statements.after.all(seq, limit).map(toEvent);
  }

  /** The latest events of one process, oldest first. */
  historyOf(id: string, limit: number): ProcessEvent[] {
    return this.#statements.history.all(id, limit).map(toEvent);
  }

  /** Sequence number of the newest event; 0 = none. */
  lastSeq(): number {
    const row = this.#database.prepare("SELECT max(seq) AS seq FROM events")
      .get();
    return Number(row?.["seq"] ?? 0);
  }

  close(): void {
    this.#database.close();
  }

  #write(record: ProcessRecord, cause: string, nowMs: number): ProcessEvent {
    this.#statements.update.run(JSON.stringify(record), record.number);
    return this.#append(record, cause, nowMs);
  }

  #append(record: ProcessRecord, cause: string, nowMs: number): ProcessEvent {
    const event = {
      Time: nowMs,
      Id: record.id,
      Cause: cause,
      Status: toStatus(record),
    };
    const { lastInsertRowid } = this.#statements.event.run(
      record.id,
      JSON.stringify(event),
    );
    const seq = Number(lastInsertRowid);
    if (seq > EVENTS_MAX) this.#statements.prune.run(seq - EVENTS_MAX);
    return { Seq: seq, ...event };
  }

  #commit<T>(write: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = write();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }
}

function toEvent(row: Record<string, unknown>): ProcessEvent {
  const event = JSON.parse(String(row["event"])) as Omit<ProcessEvent, "Seq">;
  return { Seq: Number(row["seq"]), ...event };
}
