import { assertEquals, assertRejects } from "@std/assert";
import type { HeldPackage } from "../../../daemon/package/package_source.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Uri } from "../../../shared/manager_api/types.ts";
import { type Asked, FakeRegistry, serveFile } from "./fake_registry.ts";
import {
  md5Of,
  never,
  PackageWorld,
  sha256Of,
  toUri,
} from "./package_world.ts";

const NEW = { PullPolicy: "Always" } as const;
const ALICE = { User: "alice", Pwd: "a" };

/** Serves what `content` says at the moment; knows no checksums. */
function serving(content: () => string, withEtag = true) {
  return (asked: Asked) => {
    if (asked.path.startsWith("/api/storage/")) return { status: 404 };
    const bytes = new TextEncoder().encode(content());
    const etag = `"${md5Of(bytes)}"`;
    return serveFile(asked, bytes, withEtag ? { etag } : {});
  };
}

/** Serves a file, and its checksums as Artifactory does. */
function artifactory(content: () => string, checksums: () => unknown) {
  return (asked: Asked) =>
    asked.path.startsWith("/api/storage/")
      ? { body: JSON.stringify({ uri: "x", Checksums: checksums() }) }
      : { body: content() };
}

Deno.test("hold() asks for nothing that is here already", async () => {
  await using registry = new FakeRegistry(serving(() => "one"));
  await using world = await PackageWorld.create();
  const first = await world.fetch(`${registry.origin}/p`, ALICE);
  assertEquals(await Deno.readTextFile(first.path), "one");
  assertEquals([first.verifiedBy, first.bytes], ["length", 3]);
  world.restart();
  const told: unknown[] = [];
  const second = await world.cache.hold(
    toUri(`${registry.origin}/p#part`, ALICE),
    never,
    (...progress) => told.push(progress),
  );
  second.release();
  assertEquals([second.sha256, second.verifiedBy, told], [
    first.sha256,
    "length",
    [[3, 3]],
  ]);
  const pair = btoa("alice:a");
  assertEquals(registry.requests("authorization"), [
    `/api/storage/p Basic ${pair}`,
    `/p Basic ${pair}`,
  ]);
});

Deno.test("hold() gives nobody what a registry gave to another", async () => {
  let isAllowed = true;
  await using registry = new FakeRegistry((asked) =>
    isAllowed ? serving(() => "one")(asked) : { status: 401 }
  );
  await using world = await PackageWorld.create();
  await world.fetch(`${registry.origin}/p`, ALICE);
  isAllowed = false;
  const others = [{}, { User: "bob", Pwd: "a" }, { User: "alice", Pwd: "b" }];
  for (const other of others) {
    const count = registry.asked.length;
    assertEquals(
      await world.failureOf(`${registry.origin}/p`, other),
      `cannot fetch ${registry.origin}/p: ${registry.origin.slice(7)} ` +
        "answered with status 401",
    );
    assertEquals(registry.asked.length, count + 2);
  }
  await world.fetch(`${registry.origin}/p`, ALICE);
  // Whoever knows the checksum knows the content.
  const held = await world.fetch(`${registry.origin}/p`, {
    Sha256: sha256Of("one").toUpperCase(),
  });
  assertEquals(held.verifiedBy, "sha256");
});

Deno.test("hold() finds a given SHA-256 behind any address", async () => {
  await using registry = new FakeRegistry(serving(() => "one"));
  await using world = await PackageWorld.create();
  await world.fetch(`${registry.origin}/p`);
  const held = await world.fetch("http://127.0.0.1:2/q", {
    Sha256: sha256Of("one"),
    Md5: md5Of("one"),
  });
  assertEquals([held.bytes, held.verifiedBy], [3, "sha256"]);
  assertEquals(registry.asked.length, 2);
});

Deno.test("hold() uses what is here only if it is what is given", async () => {
  let content = "one";
  await using registry = new FakeRegistry(serving(() => content));
  await using world = await PackageWorld.create();
  await world.fetch(`${registry.origin}/p`);
  const same = await world.fetch(`${registry.origin}/p`, { Md5: md5Of("one") });
  assertEquals([same.verifiedBy, registry.asked.length], ["md5", 2]);
  content = "two";
  const held = await world.fetch(`${registry.origin}/p`, {
    Md5: md5Of("two").toUpperCase(),
  });
  assertEquals([held.sha256, held.verifiedBy], [sha256Of("two"), "md5"]);
  assertEquals(registry.asked.length, 3);
});

