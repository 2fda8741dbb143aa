import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import type { LogPart } from "../../shared/manager_api/types.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { LINE_FORMAT, LineCheck } from "./logs/log_bench.ts";
import { eventually } from "./support/eventually.ts";

const MIB = 1024 * 1024;
const decoder = new TextDecoder();

/** Follows a log into memory until it ends. */
class Follower {
  readonly #aborter: AbortController;
  readonly #parts: LogPart[] = [];
  readonly ended: Promise<void>;

  constructor(parts: AsyncIterable<LogPart>, aborter: AbortController) {
    this.#aborter = aborter;
    this.ended = (async () => {
      for await (const part of parts) this.#parts.push(part);
    })();
    // A test that fails takes the daemon away: whoever waits is told.
    this.ended.catch(() => undefined);
  }

  static async start(daemon: TestDaemon, id: string, from: number) {
    const aborter = new AbortController();
    const parts = await daemon.client.followLogs(
      id,
      { stream: "stdout", from },
      aborter.signal,
    );
    return new Follower(parts, aborter);
  }

  get parts(): readonly LogPart[] {
    return this.#parts;
  }

  get text(): string {
    return this.#parts.map(({ bytes }) => decoder.decode(bytes)).join("");
  }

  async leave(): Promise<void> {
    this.#aborter.abort();
    await this.ended;
  }
}

Deno.test("a million lines are kept and followed while daemons die", async () => {
  await using daemon = await TestDaemon.start({
    flags: { "log-file-mib": "1", "log-files": "100" },
  });
  const id = await daemon.create({
    Id: "writer",
    StartCmd: "/bin/sh",
    Argv: [
      "-c",
      // Each line is a write of its own; then it waits to be stopped.
      'stdbuf -oL seq -f "$1" 1 1000000; echo done >&2; exec sleep 1000',
      "sh",
      LINE_FORMAT,
    ],
  });
  await daemon.waitForState(id, "running");
  const check = new LineCheck();
  let place = 0;
  let deaths = 0;
  while (place < 21_000_000) {
    const aborter = new AbortController();
    const parts = await daemon.client.followLogs(
      id,
      { stream: "stdout", from: place },
      aborter.signal,
    );
    const dieAt = deaths < 3 ? place + 4 * MIB : Infinity;
    try {
      for await (const { start, end, bytes } of parts) {
        assertEquals(start, place);
        check.add(bytes);
        place = end;
        if (place >= 21_000_000) break;
        if (place >= dieAt) await daemon.kill9();
      }
    } catch (error) {
      // The daemon is gone: its connection broke.
      const isAway = error instanceof AppError && error.code === "UNAVAILABLE";
      if (!isAway) throw error;
    }
    aborter.abort();
    if (place < 21_000_000) {
      deaths++;
      await daemon.run();
    }
  }
  check.end();
  assertEquals([check.count, deaths], [1_000_000, 3]);
  await eventually("the log is rotated to the end", async () => {
    const { blocks } = await Deno.stat(`${daemon.logDir}/${id}.stdout`);
    const isAtWork = [...Deno.readDirSync(daemon.logDir)]
      .some(({ name }) => name.endsWith(".new"));
    return (blocks ?? 0) * 512 <= MIB && !isAtWork;
  });
  const { bytes } = await daemon.client.logs(id, {
    stream: "stderr",
    lines: 1,
  });
  assertEquals(decoder.decode(bytes), "done\n");
  // All of it lies in finished files and the live one, once.
  const names = [...Deno.readDirSync(daemon.logDir)].map(({ name }) => name)
    .filter((name) => name.startsWith("writer.stdout.")).sort();
  assert(names.length > 15, `${names.length} files`);
  let size = 0;
  for (const name of names) {
    assertEquals(Number(name.split(".").at(-1)), size);
    size += Deno.statSync(`${daemon.logDir}/${name}`).size;
  }
  assert(!daemon.log.includes('"WARN"'), daemon.log);
  await daemon.client.stop(id, 1);
  await daemon.client.delete(id);
  assertEquals([...Deno.readDirSync(daemon.logDir)], []);
  assertEquals([...Deno.readDirSync(`${daemon.dataDir}/logs`)], []);
});

/** A process that writes what is put into a file of its own, on SIGUSR1. */
async function startWriter(daemon: TestDaemon, id: string) {
  const input = `${daemon.workDir}/${id}.input`;
  await daemon.create({
    Id: id,
    StartCmd: "/bin/sh",
    Argv: [
      "-c",
      'printf "one\\ntwo\\nthree\\n"; while :; do ' +
      '[ -f "$1" ] && cat "$1" && rm "$1"; sleep 0.02; done',
      "sh",
      input,
    ],
  });
  await daemon.waitForState(id, "running");
  await eventually(
    "the first lines are there",
    () => Deno.readTextFileSync(`${daemon.logDir}/${id}.stdout`) !== "",
  );
  return async (text: string) => {
    await Deno.writeTextFile(`${input}.new`, text);
    await Deno.rename(`${input}.new`, input);
  };
}

