import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeOwnPlace } from "../../../daemon/launch/encode_request.ts";
import {
  concat,
  gzip,
  type TarEntry,
  writeTar,
} from "../../support/tar_writer.ts";
import { writeZip } from "../../support/zip_writer.ts";
import { eventually } from "../support/eventually.ts";
import { membersOf } from "../support/proc.ts";
import {
  exists,
  IS_ROOT,
  type LaunchBench,
  readIfThere,
  testShells,
} from "./launch_bench.ts";

// Packages: what is unpacked, as whom, and what is refused.

const NEEDS_ROOT = IS_ROOT ? null : "needs root, to be somebody else";
const MIB = 1024 * 1024;
const NOBODY = 65_534;
const TOO_LARGE = `it unpacks to more than ${MIB} bytes, all that ` +
  "package_unpacked_mib and its packed size allow";
const SUM = "ab".repeat(32);

interface Part {
  readonly target?: readonly string[];
  readonly user?: string;
  readonly bytes?: number;
  /** @default {"publish"} */
  readonly last?: string;
  /** Done when all is unpacked, before there is leave to publish. */
  readonly onReady?: () => Promise<void>;
}

function rootOf(bench: LaunchBench): string {
  return `${bench.dir}/root`;
}

/** A folder of the daemon's own, and in it a package as the daemon keeps it. */
async function keep(
  bench: LaunchBench,
  bytes: Uint8Array,
): Promise<string> {
  await Deno.mkdir(rootOf(bench), { recursive: true });
  await Deno.chmod(rootOf(bench), 0o755);
  const archive = `${bench.dir}/archive`;
  await Deno.writeFile(archive, bytes);
  await Deno.chmod(archive, 0o600);
  return archive;
}

function linesOf(bench: LaunchBench, archive: string, part: Part): string[] {
  const {
    target = ["copy out", "aside "],
    user = "",
    bytes = MIB,
    last = "publish",
  } = part;
  return [
    `user ${user}`,
    // Only root can be somebody else, and has to be.
    IS_ROOT ? "user 65534 65534" : "user ",
    `archive ${archive}`,
    `bytes ${bytes}`,
    "file plain name",
    `root ${rootOf(bench)}`,
    ...target,
    last,
  ];
}

/** Unpacks as the daemon does, with leave to publish given at once. */
async function unpack(
  bench: LaunchBench,
  bytes: Uint8Array,
  part: Part = {},
): Promise<string[]> {
  const archive = await keep(bench, bytes);
  const child = bench.spawn("unpack");
  const writer = child.stdin.getWriter();
  const lines = linesOf(bench, archive, part);
  const text = (each: readonly string[]) =>
    new TextEncoder().encode(each.map((line) => `${line}\n`).join(""));
  await writer.write(text(["bcs-launcher 1", ...lines.slice(0, -1)]));
  let answer = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    answer += decoder.decode(chunk);
    if (answer.startsWith("ready ") && answer.split("\n").length === 2) {
      await part.onReady?.();
      await writer.write(text(lines.slice(-1)));
    }
  }
  await writer.close().catch(() => {});
  await child.status;
  return answer.split("\n").slice(0, -1);
}

/** Whatever is below the root: kind, mode, owner, path, where it leads. */
async function list(bench: LaunchBench): Promise<string[]> {
  const { stdout } = await new Deno.Command("/usr/bin/find", {
    args: [rootOf(bench), "-mindepth", "1", "-printf", "%y %m %U %P %l\\0"],
  }).output();
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1)
    .map((line) => line.trimEnd()).sort();
}

const GOOD: readonly TarEntry[] = [
  { name: "./", type: "folder", mode: 0o700 },
  { name: "bin/", type: "folder", mode: 0o777 },
  { name: "bin/run", content: "#!/bin/sh\n", mode: 0o711 },
  { name: "etc/ü\n$(touch x)", content: "odd", mode: 0o666 },
  { name: "bin/up", type: "link", target: "../etc/../bin/run" },
  { name: "bin/gone", type: "link", target: "nowhere" },
  { name: "same", type: "hardLink", target: "bin/run" },
  { name: "bin/run2", content: "first" },
  { name: "bin/run2", content: "second", mode: 0o400 },
  { name: `${"long/".repeat(60)}x`, content: "deep" },
];

