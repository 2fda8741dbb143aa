import type { UserIds } from "../../../daemon/ports.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fullDisk } from "../../support/full_disk.ts";
import { encodePlace } from "../../../daemon/launch/encode_request.ts";
import {
  exists,
  IS_ROOT,
  type LaunchBench,
  NOBODY,
  readIfThere,
  SELF,
  testShells,
} from "./launch_bench.ts";
import { eventually } from "../support/eventually.ts";

// Files of processes: what is written where, as whom, and what is refused.

const NEEDS_ROOT = IS_ROOT ? null : "needs root, to be somebody else";

interface Part {
  readonly path?: string;
  readonly owner?: UserIds;
  readonly mode?: string;
  readonly size?: string;
  readonly content?: string;
}

function place(bench: LaunchBench, path: string, owner = SELF): string[] {
  const folders = path.split("/");
  const name = folders.pop() ?? "";
  return encodePlace({ root: rootOf(bench), folders, name }, owner);
}

function rootOf(bench: LaunchBench): string {
  return `${bench.dir}/root`;
}

/** A folder of the daemon's own, as the workspace is. */
async function makeRoot(bench: LaunchBench): Promise<string> {
  const root = rootOf(bench);
  await Deno.mkdir(root);
  await Deno.chmod(root, 0o755);
  return root;
}

async function write(bench: LaunchBench, part: Part): Promise<string[]> {
  const { path = "file", owner, mode = "440", content = "secret" } = part;
  const bytes = new TextEncoder().encode(content);
  return await bench.askBare("write", [
    ...place(bench, path, owner),
    `mode ${mode}`,
    `size ${part.size ?? bytes.length}`,
    bytes.toBase64(),
  ]);
}

/** Whatever is below the root: kind, mode, owner, group, path. */
async function list(bench: LaunchBench): Promise<string[]> {
  const { stdout } = await new Deno.Command("/usr/bin/find", {
    args: [rootOf(bench), "-mindepth", "1", "-printf", "%y %m %U %G %P\n"],
  }).output();
  return new TextDecoder().decode(stdout).split("\n").slice(0, -1).sort();
}

async function mkfifo(path: string): Promise<void> {
  await new Deno.Command("/usr/bin/mkfifo", { args: [path] }).output();
}

const USER = `user ${SELF.uid} ${SELF.gid}`;
const OWN = `${Deno.uid()} ${Deno.gid()}`;

testShells("writes a file and the folders above it", async (bench) => {
  const root = await makeRoot(bench);
  assertEquals(await write(bench, { path: "a/$(touch x)/f" }), [
    "new",
    "written",
  ]);
  const mode = "660";
  assertEquals(await write(bench, { path: "a/-rf", mode, content: "" }), [
    "new",
    "written",
  ]);
  assertEquals(await list(bench), [
    `d 755 ${OWN} a`,
    `d 755 ${OWN} a/$(touch x)`,
    `f 440 ${OWN} a/$(touch x)/f`,
    `f 660 ${OWN} a/-rf`,
  ]);
  assertEquals(await readIfThere(`${root}/a/$(touch x)/f`), "secret");
});

testShells("replaces a file in one step", async (bench) => {
  const root = await makeRoot(bench);
  await Deno.writeTextFile(`${root}/file`, "old");
  using old = await Deno.open(`${root}/file`);
  const content = "line\n+line\nend\n".repeat(10_000);
  assertEquals(await write(bench, { content }), ["old", "written"]);
  assertEquals(await readIfThere(`${root}/file`), content);
  // Who has the old one open keeps it.
  assertEquals(await new Response(old.readable).text(), "old");
  assertEquals(await list(bench), [`f 440 ${OWN} file`]);
});

testShells("removes a file and nothing else", async (bench) => {
  const root = await makeRoot(bench);
  await write(bench, { path: "a/f" });
  await write(bench, { path: "a/g" });
  const remove = (path: string) => bench.ask("remove", place(bench, path));
  assertEquals(await remove("a/f"), []);
  assertEquals(await remove("a/f"), []);
  assertEquals(await remove("no/such/f"), []);
  assertEquals(await list(bench), [`d 755 ${OWN} a`, `f 440 ${OWN} a/g`]);
  assertStringIncludes((await remove("a")).join(), "is no regular file");
  await Deno.symlink("a/g", `${root}/link`);
  assertStringIncludes((await remove("link")).join(), "is no regular file");
});

