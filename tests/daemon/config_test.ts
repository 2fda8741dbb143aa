import { assertEquals, assertThrows } from "@std/assert";
import { type DaemonConfig, readConfig } from "../../daemon/config.ts";
import { InvalidInputError } from "../../shared/errors.ts";

function read(
  args: readonly string[],
  file: Record<string, unknown> = {},
): DaemonConfig {
  const commandLine = readConfig(
    ["-f", "/config.json", ...args],
    () => JSON.stringify(file),
    "/launcher.sh",
  );
  if (commandLine.action !== "run") throw new Error("It only wants help");
  return commandLine.config;
}

Deno.test("readConfig() allows files below the workspace alone", () => {
  assertEquals(read(["--workspace-dir=/ws/"]).fileDirs, ["/ws"]);
  for (const file_dirs of ["", [], null]) {
    assertEquals(read([], { workspace_dir: "/ws", file_dirs }).fileDirs, [
      "/ws",
    ]);
  }
});

Deno.test("readConfig() takes folders for files as a list or a text", () => {
  assertEquals(read(["--file-dirs=/a/,/b"]).fileDirs, ["/a", "/b"]);
  for (const file_dirs of ["/a,/b/c", ["/a", "/b/c"]]) {
    assertEquals(read([], { file_dirs }).fileDirs, ["/a", "/b/c"]);
  }
  const both = read(["--file-dirs=/flag"], { file_dirs: ["/file"] });
  assertEquals(both.fileDirs, ["/flag"]);
});

for (
  const [args, file, field] of [
    [["--file-dirs=/a,b"], {}, "--file-dirs"],
    [[], { file_dirs: ["a"] }, "file_dirs"],
    [[], { file_dirs: ["/a\n"] }, "file_dirs"],
    [[], { file_dirs: [1] }, "file_dirs[0]"],
    [[], { file_dirs: 1 }, "file_dirs"],
  ] as const
) {
  const shown = JSON.stringify([args, file]);
  Deno.test(`readConfig() refuses ${shown} as folders for files`, () => {
    const error = assertThrows(() => read(args, file), InvalidInputError);
    assertEquals(error.problems[0]?.field, field);
  });
}

Deno.test("readConfig() enforces limits where it can, unless told otherwise", () => {
  const standard = { parent: "bcs-process", isRequired: false };
  assertEquals(read([]).groups, standard);
  assertEquals(read(["--limits=require", "--cgroup=a/b-c.d"]).groups, {
    parent: "a/b-c.d",
    isRequired: true,
  });
  assertEquals(read([], { limits: "require" }).groups, {
    ...standard,
    isRequired: true,
  });
  assertEquals(read([], { limits: "off" }).groups, null);
  assertEquals(read(["--cgroup="]).groups, null);
  assertEquals(read(["--limits=warn"], { limits: "off" }).groups, standard);
});

for (
  const [args, field] of [
    [["--limits=on"], "--limits"],
    [["--limits="], "--limits"],
    ...["/a", "a/", "a//b", ".", "..", "a/../b", "a b", "a$(x)"].map((name) =>
      [[`--cgroup=${name}`], "--cgroup"] as const
    ),
    [["--cgroup=", "--limits=require"], "--cgroup"],
  ] as const
) {
  Deno.test(`readConfig() refuses ${args.join(" ")}`, () => {
    const error = assertThrows(() => read(args), InvalidInputError);
    assertEquals(
      error.problems.map(({ field }: { field: string }) => field),
      [field],
    );
  });
}

Deno.test("readConfig() says who processes may run as", () => {
  assertEquals(read([]).users, { fallback: "", allowed: [] });
  assertEquals(
    read(["--default-user=game", "--allowed-users=game,,1001"]).users,
    { fallback: "game", allowed: ["game", "1001"] },
  );
  assertEquals(
    read([], { default_user: "game", allowed_users: ["game", "db"] }).users,
    { fallback: "game", allowed: ["game", "db"] },
  );
});

for (
  const [args, field] of [
    [["--default-user=-u"], "--default-user"],
    [["--default-user=a b"], "--default-user"],
    [["--allowed-users=game,-x"], "--allowed-users"],
    [["--allowed-users=game, db"], "--allowed-users"],
  ] as const
) {
  Deno.test(`readConfig() refuses ${args.join(" ")}`, () => {
    const error = assertThrows(() => read(args), InvalidInputError);
    assertEquals(error.problems[0]?.field, field);
  });
}
