import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzip, writeTar } from "../../support/tar_writer.ts";
import { writeZip } from "../../support/zip_writer.ts";
import { exists, readIfThere } from "../launch/launch_bench.ts";
import { eventually } from "../support/eventually.ts";
import { PackageBench } from "./package_bench.ts";

// Packages in the life of processes: a real daemon, packages of the test.

const ADDRESS = "http://repo.example/game/v1.tar.gz";
const NEXT = "http://repo.example/game/v2.tar.gz";
const UID = Deno.uid();

/** A package whose only file says which it is. */
async function packageOf(text: string) {
  return await gzip(writeTar([{ name: "version", content: text }]));
}

Deno.test("daemon shares the tree of a package by a link", async () => {
  await using bench = await PackageBench.create();
  const sum = await bench.source.offer(ADDRESS, await packageOf("one"));
  const [a, b] = [`${bench.workDir}/a`, `${bench.workDir}/b`];
  // At the same time: it is unpacked once.
  await bench.create("a", [{ Value: ADDRESS, OutputDir: a }]);
  await bench.create("b", [{
    Value: ADDRESS,
    OutputDir: "${work_base_dir}//b/",
  }]);
  const status = await bench.until("a", "running");
  await bench.until("b", "running");
  assertEquals(
    status.Packages?.map(({ State, Sha256, Value }) => [
      Value,
      State,
      Sha256,
    ]),
    [[ADDRESS, "ready", sum]],
  );
  const tree = `${bench.dir}/ws/packages/${sum}-${UID}`;
  assertEquals([await Deno.readLink(a), await Deno.readLink(b)], [tree, tree]);
  assertEquals(await readIfThere(`${a}/version`), "one");
  assertEquals(bench.trees(), [`${sum}-${UID}`]);
  assertEquals(bench.source.held, 0);
  await bench.remove("a");
  assertEquals(await exists(a), false);
  assertEquals(await readIfThere(`${b}/version`), "one");
  await bench.remove("b");
  assertEquals([await exists(b), bench.trees()], [false, []]);
});

Deno.test("daemon removes a tree that several leave at once", async () => {
  await using bench = await PackageBench.create();
  await bench.source.offer(ADDRESS, await packageOf("one"));
  const OutputDir = `${bench.workDir}/shared`;
  const ids = ["a", "b", "c"];
  for (const id of ids) await bench.run(id, [{ Value: ADDRESS, OutputDir }]);
  await bench.remove("a");
  assertEquals(await readIfThere(`${OutputDir}/version`), "one");
  await Promise.all([bench.remove("b"), bench.remove("c")]);
  assertEquals([await exists(OutputDir), bench.trees()], [false, []]);
});

Deno.test("daemon switches a link, and leaves a running process its tree", async () => {
  await using bench = await PackageBench.create();
  const one = await bench.source.offer(ADDRESS, await packageOf("one"));
  const mine = `${bench.workDir}/mine`;
  const other = `${bench.workDir}/other`;
  const PullPolicy = "Always";
  await bench.run("p", [{ Value: ADDRESS, OutputDir: mine, PullPolicy }]);
  await bench.run("q", [{ Value: ADDRESS, OutputDir: other }]);
  const two = await bench.source.offer(ADDRESS, await packageOf("two"));
  await bench.client.restart("p", 1);
  await bench.client.restart("q", 1);
  assertEquals(await readIfThere(`${mine}/version`), "two");
  // It takes what it has: it was not to ask again.
  assertEquals(await readIfThere(`${other}/version`), "one");
  assertEquals(bench.trees(), [`${one}-${UID}`, `${two}-${UID}`].sort());
  await bench.remove("q");
  assertEquals(bench.trees(), [`${two}-${UID}`]);
});