Deno.test("hold() asks each time if it is to, and fetches what is new", async () => {
  let content = "one";
  await using registry = new FakeRegistry(serving(() => content));
  await using world = await PackageWorld.create();
  const proofs: string[] = [];
  for (content of ["one", "one", "two", "two"]) {
    const held = await world.fetch(`${registry.origin}/p`, NEW);
    assertEquals(held.sha256, sha256Of(content));
    proofs.push(held.verifiedBy);
  }
  assertEquals(proofs, ["length", "etag", "length", "etag"]);
  const [one, two] = ["one", "two"].map((text) => `"${md5Of(text)}"`);
  assertEquals(
    registry.requests("if-none-match").filter((each) => each.startsWith("/p")),
    ["/p -", `/p ${one}`, `/p ${one}`, `/p ${two}`],
  );
});

Deno.test("hold() asks by date where there is no ETag", async () => {
  const date = "Mon, 02 Nov 2026 10:00:00 GMT";
  await using registry = new FakeRegistry((asked) =>
    asked.path === "/p"
      ? serveFile(asked, new Uint8Array(3), { "last-modified": date })
      : { status: 404 }
  );
  await using world = await PackageWorld.create();
  await world.fetch(`${registry.origin}/p`, NEW);
  const held = await world.fetch(`${registry.origin}/p`, NEW);
  assertEquals(held.verifiedBy, "length");
  assertEquals(registry.requests("if-modified-since").at(-1), `/p ${date}`);
});

Deno.test("hold() asks each time for what is given, too", async () => {
  await using registry = new FakeRegistry(serving(() => "one"));
  await using world = await PackageWorld.create();
  const part = { ...NEW, Sha256: sha256Of("one") };
  await world.fetch(`${registry.origin}/p`, part);
  const held = await world.fetch(`${registry.origin}/p`, part);
  assertEquals(held.verifiedBy, "sha256");
  assertEquals(registry.requests("if-none-match"), [
    "/p -",
    `/p "${md5Of("one")}"`,
  ]);
});

for (
  const [name, checksums] of Object.entries({
    sha256: { SHA256: sha256Of("one").toUpperCase(), md5: "ignored" },
    md5: { Sha1: "x", MD5: md5Of("one"), sha256: null },
  })
) {
  Deno.test(`hold() believes a registry's ${name}`, async () => {
    await using registry = new FakeRegistry(
      artifactory(() => "one", () => checksums),
    );
    await using world = await PackageWorld.create();
    const held = await world.fetch(`${registry.origin}/a%20b/p?x=1`, ALICE);
    assertEquals([held.sha256, held.verifiedBy], [
      sha256Of("one"),
      "registry",
    ]);
    const pair = `Basic ${btoa("alice:a")}`;
    assertEquals(registry.requests("authorization"), [
      `/api/storage/a%20b/p ${pair}`,
      `/a%20b/p?x=1 ${pair}`,
    ]);
    // Its checksum says that nothing has changed.
    const again = await world.fetch(`${registry.origin}/a%20b/p?x=1`, {
      ...ALICE,
      ...NEW,
    });
    assertEquals([again.verifiedBy, registry.asked.length], ["registry", 3]);
  });
}

Deno.test("hold() needs no download of what another was given", async () => {
  await using registry = new FakeRegistry(
    artifactory(() => "one", () => ({ sha256: sha256Of("one") })),
  );
  await using world = await PackageWorld.create();
  await world.fetch(`${registry.origin}/p`, ALICE);
  const held = await world.fetch(`${registry.origin}/p`);
  assertEquals([held.verifiedBy, held.bytes], ["registry", 3]);
  await world.fetch(`${registry.origin}/p`);
  assertEquals(registry.requests(), [
    "/api/storage/p",
    "/p",
    "/api/storage/p",
  ]);
});

Deno.test("hold() asks an Artifactory in its usual folder", async () => {
  await using registry = new FakeRegistry(({ path }) =>
    path === "/artifactory/api/storage/repo/p"
      ? { body: JSON.stringify({ checksums: { md5: md5Of("one") } }) }
      : { body: "one" }
  );
  await using world = await PackageWorld.create();
  const held = await world.fetch(`${registry.origin}/artifactory/repo/p`);
  assertEquals(held.verifiedBy, "registry");
});

const NO_CHECKSUMS = {
  "no JSON": { body: "<html>" },
  "a list": { body: "[1]" },
  "no checksums": { body: '{"checksums":"none"}' },
  "a bad checksum": { body: '{"checksums":{"md5":7,"sha256":"../x"}}' },
  "status 404": { status: 404 },
  "status 401": { status: 401 },
  "too much": { body: " ".repeat(1024 * 1024 + 1) },
  "no way out": { status: 302, headers: { location: "file:///etc" } },
};
for (const [name, said] of Object.entries(NO_CHECKSUMS)) {
  Deno.test(`hold() does without checksums where there is ${name}`, async () => {
    await using registry = new FakeRegistry(({ path }) =>
      path.startsWith("/p?") ? { body: "one" } : said
    );
    await using world = await PackageWorld.create();
    const held = await world.fetch(`${registry.origin}/p?token=hunter2`);
    assertEquals(held.verifiedBy, "length");
    const isLogged = ["status 401", "too much", "no way out"].includes(name);
    assertEquals(world.logged.length, isLogged ? 1 : 0, name);
    assertEquals(world.logged.join().includes("hunter2"), false);
  });
}