testShells("goes through no link and over no other kind", async (bench) => {
  const root = await makeRoot(bench);
  const away = `${bench.dir}/away`;
  await Deno.mkdir(`${away}/sub`, { recursive: true });
  await Deno.symlink(away, `${root}/out`);
  await Deno.symlink(".", `${root}/self`);
  await Deno.symlink(`${away}/target`, `${root}/dangling`);
  await Deno.writeTextFile(`${root}/plain`, "");
  await mkfifo(`${root}/fifo`);
  const before = await list(bench);
  for (
    const path of [
      "out/file",
      "out/sub/file",
      "self/file",
      "dangling/file",
      "plain/file",
      "out",
      "self",
      "dangling",
      "fifo",
    ]
  ) {
    const [answer = ""] = await write(bench, { path });
    assertStringIncludes(answer, `error ${root}/${path.split("/")[0]} is`);
  }
  assertEquals(await list(bench), before);
  assertEquals([...Deno.readDirSync(away)].map(({ name }) => name), ["sub"]);
});

testShells("takes names that lead elsewhere for none", async (bench) => {
  const root = await makeRoot(bench);
  const end = ["mode 440", "size 0", ""];
  for (
    const lines of [
      ["folder ..", "owner", "file x"],
      ["folder .", "owner", "file x"],
      ["folder ", "owner", "file x"],
      ["folder a/b", "owner", "file x"],
      ["owner", "file .."],
      ["owner", "file ."],
      ["owner", "file "],
      ["owner", "file ../x"],
      ["owner", "file /x"],
    ]
  ) {
    assertEquals(
      await bench.askBare("write", [USER, `root ${root}`, ...lines, ...end]),
      ["error the request has a path where a name must stand"],
    );
  }
  assertEquals(await list(bench), []);
  assertEquals(await exists(`${bench.dir}/x`), false);
});

testShells("writes nothing for a broken request", async (bench) => {
  const root = await makeRoot(bench);
  const head = [USER, `root ${root}`, "owner", "file x"];
  const good = [...head, "mode 440", "size 6", "c2VjcmV0"];
  for (
    const [lines, answer] of [
      [good.slice(1), '"user"'],
      [good.toSpliced(1, 1), '"root"'],
      [good.toSpliced(1, 1, "root x"), "no folder to begin in"],
      [good.toSpliced(1, 1, `root ${root}/no`), "cannot be entered"],
      [good.toSpliced(3, 1), "names no file"],
      [head, '"mode"'],
      [[...head, "mode 777", "size 0", ""], "no mode"],
      [[...head, "mode 4755", "size 0", ""], "no mode"],
      [[...head, "mode 440", "size -1", ""], "no size"],
      [[...head, "mode 440", "size 7", "c2VjcmV0"], "cut"],
      [[...head, "mode 440", "size 6", ""], "cut"],
      [[...head, "mode 440", "size 6", "c2VjcmV0", "YQ=="], "cut"],
      [[...head, "mode 440", "size 6", "c2Vj$(x)"], "invalid input"],
    ] as const
  ) {
    const text = (await bench.askBare("write", lines)).join("\n");
    assertStringIncludes(text, answer, lines.join("; "));
  }
  assertEquals(await list(bench), []);
});

testShells("gives a file and new folders to their owner", async (bench) => {
  await makeRoot(bench);
  const owner = NOBODY;
  assertEquals(await write(bench, { path: "a/b/f", owner }), [
    "new",
    "written",
  ]);
  assertEquals(
    await write(bench, { path: "a/b/g", owner: NOBODY, mode: "660" }),
    ["new", "written"],
  );
  const own = "65534 65534";
  assertEquals(await list(bench), [
    `d 755 ${own} a`,
    `d 755 ${own} a/b`,
    `f 440 ${own} a/b/f`,
    `f 660 ${own} a/b/g`,
  ]);
  assertEquals(await bench.ask("remove", place(bench, "a/b/f", owner)), []);
  assertEquals((await list(bench)).includes(`f 440 ${own} a/b/f`), false);
}, NEEDS_ROOT);

testShells("writes nothing that the owner may not", async (bench) => {
  const root = await makeRoot(bench);
  const owner = NOBODY;
  await Deno.mkdir(`${root}/closed`, { mode: 0o700 });
  await Deno.mkdir(`${root}/theirs`);
  await Deno.chown(`${root}/theirs`, NOBODY.uid, NOBODY.gid);
  await Deno.mkdir(`${root}/theirs/ours`);
  await Deno.writeTextFile(`${root}/theirs/ours/f`, "root's");
  const before = await list(bench);
  for (const path of ["f", "closed/f", "theirs/ours/f", "theirs/ours/a/f"]) {
    const answer = (await write(bench, { path, owner })).join("\n");
    assertStringIncludes(answer, "error cannot ", path);
  }
  assertEquals(
    await bench.ask("remove", place(bench, "theirs/ours/f", owner)),
    [`error cannot remove ${root}/theirs/ours/f`],
  );
  assertEquals(await list(bench), before);
}, NEEDS_ROOT);