Deno.test("daemon keeps what a process wrote into its copy", async () => {
  await using bench = await PackageBench.create();
  await bench.source.offer(ADDRESS, await packageOf("one"));
  const OutputDir = `${bench.workDir}/p`;
  await bench.create("p", [{
    Value: ADDRESS,
    OutputDir,
    Mode: "copy",
    PullPolicy: "Always",
  }], {
    Files: [{
      To: `${OutputDir}/sub/conf`,
      Right: "r",
      User: "",
      Base64: btoa("conf"),
      Remote: null,
    }],
  });
  await bench.until("p", "running");
  assertEquals((await Deno.lstat(OutputDir)).isDirectory, true);
  assertEquals(await readIfThere(`${OutputDir}/sub/conf`), "conf");
  await Deno.writeTextFile(`${OutputDir}/data`, "mine");
  await bench.client.restart("p", 1);
  assertEquals(await readIfThere(`${OutputDir}/data`), "mine");
  for (const version of ["two", "three"]) {
    await bench.source.offer(ADDRESS, await packageOf(version));
    await bench.client.restart("p", 1);
    assertEquals(await readIfThere(`${OutputDir}/version`), version);
  }
  // What it was before, and no more.
  const names = bench.list(bench.workDir);
  assertEquals(names.length, 2, names.join());
  const previous = `${bench.workDir}/${names[1]}`;
  assert(/\/p\.previous\.\d+$/.test(previous), previous);
  assertEquals(await readIfThere(`${previous}/version`), "two");
  assertEquals(bench.trees(), []);
  await bench.remove("p");
  assertEquals(bench.list(bench.workDir), []);
});

Deno.test("daemon says which package failed, and why", async () => {
  await using bench = await PackageBench.create();
  const evil = gzip(writeTar([{ name: "d", type: "fifo" }]));
  const address = `${ADDRESS}?token=hunter2`;
  await bench.source.offer(address, await evil);
  const OutputDir = `${bench.workDir}/p`;
  const uris = [{ Value: address, OutputDir, User: "u", Pwd: "hunter2" }];
  await bench.create("p", uris);
  const status = await bench.until("p", "stopped");
  assertEquals(status.Result, "package-failed");
  assertStringIncludes(
    status.Message,
    `package ${ADDRESS} for ${OutputDir}: it holds "d", no file`,
  );
  assertEquals(status.Packages?.[0]?.State, "failed");
  const shown = JSON.stringify([
    await bench.client.inspect("p"),
    await bench.client.events(0),
    bench.log,
  ]).replaceAll(JSON.stringify(address).slice(1, -1), "");
  assertEquals(shown.includes("hunter2"), false);
  assertEquals([bench.trees(), bench.source.held], [[], 0]);
  // It is tried again by a restart, and may do then.
  await bench.source.offer(address, await packageOf("good"));
  await bench.client.restart("p", 1);
  assertEquals(await readIfThere(`${OutputDir}/version`), "good");
});

Deno.test("daemon gives a package up when its process is stopped", async () => {
  await using bench = await PackageBench.create();
  await bench.source.offer(ADDRESS, await packageOf("one"));
  await bench.create("p", [
    { Value: ADDRESS, OutputDir: `${bench.workDir}/p` },
    { Value: NEXT, OutputDir: `${bench.workDir}/q` },
    { Value: ADDRESS, OutputDir: `${bench.workDir}/r` },
  ]);
  await eventually("it is asked for", () => bench.source.asked.includes(NEXT));
  const { Packages = [], Status } = await bench.client.status("p");
  assertEquals(
    [
      Status,
      ...Packages.map(({ State, Bytes, Total }) => [
        State,
        State === "downloading" && [Bytes, Total],
      ]),
    ],
    ["staging", ["ready", false], ["downloading", [1, 10]], [
      "waiting",
      false,
    ]],
  );
  await bench.remove("p");
  assertEquals([bench.list(bench.workDir), bench.trees()], [[], []]);
});

