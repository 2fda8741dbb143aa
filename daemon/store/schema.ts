import type { DatabaseSync } from "node:sqlite";
import { AppError } from "../../shared/errors.ts";

/** What to run to come from one version of the schema to the next. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE processes (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     record TEXT NOT NULL
   ) STRICT;
   CREATE TABLE events (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL,
     event TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_id ON events (id, seq);`,
];

/**
 * Brings the database to the newest schema.
 *
 * @throws {AppError} FAILED_PRECONDITION if a newer program wrote it.
 */
export function migrate(database: DatabaseSync): void {
  const row = database.prepare("PRAGMA user_version").get();
  const version = Number(row?.["user_version"]);
  if (version > MIGRATIONS.length) {
    throw new AppError(
      "FAILED_PRECONDITION",
      `Cannot use the database as its schema has version ${version} and ` +
        `this program knows ${MIGRATIONS.length}: install the newer program`,
    );
  }
  for (let next = version; next < MIGRATIONS.length; next++) {
    database.exec(
      `BEGIN; ${MIGRATIONS[next]} PRAGMA user_version = ${next + 1}; COMMIT`,
    );
  }
}