const OWN = `${Deno.uid()}`;

async function assertGood(bench: LaunchBench, folder: string, own = OWN) {
  const found = await list(bench);
  const below = found.filter((line) => !line.includes("long"));
  assertEquals(below, [
    `d 755 ${own} ${folder}`,
    `d 755 ${own} ${folder}/bin`,
    `d 755 ${own} ${folder}/etc`,
    `f 644 ${own} ${folder}/bin/run2`,
    `f 644 ${own} ${folder}/etc/ü\n$(touch x)`,
    `f 755 ${own} ${folder}/bin/run`,
    `f 755 ${own} ${folder}/same`,
    `l 777 ${own} ${folder}/bin/gone nowhere`,
    `l 777 ${own} ${folder}/bin/up ../etc/../bin/run`,
  ]);
  assertEquals(found.length - below.length, 61);
  const path = `${rootOf(bench)}/${folder}`;
  assertEquals(await readIfThere(`${path}/bin/run2`), "second");
  assertEquals(await readIfThere(`${path}/${"long/".repeat(60)}x`), "deep");
}

async function pack(program: string, bytes: Uint8Array): Promise<Uint8Array> {
  const child = new Deno.Command(`/usr/bin/${program}`, {
    args: ["-c"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = new Response(child.stdout).bytes();
  const writer = child.stdin.getWriter();
  await writer.write(bytes);
  await writer.close();
  await child.status;
  return await output;
}

for (const program of ["cat", "gzip", "xz", "zstd", "bzip2"]) {
  const path = `/usr/bin/${program}`;
  const reason = await exists(path) ? null : `${program} is missing`;
  testShells(`unpacks a tar packed by ${program}`, async (bench) => {
    const tar = writeTar(GOOD);
    const bytes = program === "cat" ? tar : await pack(program, tar);
    assertEquals(await unpack(bench, bytes), ["ready out", "placed"]);
    await assertGood(bench, "out");
    // In the middle of a file: a tar may end without its mark.
    const cut = bytes.subarray(
      0,
      bytes.length - (program === "cat" ? 1_100 : bytes.length >> 1),
    );
    const target = ["copy cut", "aside "];
    const [answer = ""] = await unpack(bench, cut, { target });
    assert(/^error (it is damaged: |tar says: )/.test(answer), answer);
    assertEquals(await exists(`${rootOf(bench)}/cut`), false);
  }, reason);
  testShells(`keeps what ${program} packed and is no tar`, async (bench) => {
    const bytes = program === "cat"
      ? new Uint8Array([0, 255, 10])
      : await pack(program, new TextEncoder().encode("data ".repeat(1_000)));
    assertEquals(await unpack(bench, bytes), ["ready out", "placed"]);
    assertEquals(
      await Deno.readFile(`${rootOf(bench)}/out/plain name`),
      new Uint8Array(bytes),
    );
    if (program === "cat") return;
    const target = ["copy cut", "aside "];
    const cut = bytes.subarray(0, bytes.length - 2);
    const [answer = ""] = await unpack(bench, cut, { target });
    assertStringIncludes(answer, `error it is damaged: ${program} says: `);
  }, reason);
}

const ZIP_MISSING = await exists("/usr/bin/unzip") ? null : "unzip is missing";

testShells("unpacks a zip", async (bench) => {
  const bytes = await writeZip([
    { name: "bin/", mode: 0o040777 },
    { name: "bin/run", content: "run", mode: 0o100711, isDeflated: true },
    { name: "etc/ü $(touch x)", content: "odd", mode: 0o100666 },
    { name: "bin/up", content: "../etc", mode: 0o120777 },
  ]);
  assertEquals(await unpack(bench, bytes), ["ready out", "placed"]);
  assertEquals(await list(bench), [
    `d 755 ${OWN} out`,
    `d 755 ${OWN} out/bin`,
    `d 755 ${OWN} out/etc`,
    `f 644 ${OWN} out/etc/ü $(touch x)`,
    `f 755 ${OWN} out/bin/run`,
    `l 777 ${OWN} out/bin/up ../etc`,
  ]);
}, ZIP_MISSING);

testShells("refuses a zip that leads out or is too large", async (bench) => {
  const zeros = new Uint8Array(8 * MIB);
  for (
    const [entries, ...parts] of [
      [[{ name: "../x" }], 'the name "../x" leads out of it'],
      [[{ name: "/tmp/x" }], 'the name "/tmp/x" leads out of it'],
      [[{ name: "a/../../x" }], 'the name "a/../../x" leads out of it'],
      [
        [{ name: "a", content: "/etc", mode: 0o120777 }],
        'it holds a link that leads out of it: "/etc"',
      ],
      [
        [{ name: "a", content: "../..", mode: 0o120777 }],
        "it holds a link that leads out of it: ",
      ],
      [
        [{ name: "a", content: zeros, isDeflated: true }],
        TOO_LARGE,
      ],
      // Its contents say that it is small: the file is cut all the same.
      [[{ name: "a", content: zeros, isDeflated: true, size: 9 }], "", ""],
      [
        Array.from({ length: 8 }, (_, number) => ({
          name: `${number}`,
          content: zeros.subarray(0, MIB - 1),
          isDeflated: true,
          size: 9,
        })),
        "",
      ],
    ] as const
  ) {
    const bytes = await writeZip(entries);
    const [answer = ""] = await unpack(bench, bytes);
    for (const part of parts) assertStringIncludes(answer, `error ${part}`);
    assertEquals(await list(bench), []);
  }
  const [answer = ""] = await unpack(bench, await writeZip([{ name: "a" }]), {
    bytes: 5_000,
    target: ["copy cut", "aside "],
  });
  assertEquals(answer, "ready cut");
  const damaged = (await writeZip([{ name: "a" }])).subarray(0, 40);
  assertStringIncludes(
    (await unpack(bench, damaged)).join(),
    "error it is damaged: unzip cannot read its contents",
  );
}, ZIP_MISSING);

testShells("refuses entries that no package may have", async (bench) => {
  const away = `${bench.dir}/away`;
  await Deno.mkdir(away);
  await Deno.chmod(away, 0o777);
  const file = (name: string, part: Partial<TarEntry> = {}): TarEntry => ({
    name,
    content: "evil",
    ...part,
  });
  const link = (name: string, target: string): TarEntry => ({
    name,
    type: "link",
    target,
  });
  const out = (name: string) =>
    name.startsWith("/")
      ? `the name "${name}" leads out of it`
      : `tar says: "${name}": Member name contains '..'`;
  for (
    const [entries, answer] of [
      [[file("../x")], out("../x")],
      [[file("a/../../x")], out("a/../../x")],
      [[file("..")], out("..")],
      [[file(`${away}/x`)], out(`${away}/x`)],
      [[file('"\n../..')], out('\\"\\n../..')],
      [
        [link("l", away), file("l/x")],
        `the link "l" leads out of it, to "${away}"`,
      ],
      [
        [link("l", "../away"), file("l/x")],
        'tar says: "l/x": Cannot open: Not a directory',
      ],
      [[link("l", "../away")], "it holds a link that leads out of it"],
      [
        [
          { name: "a/b/", type: "folder" },
          link("a/up", ".."),
          link("a/b/l", "../up/../away"),
        ],
        "it holds a link that leads out of it",
      ],
      [
        [{ name: "h", type: "hardLink", target: "/etc/passwd" }],
        `tar says: "h": Cannot hard link to 'etc/passwd'`,
      ],
      [
        [{ name: "h", type: "hardLink", target: "../../../etc/passwd" }],
        `tar says: "h": Cannot hard link to 'etc/passwd'`,
      ],
      [[{ name: "d", type: "characterDevice" }], 'it holds "d", no file'],
      [[{ name: "d", type: "blockDevice" }], 'it holds "d", no file'],
      [[{ name: "d", type: "fifo" }], 'it holds "d", no file'],
      [[file("s", { mode: 0o4755 })], '"s" has a setuid, setgid'],
      [[file("s", { mode: 0o2644 })], '"s" has a setuid, setgid'],
      [
        [{ name: "s/", type: "folder", mode: 0o1777 }],
        '"s/" has a setuid, setgid or sticky',
      ],
      [
        [file("z", { content: new Uint8Array(2 * MIB) })],
        TOO_LARGE,
      ],
      // It claims to be far larger than what follows.
      [[file("z", { size: 8 ** 10 })], TOO_LARGE],
    ] as [TarEntry[], string][]
  ) {
    const bytes = await gzip(writeTar([file("good"), ...entries]));
    const [found = ""] = await unpack(bench, bytes);
    assertStringIncludes(found, `error ${answer}`);
    assertEquals(await list(bench), []);
    assertEquals([...Deno.readDirSync(away)], []);
  }
});

testShells("bounds what a package unpacks to", async (bench) => {
  const tooMuch = [`error ${TOO_LARGE}`];
  // After the archive's end too.
  const padded = concat([writeTar(GOOD), new Uint8Array(64 * MIB)]);
  assertEquals(await unpack(bench, await gzip(padded)), tooMuch);
  // Its size alone: a hole takes no room.
  const sparse = `${bench.dir}/sparse`;
  await Deno.writeTextFile(sparse, "");
  await Deno.truncate(sparse, 1024 * MIB);
  const { stdout } = await new Deno.Command("/usr/bin/tar", {
    args: ["-cSzf", "-", "-C", bench.dir, "sparse"],
  }).output();
  assertEquals(await unpack(bench, stdout), tooMuch);
  const plain = new Uint8Array(MIB + 1);
  assertStringIncludes(
    (await unpack(bench, plain)).join(),
    'error cannot write "plain name"',
  );
  assertEquals(await list(bench), []);
  const many = Array.from({ length: 200 }, (_, each) => ({
    name: `${each}/`,
    type: "folder" as const,
  }));
  await Deno.writeTextFile(
    `${bench.dir}/unpack.sh`,
    (await Deno.readTextFile(`${bench.dir}/unpack.sh`))
      .replace("entries_most=200000", "entries_most=199"),
  );
  for (
    const bytes of [
      await gzip(writeTar(many)),
      // Folders that nobody asked for count as well.
      await gzip(writeTar([{ name: `${"a/".repeat(199)}b` }])),
    ]
  ) {
    assertEquals(await unpack(bench, bytes), [
      "error it has more than 199 entries",
    ]);
  }
  assertEquals(await list(bench), []);
});

testShells("refuses what comes after the packed whole", async (bench) => {
  const bytes = concat([
    await gzip(writeTar(GOOD)),
    new TextEncoder().encode("garbage"),
  ]);
  assertStringIncludes(
    (await unpack(bench, bytes)).join(),
    "error it is damaged: gzip says: stdin: decompression OK, trailing garbage",
  );
  assertEquals(await list(bench), []);
});

testShells("shares a tree by content and user", async (bench) => {
  const target = [`tree ${SUM}`];
  const bytes = await gzip(writeTar(GOOD));
  const tree = `${SUM}-${OWN}`;
  assertEquals(await unpack(bench, bytes, { target }), [
    `ready ${tree}`,
    "placed",
  ]);
  await assertGood(bench, tree);
  const inode = (await Deno.stat(`${rootOf(bench)}/${tree}`)).ino;
  assertEquals(await unpack(bench, bytes, { target }), [`there ${tree}`]);
  assertEquals((await Deno.stat(`${rootOf(bench)}/${tree}`)).ino, inode);
});

testShells("gives a tree to its user, unpacked by another", async (bench) => {
  const bytes = await gzip(writeTar(GOOD));
  const target = [`tree ${SUM}`];
  assertEquals(
    await unpack(bench, bytes, { target, user: "1 1" }),
    [`ready ${SUM}-1`, "placed"],
  );
  await assertGood(bench, `${SUM}-1`, "1");
  const archive = await keep(bench, bytes);
  const lines = linesOf(bench, archive, {}).with(1, "user 0 0");
  assertEquals(await bench.askBare("unpack", lines), [
    "error packages must not be unpacked by root: name another package_user",
  ]);
}, NEEDS_ROOT);

testShells("replaces nothing that it did not make", async (bench) => {
  const bytes = await gzip(writeTar([{ name: "new" }]));
  const out = `${rootOf(bench)}/out`;
  const refused = [
    `error ${out} is there and was not made for this package: remove it, or ` +
    "choose another OutputDir",
  ];
  await keep(bench, bytes);
  for (const aside of ["", "old"]) {
    const target = ["copy out", `aside ${aside}`];
    await Deno.writeTextFile(out, "");
    assertEquals(await unpack(bench, bytes, { target }), refused);
    await Deno.remove(out);
    await Deno.symlink("/tmp", out);
    assertEquals(await unpack(bench, bytes, { target }), refused);
    await Deno.remove(out);
  }
  await Deno.mkdir(out);
  assertEquals(await unpack(bench, bytes), refused);
  await Deno.writeTextFile(`${out}/data`, "");
  const target = ["copy out", "aside old"];
  for (const _ of [1, 2]) {
    assertEquals(await unpack(bench, bytes, { target }), [
      "ready out",
      "placed",
    ]);
  }
  assertEquals(
    (await list(bench)).map((line) => line.split(" ").at(-1)),
    ["old", "out", "old/new", "out/new"].sort((a, b) =>
      a.split("/").length - b.split("/").length
    ),
  );
  // Nobody gave leave: it is as if nothing had been done.
  await Deno.remove(out, { recursive: true });
  assertEquals(await unpack(bench, bytes, { last: "no" }), ["ready out"]);
  assertEquals(await exists(out), false);
});

testShells("places packages in folders of its own alone", async (bench) => {
  const bytes = await gzip(writeTar([{ name: "new" }]));
  const root = rootOf(bench);
  await keep(bench, bytes);
  await Deno.mkdir(`${root}/open`);
  await Deno.chmod(`${root}/open`, 0o777);
  await Deno.symlink("open", `${root}/link`);
  const before = await list(bench);
  const ask = (...target: string[]) => unpack(bench, bytes, { target });
  for (const folder of ["open", "link", "..", ""]) {
    const [answer = ""] = await ask(`folder ${folder}`, "copy x", "aside ");
    assertStringIncludes(
      answer,
      folder === "open"
        ? `error ${root}/open is not the daemon's own, or others may write`
        : folder === "link"
        ? `error ${root}/link is a link`
        : "error the request has a path where a name must stand",
    );
  }
  for (
    const target of [
      ["copy ../x", "aside "],
      ["copy x", "aside ../y"],
      ["tree ../x"],
    ]
  ) {
    assertEquals(await ask(...target), [
      "error the request has a path where a name must stand",
    ]);
  }
  assertEquals(await list(bench), before);
  await ask("folder a", "folder b", "copy x", "aside ");
  assert(await exists(`${root}/a/b/x/new`));
});

/** A request whose unpacker waits for more of its package. */
async function hang(bench: LaunchBench) {
  const big = { name: "big", content: new Uint8Array(MIB / 2) };
  const archive = await keep(bench, writeTar([...GOOD, big]));
  await Deno.writeTextFile(
    `${bench.dir}/unpack.sh`,
    (await Deno.readTextFile(`${bench.dir}/unpack.sh`)).replace(
      "    (unpacked) <&5\n",
      '    (unpacked) <&5 | /usr/bin/head -c 100000\n    "$tools/sleep" 1000\n',
    ),
  );
  const child = bench.spawn("unpack");
  const writer = child.stdin.getWriter();
  const lines = linesOf(bench, archive, {}).slice(0, -1);
  await writer.write(
    new TextEncoder().encode(`bcs-launcher 1\n${lines.join("\n")}\n`),
  );
  const draft = `${rootOf(bench)}/.bcs-process.unpack.${child.pid}`;
  await eventually(
    "something is unpacked",
    () => exists(`${draft}/tree/bin/run`),
  ).catch(async (error) => {
    await writer.close();
    throw error;
  });
  return { child, writer, draft };
}

/** Pids of the unpackers of a draft. */
function unpackersIn(draft: string): number[] {
  const pids: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    try {
      if (Deno.readLinkSync(`/proc/${name}/cwd`).startsWith(draft)) {
        pids.push(Number(name));
      }
    } catch {
      // No process, or a stranger's.
    }
  }
  return pids;
}

testShells(
  "unpack takes nobody's folder that came meanwhile",
  async (bench) => {
    const bytes = await gzip(writeTar([{ name: "new" }]));
    const comes = (name: string) => async () => {
      await Deno.mkdir(`${rootOf(bench)}/${name}`);
      await Deno.writeTextFile(`${rootOf(bench)}/${name}/theirs`, "data");
    };
    const [, error = ""] = await unpack(bench, bytes, {
      onReady: comes("out"),
    });
    assertStringIncludes(
      error,
      `${rootOf(bench)}/out is there and was not made`,
    );
    // A tree of that name has just this content, whoever was quicker.
    const tree = `${SUM}-${Deno.uid()}`;
    const answer = await unpack(bench, bytes, {
      target: [`tree ${SUM}`],
      onReady: comes(tree),
    });
    assertEquals(answer, [`ready ${tree}`, "placed"]);
    for (const name of ["out", tree]) {
      assertEquals(
        await readIfThere(`${rootOf(bench)}/${name}/theirs`),
        "data",
      );
    }
    assertEquals([...Deno.readDirSync(rootOf(bench))].length, 2);
  },
);

testShells("ends with whoever asked, and leaves nothing", async (bench) => {
  const { child, writer, draft } = await hang(bench);
  const pids = unpackersIn(draft);
  assert(pids.length > 0);
  await writer.close();
  assertEquals(await new Response(child.stdout).text(), "");
  await child.status;
  assertEquals(await list(bench), []);
  await eventually(
    "nobody is left",
    () =>
      pids.flatMap(membersOf).length === 0 &&
      unpackersIn(draft)[0] === undefined,
  );
});

testShells("removes what a launcher left that was killed", async (bench) => {
  const { child, writer, draft } = await hang(bench);
  child.kill("SIGKILL");
  await child.status;
  await writer.close().catch(() => {});
  await child.stdout.cancel();
  await eventually("nobody is left", () => {
    const pids = unpackersIn(draft);
    for (const pid of pids) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        // It ended with the one before.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return pids.length === 0;
  });
  assertEquals(await exists(`${draft}/tree/bin/run`), true);
  await bench.ask("discard", [`root ${rootOf(bench)}`, "tree no"]);
  assertEquals(await list(bench), []);
});

testShells("lets nobody reach into what is unpacked", async (bench) => {
  const { child, writer, draft } = await hang(bench);
  try {
    assertEquals((await Deno.stat(draft)).mode! & 0o777, 0o700);
    const pid = unpackersIn(draft)[0];
    // As the unpacker's own user, through /proc too.
    for (const path of [`${draft}/tree/`, `/proc/${pid}/cwd/`]) {
      const { success } = await new Deno.Command("/usr/bin/setpriv", {
        args: [
          ...["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"],
          ...["/usr/bin/ls", "-d"],
          path,
        ],
        stdout: "null",
        stderr: "null",
      }).output();
      assertEquals(success, false, path);
    }
    assertEquals((await Deno.stat(`${draft}/tree`)).uid, NOBODY);
  } finally {
    await writer.close();
    await child.stdout.cancel();
    await child.status;
  }
}, NEEDS_ROOT);

testShells("links to trees, in one step", async (bench) => {
  const root = rootOf(bench);
  for (const tree of ["t1", "t2"]) {
    await Deno.mkdir(`${root}/packages/${tree}`, { recursive: true });
  }
  const ask = (verb: string, name: string, tree: string) =>
    bench.ask(verb, [
      ...encodeOwnPlace("link", { root, folders: ["a"], name }),
      `tree ${root}/packages/${tree}`,
    ]);
  const link = `${root}/a/link`;
  for (const tree of ["t1", "t1", "t2"]) {
    assertEquals(await ask("link", "link", tree), []);
    assertEquals(await Deno.readLink(link), `${root}/packages/${tree}`);
  }
  assertEquals(await ask("link", "link", "t3"), [
    `error there is no tree ${root}/packages/t3`,
  ]);
  for (const target of ["/tmp", `${root}/a`, "t1"]) {
    await Deno.remove(link);
    await Deno.symlink(target, link);
    assertStringIncludes(
      (await ask("link", "link", "t1")).join(),
      `error ${link} is there and was not made for this package`,
    );
    await ask("discard", "link", "t1");
    assertEquals(await Deno.readLink(link), target);
  }
  await Deno.remove(link);
  await Deno.mkdir(link);
  assertStringIncludes(
    (await ask("link", "link", "t1")).join(),
    `error ${link} is there`,
  );
  await Deno.remove(link);
  await ask("link", "link", "t1");
  await ask("discard", "link", "t2");
  assert(await exists(link));
  await ask("discard", "link", "t1");
  assertEquals(await exists(link), false);
  assertEquals(await ask("discard", "link", "t1"), []);
});

testShells("finds and removes trees, and nothing else", async (bench) => {
  const root = rootOf(bench);
  await Deno.mkdir(`${root}/tree/deep`, { recursive: true });
  await Deno.writeTextFile(`${root}/tree/deep/file`, "");
  await Deno.chmod(`${root}/tree/deep`, 0);
  await Deno.symlink("tree", `${root}/link`);
  await Deno.writeTextFile(`${root}/file`, "");
  const ask = (verb: "has" | "discard", name: string, folders: string[] = []) =>
    bench.ask(
      verb,
      encodeOwnPlace(verb === "has" ? "has" : "tree", { root, folders, name }),
    );
  assertEquals(await ask("has", "tree"), ["there"]);
  for (const name of ["link", "file", "no"]) {
    assertEquals(await ask("has", name), []);
    assertEquals(await ask("discard", name), []);
  }
  assertEquals(await ask("has", "x", ["no"]), []);
  assertEquals(await ask("discard", "x", ["no"]), []);
  assertEquals((await list(bench)).length, IS_ROOT ? 5 : 4);
  assertEquals(await ask("discard", "tree"), []);
  assertEquals((await list(bench)).map((line) => line.at(0)), ["f", "l"]);
});

testShells("names the program that is missing", async (bench) => {
  const script = `${bench.dir}/unpack.sh`;
  await Deno.writeTextFile(
    script,
    (await Deno.readTextFile(script)).replaceAll("packer=gzip", "packer=gzpi"),
  );
  assertEquals(await unpack(bench, await gzip(writeTar(GOOD))), [
    "error it needs the program gzpi: install that on this host",
  ]);
});

testShells("refuses a broken request to unpack", async (bench) => {
  const archive = await keep(bench, writeTar(GOOD));
  const good = linesOf(bench, archive, {});
  for (
    const [lines, answer] of [
      [good.slice(1), '"user"'],
      [good.toSpliced(1, 1), '"user"'],
      [good.with(2, `archive ${bench.dir}/no`), "there is no file"],
      [good.with(3, "bytes -1"), "no size"],
      [good.with(4, "file a/b"), "a path where a name must stand"],
      [good.with(5, "root x"), "no folder to begin in"],
      [good.with(6, "link x"), "names no package"],
      [good.toSpliced(7, 1), '"aside"'],
    ] as const
  ) {
    const text = (await bench.askBare("unpack", lines)).join("\n");
    assertStringIncludes(text, answer, lines.join("; "));
  }
  assertEquals(await list(bench), []);
});