Deno.test("daemon replaces no OutputDir that is not the process's", async () => {
  await using bench = await PackageBench.create();
  await bench.source.offer(ADDRESS, await packageOf("one"));
  await bench.source.offer(NEXT, await packageOf("two"));
  const { workDir } = bench;
  await Deno.mkdir(`${workDir}/data`);
  const refuse = async (
    id: string,
    Value: string,
    name: string,
    Mode: "link" | "copy",
  ) => {
    const before = bench.list(workDir);
    const OutputDir = `${workDir}/${name}`;
    await bench.create(id, [{ Value, OutputDir, Mode }]);
    const { Result, Message } = await bench.until(id, "stopped");
    assertEquals(Result, "package-failed");
    await bench.client.delete(id);
    assertEquals(bench.list(workDir), before);
    return Message;
  };
  for (const mode of ["link", "copy"] as const) {
    const message = await refuse("x", ADDRESS, "data", mode);
    assertStringIncludes(message, `${workDir}/data is there and was not made`);
  }
  const [link, copy] = [`${workDir}/link`, `${workDir}/copy`];
  await bench.run("l", [{ Value: ADDRESS, OutputDir: link }]);
  await bench.run("c", [{ Value: ADDRESS, OutputDir: copy, Mode: "copy" }]);
  for (
    const [name, value, mode] of [
      ["link", NEXT, "link"],
      ["link", ADDRESS, "copy"],
      ["copy", ADDRESS, "copy"],
      ["copy", ADDRESS, "link"],
    ] as const
  ) {
    const message = await refuse("x", value, name, mode);
    assertStringIncludes(
      message,
      `its OutputDir is that of process ${name[0]}: delete that, or choose`,
    );
  }
  // A link whose process is stopped gives way; a copy may hold data.
  await bench.client.stop("l", 1);
  await bench.client.stop("c", 1);
  await bench.run("x", [{ Value: NEXT, OutputDir: link }]);
  await refuse("y", NEXT, "copy", "copy");
  assertEquals(await readIfThere(`${link}/version`), "two");
  await bench.client.delete("l");
  assertEquals(await readIfThere(`${link}/version`), "two");
});

Deno.test("daemon places no package in the copy of another process", async () => {
  await using bench = await PackageBench.create();
  await bench.source.offer(ADDRESS, await packageOf("one"));
  await bench.source.offer(NEXT, await packageOf("two"));
  const { workDir } = bench;
  const [inner, outer] = [`${workDir}/a/data/b`, `${workDir}/a`];
  const uri = { Value: ADDRESS, Mode: "copy" as const };
  await bench.run("a", [{ ...uri, OutputDir: outer }]);
  for (const Mode of ["link", "copy"] as const) {
    await bench.create("b", [{ Value: NEXT, Mode, OutputDir: inner }]);
    const { Message } = await bench.until("b", "stopped");
    assertStringIncludes(Message, "its OutputDir is in that of process a: ");
    await bench.client.delete("b");
  }
  assertEquals(bench.list(outer), ["version"]);
  await bench.remove("a");
  await bench.run("b", [{ ...uri, OutputDir: inner }]);
  assertEquals(await readIfThere(`${inner}/version`), "one");
});

Deno.test("daemon takes up packages where an earlier one left them", async () => {
  await using bench = await PackageBench.create();
  const one = await bench.source.offer(ADDRESS, await packageOf("one"));
  await bench.source.offer(NEXT, await writeZip([{ name: "version" }]));
  const { workDir, dir } = bench;
  await bench.run("p", [
    { Value: ADDRESS, OutputDir: `${workDir}/p` },
    { Value: NEXT, OutputDir: `${workDir}/q`, Mode: "copy" },
  ]);
  await bench.create("w", [{ Value: "http://a/", OutputDir: `${workDir}/w` }]);
  const before = (await bench.client.status("p")).Packages;
  await bench.close();
  for (
    const left of [`${"0".repeat(64)}-0`, ".bcs-process.unpack.1073741824"]
  ) {
    await Deno.mkdir(`${dir}/ws/packages/${left}/deep`, { recursive: true });
  }
  await Deno.mkdir(`${dir}/ws/packages/an operator's`);
  await bench.source.offer("http://a/", await packageOf("late"));
  await bench.start();
  await bench.until("w", "running");
  assertEquals(await readIfThere(`${workDir}/w/version`), "late");
  assertEquals((await bench.client.status("p")).Packages, before);
  await eventually(
    "what was left is gone",
    () => bench.trees().length === 3 && bench.trees().includes(`${one}-${UID}`),
  );
  const asked = bench.source.asked.length;
  await bench.client.restart("p", 1);
  assertEquals(bench.source.asked.length, asked);
  assertEquals(await readIfThere(`${workDir}/p/version`), "one");
});

Deno.test("daemon refuses a package outside of its folders", async () => {
  await using bench = await PackageBench.create();
  const error = await bench.create("p", [{ Value: ADDRESS, OutputDir: "/x/p" }])
    .catch((error) => error.message);
  assertStringIncludes(error, `Uris[0].OutputDir: must be below ${bench.dir}`);
});
