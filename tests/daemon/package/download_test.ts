import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Uri } from "../../../shared/manager_api/types.ts";
import { AppError } from "../../../shared/errors.ts";
import { download } from "../../../daemon/package/download.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { fullDisk } from "../../support/full_disk.ts";
import { tempDir } from "../../support/temp_dir.ts";
import {
  type Asked,
  FakeRegistry,
  type Said,
  serveFile,
  someBytes,
} from "./fake_registry.ts";
import {
  md5Of,
  never,
  PackageWorld,
  sha256Of,
  toUri,
} from "./package_world.ts";

const IS_ROOT = Deno.uid() === 0;
const BYTES = someBytes(3_000_001);
const SHA256 = sha256Of(BYTES);

/** A package is fetched, given its checksum so that nothing else is asked. */
async function fetchWith(
  say: (asked: Asked, number: number) => Said | Promise<Said>,
  part: Partial<Uri> = { Sha256: SHA256 },
) {
  await using registry = new FakeRegistry(say);
  await using world = await PackageWorld.create();
  const held = await world.fetch(`${registry.origin}/p.tar.gz`, part);
  return {
    held,
    sleptMs: world.clock.sleptMs,
    requests: registry.requests("range", "if-range"),
    logged: world.logged,
  };
}

/** A package cannot be fetched: why, after which requests. */
async function failWith(
  say: (asked: Asked, number: number) => Said | Promise<Said>,
  part: Partial<Uri> = { Sha256: SHA256 },
) {
  await using registry = new FakeRegistry(say);
  await using world = await PackageWorld.create({ packageBytes: 4_000_000 });
  const message = await world.failureOf(
    `${registry.origin}/p.tar.gz?token=hunter2`,
    part,
  );
  assertEquals(message.includes("hunter2"), false, message);
  assertEquals(await world.files("parts"), []);
  return {
    reason: message.replace(
      `cannot fetch ${registry.origin}/p.tar.gz: `,
      "",
    ).replaceAll(registry.origin.slice(7), "HOST"),
    sleptMs: world.clock.sleptMs,
    count: registry.asked.length,
  };
}