Deno.test("hold() asks for checksums again where that may help", async () => {
  await using registry = new FakeRegistry((asked, number) =>
    number === 1
      ? { status: 503 }
      : artifactory(() => "one", () => ({ md5: md5Of("one") }))(asked)
  );
  await using world = await PackageWorld.create();
  const held = await world.fetch(`${registry.origin}/p`);
  assertEquals([held.verifiedBy, registry.asked.length], ["registry", 3]);
});

for (
  const [name, part, sums] of [
    ["sha256", { Sha256: sha256Of("one") }, {}],
    ["md5", { Md5: md5Of("one") }, {}],
    ["sha256", {}, { sha256: sha256Of("one") }],
    ["md5", {}, { md5: md5Of("one") }],
  ] as [string, Partial<Uri>, unknown][]
) {
  const isGiven = Object.keys(part).length > 0;
  const source = isGiven ? "the process's definition" : "its registry";
  Deno.test(`hold() refuses a package whose ${name} is not that of ${source}`, async () => {
    await using registry = new FakeRegistry(
      artifactory(() => "two", () => sums),
    );
    await using world = await PackageWorld.create();
    const sumOf = name === "md5" ? md5Of : sha256Of;
    assertEquals(
      await world.failureOf(`${registry.origin}/p`, part),
      `cannot fetch ${registry.origin}/p: its ${name} is ${sumOf("two")}, ` +
        `but ${source} says ${sumOf("one")}`,
    );
    // Downloaded twice, and kept neither time.
    assertEquals(registry.asked.length, isGiven ? 2 : 4);
    assertEquals(await world.files("content"), []);
    assertEquals(await world.files("addresses"), []);
    assertEquals(await world.files("parts"), []);
  });
}

Deno.test("hold() takes the right package the second time", async () => {
  let content = "two";
  await using registry = new FakeRegistry(() => {
    const body = content;
    content = "one";
    return { body };
  });
  await using world = await PackageWorld.create();
  const held = await world.fetch(registry.origin, { Sha256: sha256Of("one") });
  assertEquals(await Deno.readTextFile(held.path), "one");
  assertEquals(world.logged.length, 1);
});

for (
  const [name, damage] of Object.entries({
    changed: (path: string) => Deno.writeTextFileSync(path, "onE"),
    cut: (path: string) => Deno.truncateSync(path, 1),
    gone: (path: string) => Deno.removeSync(path),
    unreadable: (path: string) => {
      Deno.removeSync(path);
      Deno.mkdirSync(path);
    },
  })
) {
  Deno.test(`hold() fetches again what is ${name} in the cache`, async () => {
    await using registry = new FakeRegistry(serving(() => "one"));
    await using world = await PackageWorld.create();
    for (const part of [{}, NEW, { Sha256: sha256Of("one") }]) {
      const { path } = await world.fetch(`${registry.origin}/p`, part);
      damage(path);
      const before = registry.asked.length;
      const held = await world.fetch(`${registry.origin}/p`, part);
      assertEquals(await Deno.readTextFile(held.path), "one");
      assertEquals(registry.asked.length > before, true);
    }
  });
}

Deno.test("hold() puts the right package in place of a damaged one that is held", async () => {
  await using registry = new FakeRegistry(serving(() => "one"));
  await using world = await PackageWorld.create();
  const uri = toUri(`${registry.origin}/p`);
  const first = await world.cache.hold(uri, never, () => {});
  await Deno.writeTextFile(first.path, "two");
  const second = await world.cache.hold(uri, never, () => {});
  assertEquals(await Deno.readTextFile(first.path), "one");
  first.release();
  second.release();
});

for (const text of ["", "{", "[]", '{"sha256":"../../x"}', "{}"]) {
  Deno.test(`hold() does without an address file that is ${text}`, async () => {
    await using registry = new FakeRegistry(serving(() => "one"));
    await using world = await PackageWorld.create();
    await world.fetch(`${registry.origin}/p`);
    const [name] = await world.files("addresses");
    await Deno.writeTextFile(`${world.folder}/addresses/${name}`, text);
    const held = await world.fetch(`${registry.origin}/p`);
    assertEquals([held.bytes, registry.asked.length], [3, 4]);
    assertEquals(await world.files("addresses"), [name]);
  });
}