Deno.test("a log is read by lines, bytes and places", async () => {
  await using daemon = await TestDaemon.start();
  // An id may look like another's file.
  const ids = ["one", "one.stdout", "one.stdout.0000000000000000"];
  for (const id of ids) await startWriter(daemon, id);
  for (const id of ids) {
    const read = async (query: Record<string, number>) => {
      const part = await daemon.client.logs(id, { stream: "stdout", ...query });
      assertEquals(part.end, part.start + part.bytes.length);
      return [part.start, decoder.decode(part.bytes)];
    };
    assertEquals(await read({}), [0, "one\ntwo\nthree\n"]);
    assertEquals(await read({ lines: 2 }), [4, "two\nthree\n"]);
    assertEquals(await read({ lines: 0 }), [14, ""]);
    assertEquals(await read({ bytes: 4 }), [10, "ree\n"]);
    assertEquals(await read({ from: 5 }), [5, "wo\nthree\n"]);
    assertEquals(await read({ from: 1000 }), [14, ""]);
  }
  const other = await daemon.client.logs("one", { stream: "stderr" });
  assertEquals([other.start, other.end], [0, 0]);
  await daemon.client.stop("one", 1);
  await daemon.client.delete("one");
  const [, second = ""] = ids;
  const kept = await daemon.client.logs(second, { stream: "stdout" });
  assertEquals(decoder.decode(kept.bytes), "one\ntwo\nthree\n");
  const gone = await assertRejects(
    () => daemon.client.logs("one", { stream: "stdout" }),
    AppError,
  );
  assertEquals(gone.code, "NOT_FOUND");
});

Deno.test("a log is followed until its process is deleted", async () => {
  await using daemon = await TestDaemon.start();
  const write = await startWriter(daemon, "one");
  const followers = [
    await Follower.start(daemon, "one", 0),
    await Follower.start(daemon, "one", 4),
    await Follower.start(daemon, "one", 14),
  ];
  const [first, second, third] = followers as [Follower, Follower, Follower];
  await write("four\n");
  await eventually(
    "all are told",
    () => followers.every(({ text }) => text.endsWith("four\n")),
  );
  assertEquals(first.text, "one\ntwo\nthree\nfour\n");
  assertEquals(second.text, "two\nthree\nfour\n");
  assertEquals(third.text, "four\n");
  assertEquals(third.parts[0]?.start, 14);
  await second.leave();
  await write("five\n");
  await eventually("the rest is told", () => third.text === "four\nfive\n");
  assertEquals(second.text, "two\nthree\nfour\n");
  await daemon.client.stop("one", 1);
  await daemon.client.delete("one");
  await Promise.all([first.ended, third.ended]);
});

Deno.test("followers do not keep a daemon from leaving", async () => {
  await using daemon = await TestDaemon.start();
  await startWriter(daemon, "one");
  const leave = async () => {
    const begunMs = performance.now();
    assertEquals((await daemon.leave()).code, 0);
    return performance.now() - begunMs;
  };
  const aloneMs = await leave();
  await daemon.run();
  const follower = await Follower.start(daemon, "one", 14);
  const followedMs = await leave();
  // A daemon that waits for a request does so for 2 s.
  assert(followedMs < aloneMs + 1_500, `${followedMs}, alone ${aloneMs} ms`);
  await follower.ended;
  await daemon.run();
});

Deno.test("a log that its process cuts short is told of, and gone on with", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: "/bin/sh",
    Argv: [
      "-c",
      'echo first; while [ ! -f "$1" ]; do sleep 0.02; done; ' +
      ": >/proc/self/fd/1; echo then; exec sleep 1000",
      "sh",
      `${daemon.workDir}/cut`,
    ],
  });
  await daemon.waitForState(id, "running");
  const before = await Follower.start(daemon, id, 0);
  await eventually("the first line is told", () => before.text === "first\n");
  await Deno.writeTextFile(`${daemon.workDir}/cut`, "");
  await eventually(
    "the daemon saw it",
    () => daemon.log.includes("cut its own log short"),
  );
  await eventually("what comes is told", () => before.text.includes("then\n"));
  const { start, bytes } = await daemon.client.logs(id, { stream: "stdout" });
  assertEquals([start, decoder.decode(bytes)], [6, "then\n"]);
  await before.leave();
});
