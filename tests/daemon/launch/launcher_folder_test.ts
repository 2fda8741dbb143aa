import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeFolder } from "../../../daemon/launch/encode_request.ts";
import type { FolderLink, UserIds } from "../../../daemon/ports.ts";
import {
  IS_ROOT,
  type LaunchBench,
  NOBODY,
  SELF,
  testShells,
} from "./launch_bench.ts";

// Folders of processes, and the links in them: whose they are, what is left.

const NEEDS_ROOT = IS_ROOT ? null : "needs root, to be somebody else";
const OWN = `${SELF.uid} ${SELF.gid}`;

function rootOf(bench: LaunchBench): string {
  return `${bench.dir}/root`;
}

/** A folder that is allowed, and logs in another. */
async function makeRoot(bench: LaunchBench): Promise<string> {
  await Deno.mkdir(rootOf(bench));
  await Deno.chmod(rootOf(bench), 0o755);
  await Deno.mkdir(`${bench.dir}/log`);
  for (const name of ["p.stdout", "p.stderr", "q.stdout"]) {
    await Deno.writeTextFile(`${bench.dir}/log/${name}`, name);
  }
  return rootOf(bench);
}

function linksOf(bench: LaunchBench, id = "p"): FolderLink[] {
  return ["stdout", "stderr"].map((name) => ({
    name,
    to: `${bench.dir}/log/${id}.${name}`,
  }));
}

async function ask(
  bench: LaunchBench,
  verb: "folder" | "unlink",
  path: string,
  links: readonly FolderLink[] = [],
  owner: UserIds = SELF,
): Promise<string[]> {
  const folders = path.split("/");
  const name = folders.pop() ?? "";
  const place = { root: rootOf(bench), folders, name };
  return await bench.ask(verb, encodeFolder(place, owner, links));
}

/** Whatever is below the root: kind, mode, owner, path, where a link leads. */
async function list(bench: LaunchBench): Promise<string[]> {
  const { stdout } = await new Deno.Command("/usr/bin/find", {
    args: [rootOf(bench), "-mindepth", "1", "-printf", "%y %m %U %G %P %l\n"],
  }).output();
  const text = new TextDecoder().decode(stdout);
  return text.split("\n").slice(0, -1).map((line) => line.trim()).sort();
}

testShells("makes a folder and leaves one that is there", async (bench) => {
  const root = await makeRoot(bench);
  assertEquals(await ask(bench, "folder", "a/$(touch x)/-rf"), []);
  const made = [
    `d 755 ${OWN} a`,
    `d 755 ${OWN} a/$(touch x)`,
    `d 755 ${OWN} a/$(touch x)/-rf`,
  ];
  assertEquals(await list(bench), made);
  await Deno.chmod(`${root}/a`, 0o700);
  assertEquals(await ask(bench, "folder", "a"), []);
  assertEquals((await list(bench))[0], `d 700 ${OWN} a`);
});

testShells("makes links to logs and takes them away", async (bench) => {
  await makeRoot(bench);
  const links = linksOf(bench);
  assertEquals(await ask(bench, "folder", "a/log", links), []);
  const made = [
    `d 755 ${OWN} a`,
    `d 755 ${OWN} a/log`,
    ...links.map(({ name, to }) => `l 777 ${OWN} a/log/${name} ${to}`),
  ].sort();
  assertEquals(await list(bench), made);
  // A start that is repeated.
  assertEquals(await ask(bench, "folder", "a/log", links), []);
  assertEquals(await list(bench), made);
  assertEquals(await ask(bench, "unlink", "a/log", links), []);
  assertEquals(await list(bench), made.filter((line) => line.startsWith("d")));
  assertEquals(await ask(bench, "unlink", "a/log", links), []);
  assertEquals(await ask(bench, "unlink", "no/such", links), []);
  assertEquals((await list(bench)).length, 2);
});

testShells("replaces the links of an earlier process", async (bench) => {
  const root = await makeRoot(bench);
  const links = linksOf(bench);
  for (const earlier of ["gone", "q"]) {
    const others = linksOf(bench, earlier);
    assertEquals(await ask(bench, "folder", "log", others), []);
    assertEquals(await ask(bench, "folder", "log", links), []);
    // Whoever is deleted then takes its own away.
    assertEquals(await ask(bench, "unlink", "log", others), []);
    for (const { name, to } of links) {
      assertEquals(await Deno.readLink(`${root}/log/${name}`), to);
    }
  }
});