Deno.test("sweep() removes what an earlier daemon left unfinished", async () => {
  await using registry = new FakeRegistry(serving(() => "one"));
  await using world = await PackageWorld.create();
  await world.fetch(`${registry.origin}/p`);
  const before = [await world.files("content"), await world.files("addresses")];
  await Deno.writeTextFile(`${world.folder}/parts/1`, "half");
  await Deno.writeTextFile(`${world.folder}/addresses/x`, "half");
  world.restart();
  await world.cache.sweep();
  assertEquals(await world.files("parts"), []);
  assertEquals(
    [await world.files("content"), await world.files("addresses")],
    before,
  );
});

Deno.test("sweep() says that it cannot", async () => {
  await using world = await PackageWorld.create();
  await Deno.writeTextFile(world.folder, "");
  await world.cache.sweep();
  assertEquals(world.logged.length, 1);
  assertEquals(world.logged[0]?.includes("Not a directory"), true);
});

Deno.test("hold() keeps what is held, and evicts the longest unused", async () => {
  await using registry = new FakeRegistry(({ path }) =>
    path.startsWith("/api") ? { status: 404 } : { body: path.repeat(10) }
  );
  await using world = await PackageWorld.create({ cacheBytes: 40 });
  const hold = (name: string) =>
    world.cache.hold(toUri(`${registry.origin}/${name}`), never, () => {});
  const held: HeldPackage[] = [];
  for (const name of ["a", "b", "c"]) {
    held.push(await hold(name));
    world.clock.advance(1_000);
  }
  const all = held.map(({ sha256 }) => sha256);
  assertEquals(await world.files("content"), all.toSorted());
  held[1]?.release();
  held[1]?.release();
  assertEquals(await world.files("content"), [all[0], all[2]].toSorted());
  assertEquals((await world.files("addresses")).length, 2);
  held[2]?.release();
  held[0]?.release();
  assertEquals((await world.files("content")).length, 2);
  // Used again, it is not the longest unused any more.
  world.clock.advance(1_000);
  (await hold("a")).release();
  (await hold("d")).release();
  const names = await world.files("content");
  assertEquals(names.includes(all[0] ?? ""), true);
  assertEquals(names.includes(all[2] ?? ""), false);
});

Deno.test("sweep() removes what nobody has used for long", async () => {
  await using registry = new FakeRegistry(serving(() => "one"));
  await using world = await PackageWorld.create({ cacheMs: 60_000 });
  await world.fetch(`${registry.origin}/p`);
  world.clock.advance(60_000);
  await world.cache.sweep();
  assertEquals((await world.files("content")).length, 1);
  await world.fetch(`${registry.origin}/p`);
  world.clock.advance(60_000);
  await world.cache.sweep();
  assertEquals((await world.files("addresses")).length, 1);
  world.clock.advance(1);
  await world.cache.sweep();
  assertEquals(await world.files("content"), []);
  assertEquals(await world.files("addresses"), []);
});

/** A registry whose package does not come before it is let go. */
function slowRegistry() {
  const gate = Promise.withResolvers<void>();
  const registry = new FakeRegistry(async ({ path }) => {
    if (path.startsWith("/api")) return { status: 404 };
    await gate.promise;
    return { body: "one" };
  });
  return { registry, open: () => gate.resolve() };
}

Deno.test("hold() downloads once for all who ask meanwhile", async () => {
  const { registry, open } = slowRegistry();
  await using _ = registry;
  await using world = await PackageWorld.create();
  const leaver = new AbortController();
  const uri = toUri(`${registry.origin}/p`);
  const gone = world.cache.hold(uri, leaver.signal, () => {});
  const others = [uri, uri, { ...uri, Sha256: sha256Of("one") }].map((each) =>
    world.cache.hold(each, never, () => {})
  );
  await registry.requested(2);
  leaver.abort();
  await assertRejects(() => gone, AppError, "it is not wanted any more");
  open();
  for (const held of await Promise.all(others)) {
    assertEquals(await Deno.readTextFile(held.path), "one");
    held.release();
  }
  assertEquals(registry.requests(), ["/api/storage/p", "/p"]);
});

Deno.test("hold() ends a download when the last has gone, not before", async () => {
  const { registry, open } = slowRegistry();
  await using _ = registry;
  await using world = await PackageWorld.create();
  const uri = toUri(`${registry.origin}/p`);
  const leavers = [new AbortController(), new AbortController()];
  const gone = leavers.map(({ signal }) =>
    assertRejects(
      () => world.cache.hold(uri, signal, () => {}),
      AppError,
      "it is not wanted any more",
    )
  );
  await registry.requested(2);
  for (const leaver of leavers) leaver.abort();
  await Promise.all(gone);
  assertEquals(await world.files("parts"), []);
  // Whoever asks now has a download of their own.
  open();
  await world.fetch(`${registry.origin}/p`);
  assertEquals(registry.asked.length, 4);
  const aborted = AbortSignal.abort();
  await assertRejects(() => world.cache.hold(uri, aborted, () => {}), AppError);
});
