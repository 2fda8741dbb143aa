import { assertEquals, assertThrows } from "@std/assert";
import { type DaemonConfig, readConfig } from "../../daemon/config.ts";
import { CONFIG_KEYS } from "../../daemon/config_keys.ts";
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
    [[], { file_dirs: ["a"] }, "file_dirs[0]"],
    [[], { file_dirs: ["/a\n"] }, "file_dirs[0]"],
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
    [["--cgroup=", "--limits=require"], "cgroup"],
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

Deno.test("readConfig() takes every key from the file and as a flag", () => {
  const settings = {
    data_dir: "/d",
    workspace_dir: "/w",
    log_dir: "/l",
    pid_dir: "/p",
    unix_socket: "/s",
    launcher: "/launch",
    file_dirs: ["/f", "/g"],
    default_user: "game",
    allowed_users: ["game", "1000"],
    cgroup: "games",
    limits: "require",
    log_file_mib: 1,
    log_files: 2,
    package_mib: 3,
    package_unpacked_mib: 4,
    package_cache_mib: 5,
    package_cache_days: 6,
    package_user: "unpack",
    heartbeat_timeout: 7,
    log_level: "error",
    log_format: "logfmt",
  };
  assertEquals(Object.keys(settings), Object.keys(CONFIG_KEYS));
  const flags = Object.entries(settings)
    .map(([key, value]) => `--${key.replaceAll("_", "-")}=${value}`);
  const expected: DaemonConfig = {
    dataDir: "/d",
    workspaceDir: "/w",
    logDir: "/l",
    pidDir: "/p",
    unixSocket: "/s",
    launcher: "/launch",
    fileDirs: ["/f", "/g"],
    users: { fallback: "game", allowed: ["game", "1000"] },
    groups: { parent: "games", isRequired: true },
    logs: { fileBytes: 2 ** 20, files: 2 },
    packages: {
      packageBytes: 3 * 2 ** 20,
      unpackedBytes: 4 * 2 ** 20,
      cacheBytes: 5 * 2 ** 20,
      cacheMs: 6 * 86_400_000,
      unpacker: "unpack",
    },
    heartbeatTimeoutMs: 7_000,
    logLevel: "error",
    logFormat: "logfmt",
  };
  assertEquals(read([], settings), expected);
  assertEquals(read(flags), expected);
});

Deno.test("readConfig() shows what would be in force as a file of the same", () => {
  const check = (args: readonly string[], file = "{}") => {
    const args_ = ["-f", "/c", "--check-config", ...args];
    const line = readConfig(args_, () => file, "/launcher.sh");
    if (line.action !== "check") throw new Error("It does not check");
    return line.settings;
  };
  const shown = check(["--workspace-dir=/ws", "--log-files=9"]);
  assertEquals(Object.keys(shown), Object.keys(CONFIG_KEYS));
  assertEquals(shown.file_dirs, ["/ws"]);
  assertEquals(shown.launcher, "/launcher.sh");
  assertEquals(check([], JSON.stringify(shown)), shown);
});

Deno.test("readConfig() names every problem of file and flags at once", () => {
  const error = assertThrows(
    () =>
      read(["--limits=x", "--nope", "--package-user=-r"], {
        data_dir: "d",
        log_files: 0,
        heartbeat_timeout: "1.5",
        allowed_users: ["a b", 1],
        unix_sockt: "/s",
      }),
    InvalidInputError,
  );
  assertEquals(
    error.problems.map(({ field }: { field: string }) => field).sort(),
    [
      "--limits",
      "--nope",
      "--package-user",
      "/config.json: unix_sockt",
      "allowed_users[0]",
      "allowed_users[1]",
      "data_dir",
      "heartbeat_timeout",
      "log_files",
    ],
  );
});

for (const text of ["", "{", "[]", "null", "1"]) {
  Deno.test(`readConfig() refuses the file ${JSON.stringify(text)}`, () => {
    const error = assertThrows(
      () => readConfig(["-f", "/c"], () => text, "/launcher.sh"),
      InvalidInputError,
    );
    assertEquals(error.problems.length, 1);
    assertEquals(error.problems[0]?.field, "/c");
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