testShells("leaves what is not its own where links go", async (bench) => {
  const root = await makeRoot(bench);
  const links = linksOf(bench);
  const stdout = `${root}/log/stdout`;
  const put = [
    () => Deno.writeTextFile(stdout, "theirs"),
    () => Deno.mkdir(stdout),
    () => Deno.symlink(`${bench.dir}/nowhere`, stdout),
    () => Deno.symlink("p.stdout", stdout),
  ];
  for (const each of put) {
    await Deno.mkdir(`${root}/log`);
    await each();
    const before = await list(bench);
    assertEquals(await ask(bench, "folder", "log", links), [
      `error ${stdout} is there and is no link to a log of a process`,
    ]);
    assertEquals(await ask(bench, "unlink", "log", links), []);
    assertEquals(await list(bench), before);
    await Deno.remove(`${root}/log`, { recursive: true });
  }
});

testShells("makes no folder through a link or a file", async (bench) => {
  const root = await makeRoot(bench);
  await Deno.symlink(bench.dir, `${root}/out`);
  await Deno.writeTextFile(`${root}/plain`, "");
  const before = await list(bench);
  for (const path of ["out/a", "out", "plain/a", "plain"]) {
    const [answer = ""] = await ask(bench, "folder", path);
    assertStringIncludes(answer, `error ${root}/${path.split("/")[0]} is a `);
  }
  for (const path of ["a/../b", "..", "a//b"]) {
    const [answer = ""] = await ask(bench, "folder", path);
    assertStringIncludes(answer, "where a name must stand");
  }
  assertEquals(
    (await list(bench)).filter((line) => !line.endsWith(" a")),
    before,
  );
});

testShells("makes no folder where a request is about a file", async (bench) => {
  const root = await makeRoot(bench);
  const head = [`user ${OWN}`, `root ${root}`];
  for (
    const [verb, lines, answer] of [
      ["write", ["end"], "names no file"],
      ["remove", ["end"], "names no file"],
      ["write", ["link x", "to /y"], "names a link"],
      ["folder", ["file x"], "names a file"],
      ["unlink", ["file x"], "names a file"],
      ["folder", ["link x"], '"to"'],
      ["folder", ["link ..", "to /y"], "where a name must stand"],
      ["folder", ["folder a"], "was cut"],
    ] as const
  ) {
    const text = (await bench.askBare(verb, [...head, ...lines])).join("\n");
    assertStringIncludes(text, answer, `${verb} ${lines.join("; ")}`);
  }
});

testShells("gives folders and links to their owner", async (bench) => {
  await makeRoot(bench);
  const links = linksOf(bench);
  assertEquals(await ask(bench, "folder", "a/b", links, NOBODY), []);
  const own = "65534 65534";
  const folders = [`d 755 ${own} a`, `d 755 ${own} a/b`];
  assertEquals(
    await list(bench),
    [
      ...folders,
      ...links.map(({ name, to }) => `l 777 ${own} a/b/${name} ${to}`),
    ].sort(),
  );
  assertEquals(await ask(bench, "unlink", "a/b", links, NOBODY), []);
  assertEquals(await list(bench), folders);
}, NEEDS_ROOT);

testShells("makes nothing where the owner may not", async (bench) => {
  const root = await makeRoot(bench);
  await Deno.mkdir(`${root}/theirs`);
  await Deno.chown(`${root}/theirs`, NOBODY.uid, NOBODY.gid);
  await Deno.mkdir(`${root}/theirs/ours`);
  const before = await list(bench);
  for (
    const [path, links] of [
      ["theirs/ours/a", []],
      ["theirs/ours", linksOf(bench)],
    ] as const
  ) {
    const [answer = ""] = await ask(bench, "folder", path, links, NOBODY);
    assertStringIncludes(answer, "error cannot make the ");
  }
  assertEquals(await list(bench), before);
}, NEEDS_ROOT);