testShells("uses privilege only where nobody else can write", async (bench) => {
  const root = await makeRoot(bench);
  const owner = NOBODY;
  const path = "shared/a/f";
  await Deno.mkdir(`${root}/shared`);
  // Who can write there could exchange what root is about to give away.
  for (const mode of [0o775, 0o757, 0o1777]) {
    await Deno.chmod(`${root}/shared`, mode);
    const [answer = ""] = await write(bench, { path, owner });
    const refused = `error cannot make the folder ${root}/shared/a`;
    assertEquals(answer, mode === 0o775 ? refused : "new");
    const made = (await list(bench)).filter((line) => line.includes("/"));
    const own = "65534 65534";
    assertEquals(
      made,
      mode === 0o775
        ? []
        : [`d 755 ${own} shared/a`, `f 440 ${own} shared/a/f`],
    );
    await bench.ask("remove", place(bench, path, owner));
  }
}, NEEDS_ROOT);

testShells("writes into nothing that was put in its way", async (bench) => {
  const root = await makeRoot(bench);
  await Deno.chmod(root, 0o1777);
  const device = `${bench.dir}/device`;
  await mkfifo(device);
  // Has it open for both: whoever writes does not wait for a reader.
  using opened = await Deno.open(device, { read: true, write: true });
  for (const kind of ["fifo", "link"]) {
    const child = bench.spawn("write");
    // The owner may not remove it from a sticky folder.
    const draft = `${root}/.bcs-process.${child.pid}`;
    await (kind === "fifo"
      ? Deno.link(device, draft)
      : Deno.symlink(device, draft));
    const lines = [...place(bench, "f", NOBODY), "mode 660", "size 6"];
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(
      `bcs-launcher 1\n${lines.join("\n")}\nc2VjcmV0\n`,
    ));
    await writer.close();
    const answer = await new Response(child.stdout).text();
    assertEquals(
      answer.split("\n")[1],
      `error ${draft} is in the way and cannot be removed`,
    );
    await Deno.remove(draft);
  }
  await opened.write(new TextEncoder().encode("end"));
  const bytes = new Uint8Array(100);
  const length = await opened.read(bytes) ?? 0;
  assertEquals(new TextDecoder().decode(bytes.subarray(0, length)), "end");
  assertEquals(await list(bench), []);
}, NEEDS_ROOT);

testShells("keeps the old file when the disk is full", async (bench) => {
  const root = await makeRoot(bench);
  await using _ = await fullDisk(root);
  await Deno.writeTextFile(`${root}/f`, "");
  const [, answer] = await write(bench, { path: "f" });
  assertEquals(
    answer,
    `error cannot write in ${root}: No space left on device`,
  );
  const before = [`f 644 ${OWN} f`, `f 644 ${OWN} filler`];
  assertEquals(await list(bench), before);
}, NEEDS_ROOT);

testShells("leaves no draft when the daemon is gone", async (bench) => {
  const root = await makeRoot(bench);
  const child = bench.spawn("write");
  const writer = child.stdin.getWriter();
  const lines = [...place(bench, "f"), "mode 440", "size 9", "c2VjcmV0"];
  await writer.write(
    new TextEncoder().encode(`bcs-launcher 1\n${lines.join("\n")}\n`),
  );
  await eventually(
    "the draft is there",
    () => exists(`${root}/.bcs-process.${child.pid}`),
  );
  await child.stdout.cancel();
  await writer.close();
  await child.status;
  assertEquals(await list(bench), []);
});

testShells("is nobody else without root", async (bench) => {
  await makeRoot(bench);
  const by = ["/usr/bin/setpriv", "--reuid", "nobody", "--clear-groups"];
  const lines = [...place(bench, "f", SELF), "mode 440", "size 0", ""];
  assertEquals(await bench.askBare("write", lines, by), [
    "error cannot act as uid 0: the daemon is uid 65534 and not root",
  ]);
  assertEquals(await list(bench), []);
}, NEEDS_ROOT);

testShells("shows nobody what a file will hold", async (bench) => {
  const root = await makeRoot(bench);
  // The draft is looked at while the content is still on its way.
  const child = bench.spawn("write");
  const writer = child.stdin.getWriter();
  const encoder = new TextEncoder();
  const content = "secret".repeat(50_000);
  const base64 = encoder.encode(content).toBase64();
  const head = [...place(bench, "f"), "mode 440", `size ${content.length}`];
  await writer.write(
    encoder.encode(`bcs-launcher 1\n${head.join("\n")}\n`),
  );
  const answer = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await answer.read()).value, "new\n");
  // More than a pipe holds: what reads it has begun.
  await writer.write(encoder.encode(base64.slice(0, 200_000)));
  assertEquals(await list(bench), [`f 600 ${OWN} .bcs-process.${child.pid}`]);
  await writer.write(encoder.encode(base64.slice(200_000)));
  await writer.close();
  assertEquals((await answer.read()).value, "written\n");
  assertEquals((await answer.read()).done, true);
  assertEquals(await readIfThere(`${root}/f`), content);
});