Deno.test("hold() stores a package as it is at the registry", async () => {
  const zipped = new Blob([BYTES]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const bytes = await new Response(zipped).bytes();
  await using registry = new FakeRegistry(() => ({
    headers: { "content-encoding": "gzip" },
    body: bytes,
  }));
  await using world = await PackageWorld.create();
  const held = await world.fetch(registry.origin, { Sha256: sha256Of(bytes) });
  assertEquals(await Deno.readFile(held.path), bytes);
  assertEquals([held.bytes, held.verifiedBy], [bytes.length, "sha256"]);
  assertEquals(registry.requests("accept-encoding"), ["/ identity"]);
  const modes = [world.folder, `${world.folder}/content`, held.path]
    .map((path) => (Deno.statSync(path).mode ?? 0) & 0o777);
  assertEquals(modes, [0o700, 0o700, 0o600]);
});

Deno.test("hold() takes a package of no bytes", async () => {
  for (const length of ["0", ""]) {
    const { held } = await fetchWith(
      () => ({ headers: { "content-length": length } }),
      { Sha256: sha256Of("") },
    );
    assertEquals([held.bytes, held.sha256], [0, sha256Of("")]);
  }
});

Deno.test("hold() tells how far it is", async () => {
  await using registry = new FakeRegistry(() => ({ body: BYTES }));
  await using world = await PackageWorld.create();
  const told: number[] = [];
  const held = await world.cache.hold(
    toUri(registry.origin, { Sha256: SHA256 }),
    never,
    (bytes, total) => {
      assertEquals(total, BYTES.length);
      told.push(bytes);
    },
  );
  held.release();
  assertEquals([told[0], told.at(-1)], [0, BYTES.length]);
  assertEquals(told, told.toSorted((a, b) => a - b));
  assertEquals(told.length > 3, true);
});

for (
  const [name, validators, ifRange, verifiedBy] of [
    ["a strong ETag", { etag: '"one"' }, '"one"', "etag"],
    [
      "an old date",
      {
        "last-modified": "Mon, 02 Nov 2026 10:00:00 GMT",
        date: "Mon, 02 Nov 2026 10:00:01 GMT",
      },
      "Mon, 02 Nov 2026 10:00:00 GMT",
      "length",
    ],
  ] as const
) {
  Deno.test(`hold() takes a download up again by ${name}`, async () => {
    const { held, requests, sleptMs } = await fetchWith((asked, number) => {
      if (asked.path.startsWith("/api")) return { status: 404 };
      const said = serveFile(asked, BYTES, validators);
      return number < 4 ? { ...said, cutAt: 1_000_000 } : said;
    }, {});
    assertEquals([held.sha256, held.verifiedBy], [SHA256, verifiedBy]);
    assertEquals(requests.slice(1), [
      "/p.tar.gz - -",
      `/p.tar.gz bytes=1000000- ${ifRange}`,
      `/p.tar.gz bytes=2000000- ${ifRange}`,
    ]);
    // Each try got further: none is the second in a row.
    assertEquals(sleptMs, [500, 500]);
  });
}

for (
  const [name, validators] of [
    ["a weak ETag", {
      etag: 'W/"one"',
      "last-modified": "Mon, 02 Nov 2026 10:00:00 GMT",
      date: "Mon, 02 Nov 2026 10:00:01 GMT",
    }],
    ["a date of just now", {
      "last-modified": "Mon, 02 Nov 2026 10:00:00 GMT",
      date: "Mon, 02 Nov 2026 10:00:00 GMT",
    }],
    ["nothing", {}],
  ] as const
) {
  Deno.test(`hold() takes no download up again by ${name}`, async () => {
    const { held, requests } = await fetchWith((_, number) => ({
      headers: validators,
      body: BYTES,
      ...(number === 1 ? { cutAt: 1_000_000 } : {}),
    }));
    assertEquals(held.sha256, SHA256);
    assertEquals(requests, ["/p.tar.gz - -", "/p.tar.gz - -"]);
  });
}

Deno.test("hold() starts over with a package that has changed", async () => {
  const { held, requests } = await fetchWith((asked, number) =>
    number === 1
      ? { ...serveFile(asked, someBytes(2e6, 2), { etag: '"a"' }), cutAt: 1e6 }
      : serveFile(asked, BYTES, { etag: '"b"' })
  );
  assertEquals([held.sha256, held.bytes], [SHA256, BYTES.length]);
  assertEquals(requests, ["/p.tar.gz - -", '/p.tar.gz bytes=1000000- "a"']);
});

const WRONG_PARTS = {
  "from elsewhere": { "content-range": "bytes 0-2999999/3000001" },
  "of another size": { "content-range": "bytes 1000000-3000000/3000002" },
  "of another ETag": {
    "content-range": "bytes 1000000-3000000/3000001",
    etag: '"b"',
  },
  "of no range": {},
};
for (const [name, headers] of Object.entries(WRONG_PARTS)) {
  Deno.test(`hold() starts over after a part ${name}`, async () => {
    const { held, requests } = await fetchWith((asked, number) => {
      if (number === 2) {
        return { status: 206, headers, body: BYTES.subarray(1_000_000) };
      }
      const said = serveFile(asked, BYTES, { etag: '"a"' });
      return number === 1 ? { ...said, cutAt: 1_000_000 } : said;
    });
    assertEquals(held.sha256, SHA256);
    assertEquals(requests, [
      "/p.tar.gz - -",
      '/p.tar.gz bytes=1000000- "a"',
      "/p.tar.gz - -",
    ]);
  });
}

Deno.test("hold() starts over when there is no such range", async () => {
  const { held, requests } = await fetchWith((asked, number) => {
    if (number === 2) return { status: 416 };
    const said = serveFile(asked, BYTES, { etag: '"a"' });
    return number === 1 ? { ...said, cutAt: 1_000_000 } : said;
  });
  assertEquals([held.sha256, requests.length], [SHA256, 3]);
});

Deno.test("hold() ends what is too large, by what it says and what it is", async () => {
  const reason = "it has over 4000000 bytes, the most that package_mib allows";
  const said = await failWith(() => ({
    headers: { "content-length": "4000001" },
    cutAt: 0,
  }));
  assertEquals(said, { reason, sleptMs: [], count: 1 });
  const body = new Uint8Array(16_000_000);
  const sent = await failWith(() => ({
    headers: { "content-length": "" },
    body,
  }));
  assertEquals(sent, { reason, sleptMs: [], count: 1 });
});

Deno.test("hold() gives up a download that is cut again and again", async () => {
  const failure = await failWith((asked) => ({
    ...serveFile(asked, BYTES, {}),
    cutAt: 1_000_000,
  }));
  // The first try got further than nothing; 5 more did not.
  assertEquals(failure.count, 6);
  assertEquals(failure.sleptMs, [500, 1_000, 2_000, 4_000, 8_000]);
  assertEquals(failure.reason, "it broke off after 1000000 of 3000001 bytes");
});

Deno.test("hold() takes parts that are shorter than it asked for", async () => {
  const { held, requests } = await fetchWith((asked, number) => {
    const said = serveFile(asked, BYTES, { etag: '"a"' });
    if (number === 1) return { ...said, cutAt: 1_000_000 };
    const body = (said.body as Uint8Array).subarray(0, 500_000);
    return { ...said, body };
  });
  assertEquals([held.sha256, held.bytes], [SHA256, BYTES.length]);
  assertEquals(requests.length, 1 + 5);
});

Deno.test("hold() says so if nothing speaks for a package", async () => {
  for (
    const [length, verifiedBy] of [["3000001", "length"], ["", "nothing"]]
  ) {
    const { held } = await fetchWith(
      ({ path }) =>
        path === "/p.tar.gz"
          ? { headers: { "content-length": length ?? "" }, body: BYTES }
          : { status: 404 },
      {},
    );
    assertEquals([held.sha256, held.verifiedBy], [SHA256, verifiedBy]);
  }
});

for (const status of [429, 500, 503]) {
  Deno.test(`hold() tries again after status ${status}`, async () => {
    const { held, sleptMs } = await fetchWith((asked, number) =>
      number <= 2
        ? {
          status,
          headers: { "retry-after": number === 1 ? "7" : "86400" },
        }
        : serveFile(asked, BYTES, {})
    );
    assertEquals([held.sha256, sleptMs], [SHA256, [7_000, 120_000]]);
    assertEquals(await failWith(() => ({ status })), {
      reason: `HOST answered with status ${status}`,
      sleptMs: [500, 1_000, 2_000, 4_000, 8_000],
      count: 6,
    });
  });
}

Deno.test("hold() waits until the date a server names", async () => {
  const { sleptMs } = await fetchWith((asked, number) =>
    number === 1
      ? {
        status: 503,
        headers: {
          "retry-after": new Date(new FakeClock().nowMs() + 9_000)
            .toUTCString(),
        },
      }
      : serveFile(asked, BYTES, {})
  );
  assertEquals(sleptMs, [9_000]);
});

for (const status of [204, 206, 304, 400, 401, 403, 404, 416]) {
  Deno.test(`hold() does not try again after status ${status}`, async () => {
    assertEquals(
      await failWith(() => ({ status }), { Sha256: SHA256, Pwd: "hunter2" }),
      {
        reason: `HOST answered with status ${status}`,
        sleptMs: [],
        count: 1,
      },
    );
  });
}

Deno.test("hold() takes no password along to another origin", async () => {
  await using other = new FakeRegistry((asked) =>
    asked.path === "/away"
      ? { status: 302, headers: { location: `${registry.origin}/end` } }
      : { status: 307, headers: { location: "/back" } }
  );
  await using registry: FakeRegistry = new FakeRegistry((asked) => {
    if (asked.path !== "/p") return serveFile(asked, BYTES, {});
    return { status: 302, headers: { location: `${other.origin}/away` } };
  });
  await using world = await PackageWorld.create();
  const part = { User: "u", Pwd: "p", Sha256: SHA256 };
  await world.fetch(`${registry.origin}/p`, part);
  assertEquals(registry.requests("authorization"), [
    "/p Basic dTpw",
    "/end -",
  ]);
  assertEquals(other.requests("authorization"), ["/away -"]);
});

Deno.test("hold() tries again when nothing came for 30 s", async () => {
  const stalled = Promise.withResolvers<void>();
  await using registry = new FakeRegistry((asked, number) => ({
    ...serveFile(asked, BYTES, { etag: '"a"' }),
    ...(number === 1 ? { stallAt: 1_000_000, stalled: stalled.promise } : {}),
  }));
  await using world = await PackageWorld.create();
  const here = Promise.withResolvers<void>();
  const holding = world.cache.hold(
    toUri(registry.origin, { Sha256: SHA256 }),
    never,
    (bytes) => bytes === 1_000_000 && here.resolve(),
  );
  await here.promise;
  world.clock.advance(29_999);
  assertEquals(world.clock.pending, 2);
  world.clock.advance(1);
  (await holding).release();
  stalled.resolve();
  assertEquals(registry.requests("range"), ["/ -", "/ bytes=1000000-"]);
});

Deno.test("download() gives up a server that says nothing", async () => {
  const stalled = Promise.withResolvers<void>();
  await using registry = new FakeRegistry(() =>
    stalled.promise.then(() => ({}))
  );
  await using dir = await tempDir();
  const clock = new FakeClock();
  const failure = assertRejects(
    () =>
      downloadTo(
        `${dir.path}/part`,
        `${registry.origin}/p?token=hunter2`,
        clock,
      ),
    AppError,
    `cannot fetch ${registry.origin}/p: nothing came for 30 s`,
  );
  for (let request = 1; request <= 6; request++) {
    await registry.requested(request);
    clock.advance(30_000);
    // The next wait begins once the failure was seen.
    while (request < 6 && registry.asked.length === request) {
      clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  await failure;
  assertEquals(clock.pending, 0);
  stalled.resolve();
});

Deno.test("hold() ends a download that nobody wants any more", async () => {
  const stalled = Promise.withResolvers<void>();
  await using registry = new FakeRegistry(() => ({
    body: BYTES,
    stallAt: 1_000_000,
    stalled: stalled.promise,
  }));
  await using world = await PackageWorld.create();
  const aborter = new AbortController();
  await assertRejects(
    () =>
      world.cache.hold(
        toUri(`${registry.origin}/p?token=hunter2`, { Sha256: SHA256 }),
        aborter.signal,
        (bytes) => bytes > 0 && aborter.abort(),
      ),
    AppError,
    `cannot fetch ${registry.origin}/p: it is not wanted any more`,
  );
  assertEquals(await world.files("parts"), []);
  stalled.resolve();
  await registry.idle();
});

Deno.test("hold() fails clearly if the address cannot be fetched", async () => {
  await using world = await PackageWorld.create();
  const none = "cannot fetch a package: its ";
  assertEquals(
    [
      await world.failureOf("ftp://h/x?hunter2"),
      await world.failureOf("hunter2"),
      await world.failureOf("http://u:hunter2@h/x"),
      await world.failureOf("http://h/x", { User: "a:b" }),
      await world.failureOf("http://h/x", { Sha256: md5Of("") }),
      await world.failureOf("http://h/x", { Md5: "x" }),
    ],
    [
      `${none}address must be an http or https URL`,
      `${none}address must be an http or https URL`,
      `${none}address must not hold a user: give User and Pwd`,
      `${none}User must not hold a colon (RFC 7617)`,
      `${none}Sha256 must be 64 hexadecimal digits`,
      `${none}Md5 must be 32 hexadecimal digits`,
    ],
  );
});

Deno.test({
  name: "download() says which host the daemon may not reach",
  permissions: { net: ["127.0.0.1:1"], write: true },
  async fn() {
    const path = await Deno.makeTempFile();
    await assertRejects(
      () => downloadTo(path, "http://repo.test/x", new FakeClock()),
      AppError,
      "cannot fetch http://repo.test/x: the daemon may not reach " +
        "repo.test:80: add it to --allow-net in its command line",
    );
    await Deno.remove(path);
  },
});

Deno.test("hold() says that its folder is none, and does better once it is", async () => {
  await using registry = new FakeRegistry(() => ({ body: BYTES }));
  await using world = await PackageWorld.create();
  await Deno.writeTextFile(world.folder, "");
  const message = await world.failureOf(registry.origin, { Sha256: SHA256 });
  assertStringIncludes(
    message,
    `cannot fetch ${registry.origin}/: ${world.folder}: Not a directory`,
  );
  assertEquals(registry.asked.length, 0);
  await Deno.remove(world.folder);
  const held = await world.fetch(registry.origin, { Sha256: SHA256 });
  assertEquals(held.sha256, SHA256);
});

Deno.test({
  name: "hold() says that the disk is full" +
    (IS_ROOT ? "" : " (skipped: needs root, to mount a small one)"),
  ignore: !IS_ROOT,
  async fn() {
    await using registry = new FakeRegistry(() => ({ body: BYTES }));
    await using world = await PackageWorld.create();
    await Deno.mkdir(`${world.folder}/parts`, { recursive: true });
    await using _ = await fullDisk(`${world.folder}/parts`);
    const message = await world.failureOf(registry.origin, { Sha256: SHA256 });
    assertStringIncludes(message, `cannot fetch ${registry.origin}/: cannot`);
    assertStringIncludes(message, "No space left on device");
    assertEquals(registry.asked.length, 1);
    assertEquals(await world.files("parts"), []);
  },
});

async function downloadTo(path: string, address: string, clock: FakeClock) {
  return await download(
    {
      url: new URL(address),
      credentials: { user: "", password: "" },
      known: null,
      path,
      withMd5: false,
      bytesMax: 1,
    },
    { clock, random: () => 0 },
    never,
    () => {},
  );
}
