import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AppError, assert, messageOf } from "../../shared/errors.ts";
import type { ProcessEvent } from "../../shared/manager_api/types.ts";
import type { ProcessRecord } from "../lifecycle/record.ts";
import { toStatus } from "../lifecycle/status.ts";
import { migrate } from "./schema.ts";

/** The latest events of all processes together are kept, so many. */
const EVENTS_MAX = 10_000;
/** And the latest of each process: a noisy one drives nobody's out. */
const EVENTS_EACH_MAX = 100;

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
      | "insert"
      | "update"
      | "remove"
      | "event"
      | "pruneOldest"
      | "pruneOf"
      | "pruneAll"
      | "after"
      | "history",
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
      // Of every other process they were kept for its sake.
      pruneOldest: prepare(
        "DELETE FROM events WHERE seq = ? AND (" +
          "id NOT IN (SELECT id FROM processes) OR " +
          `${EVENTS_EACH_MAX} = (SELECT count(*) FROM (SELECT 1 FROM events ` +
          "AS later WHERE later.id = events.id AND later.seq > events.seq " +
          `LIMIT ${EVENTS_EACH_MAX})))`,
      ),
      pruneOf: prepare(
        "DELETE FROM events WHERE id = ?1 AND seq <= min(?2, (SELECT seq " +
          "FROM events WHERE id = ?1 ORDER BY seq DESC " +
          `LIMIT 1 OFFSET ${EVENTS_EACH_MAX}))`,
      ),
      pruneAll: prepare("DELETE FROM events WHERE id = ? AND seq <= ?"),
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

  /**
   * Stores what a process has become, and the event that made it so.
   *
   * @param detail What the event brought; "" = its cause says it all.
   */
  update(
    record: ProcessRecord,
    cause: string,
    nowMs: number,
    detail = "",
  ): ProcessEvent {
    return this.#commit(() => this.#write(record, cause, nowMs, detail));
  }

  /** Forgets a process; its history stays until it is pruned. */
  remove(record: ProcessRecord, nowMs: number): ProcessEvent {
    return this.#commit(() => {
      this.#statements.remove.run(record.number);
      const event = this.#append(record, "deleted", nowMs);
      this.#statements.pruneAll.run(record.id, event.Seq - EVENTS_MAX);
      return event;
    });
  }

  /**
   * Events after `seq`, oldest first, at most `limit`; none is left out after
   * the first: what is kept of single processes alone is not among them.
   */
  eventsAfter(seq: number, limit: number): ProcessEvent[] {
    const after = Math.max(seq, this.lastSeq() - EVENTS_MAX);
    return this.#statements.after.all(after, limit).map(toEvent);
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

  #write(
    record: ProcessRecord,
    cause: string,
    nowMs: number,
    detail = "",
  ): ProcessEvent {
    this.#statements.update.run(JSON.stringify(record), record.number);
    return this.#append(record, cause, nowMs, detail);
  }

  #append(
    record: ProcessRecord,
    cause: string,
    nowMs: number,
    detail = "",
  ): ProcessEvent {
    const event = {
      Time: nowMs,
      Id: record.id,
      Cause: cause,
      ...(detail === "" ? {} : { Detail: detail }),
      Status: toStatus(record),
    };
    const { lastInsertRowid } = this.#statements.event.run(
      record.id,
      JSON.stringify(event),
    );
    const seq = Number(lastInsertRowid);
    // One leaves what is kept of all, and one what is kept of this process.
    const oldest = seq - EVENTS_MAX;
    if (oldest > 0) {
      this.#statements.pruneOldest.run(oldest);
      this.#statements.pruneOf.run(record.id, oldest);
    }
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
