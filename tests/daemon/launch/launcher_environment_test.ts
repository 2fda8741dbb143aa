import { assert, assertEquals } from "@std/assert";
import { exists, type LaunchBench, testShells } from "./launch_bench.ts";

// The workload is `cat /proc/self/environ` or /proc/self/cmdline: no shell
// stands between what the launcher executed and what is compared.

/** The environment that a workload gets, sorted. */
async function environmentOf(
  bench: LaunchBench,
  environment: readonly string[],
): Promise<string[]> {
  const launch = await bench.launch({
    environment,
    command: ["/usr/bin/cat", "/proc/self/environ"],
  });
  assertEquals(await launch.end(), "1 exited 0 no", await launch.stderr());
  return (await launch.stdout()).split("\0").slice(0, -1).sort();
}

/** What the shell itself cannot be kept from adding. */
function addedBy({ shell }: LaunchBench): string[] {
  return shell.name === "bash" ? ["SHLVL=0"] : [];
}

async function assertArrives(
  bench: LaunchBench,
  environment: readonly string[],
): Promise<void> {
  assertEquals(
    await environmentOf(bench, environment),
    [...environment, ...addedBy(bench)].sort(),
  );
}

testShells(
  "gives an empty environment when none is asked for",
  (bench) => assertArrives(bench, []),
);

testShells(
  "passes loader variables on to the workload",
  (bench) =>
    assertArrives(bench, [
      "LD_LIBRARY_PATH=/nonexistent",
      "LD_BIND_NOW=1",
      "GCONV_PATH=/nonexistent",
    ]),
);

testShells("passes every value on byte for byte", (bench) => {
  const values = [
    "",
    " ",
    "  two  spaces  ",
    "\t",
    "\n",
    "\n\n\n",
    "a\nb",
    "trailing\n",
    "trailing\n\n",
    "\nleading",
    "=",
    "+",
    "=a\n+b\n=c",
    "end",
    "a\nend",
    "argv 1",
    "a\nargv 1\n=/usr/bin/touch",
    "-n",
    "-e",
    "--",
    "-rf /",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "$HOME",
    "*",
    "/*",
    "?[a-z]*",
    "~",
    "~root",
    "\\",
    "\\\\",
    "\\n",
    "a\\\nb",
    "trailing\\",
    "'",
    '"',
    "'\"'\"",
    "a'; touch pwned; '",
    "!",
    "#",
    "a;b&c|d<e>f(g)h{i}j",
    "\r",
    "a\r\nb",
    "\x01\x02\x1b\x7f",
    "ü – 日本語 🎮",
    "x".repeat(20_000),
    `${"line\n".repeat(500)}`,
  ];
  return assertArrives(
    bench,
    values.map((value, index) => `V${index}=${value}`),
  );
});

testShells(
  "passes every UTF-8 byte on, quoted and beside newlines",
  (bench) => {
    // Shells use some of the bytes above 127 as marks of their own.
    const all = Array.from(
      { length: 0x700 },
      (_, index) => String.fromCodePoint(0x80 + index),
    );
    const wide = ["\u1000", "\u2060", "\u8181", "\uffff", "\u{10ffff}"];
    return assertArrives(bench, [
      `PLAIN=${all.join("")}`,
      `LINES=${all.join("\n")}`,
      `SLASHES=${all.join("\\")}`,
      `WIDE=${wide.join("\\\n")}`,
    ]);
  },
);

testShells(
  "is not disturbed by variables named like its own",
  (bench) =>
    assertArrives(
      bench,
      [
        "value",
        "left",
        "pending",
        "dir",
        "command",
        "n",
        "version",
        "tools",
        "verb",
        "user",
        "drop",
        "HOME",
        "PWD",
        "OLDPWD",
        "PATH",
        "CDPATH",
        "ENV",
        "BASH_ENV",
        "POSIXLY_CORRECT",
        "PS1",
        "PS4",
        "MAIL",
        "LINES",
        "TERM",
        "a",
        "A1_",
        "__",
      ].map((name) => `${name}=/nonexistent; exit 9`),
    ),
);

testShells(
  "is not disturbed by an IFS of the workload",
  (bench) => assertArrives(bench, ["IFS=/=A", "A=1", "B=a b/c"]),
);

/** Names to which some shell gives a meaning of its own. */
const SPECIAL_NAMES = [
  "OPTIND",
  "OPTARG",
  "LINENO",
  "PPID",
  "HISTSIZE",
  "FUNCNAME",
  "HISTCMD",
  "RANDOM",
  "SECONDS",
  "UID",
  "EUID",
  "SHELLOPTS",
  "BASHOPTS",
  "BASH_VERSINFO",
  "DIRSTACK",
  "GROUPS",
  "PIPESTATUS",
  "BASH_ARGV0",
  "EPOCHSECONDS",
];

testShells(
  "passes names on that mean something to a shell, or refuses them",
  async (bench) => {
    const launches = await Promise.all(SPECIAL_NAMES.map(async (name) => {
      const variable = `${name}=left[$(/usr/bin/touch ${bench.dir}/pwned)]`;
      const launch = await bench.launch({
        environment: [variable],
        command: ["/usr/bin/cat", "/proc/self/environ"],
      });
      await launch.end();
      const variables = (await launch.stdout()).split("\0");
      const answers = (await launch.answers).join("\n");
      return variables.includes(variable) || /^error .*variable/m.test(answers)
        ? "ok"
        : `${name}: ${answers.split("\n").at(-1)}, ${await launch.stderr()}`;
    }));
    assertEquals(await exists(`${bench.dir}/pwned`), false);
    assertEquals(launches.filter((outcome) => outcome !== "ok"), []);
  },
);

testShells("lets the last of two equal names win", async (bench) => {
  assertEquals(
    await environmentOf(bench, ["A=1", "B=2", "A=3"]),
    ["A=3", "B=2", ...addedBy(bench)].sort(),
  );
});

testShells(
  "takes 1,000 variables of 100 bytes in a few seconds",
  async (bench) => {
    const startMs = performance.now();
    await assertArrives(
      bench,
      Array.from(
        { length: 1_000 },
        (_, index) => `V${index}=`.padEnd(100, "x"),
      ),
    );
    assert(performance.now() - startMs < 10_000);
  },
);

testShells("passes every argument on byte for byte", async (bench) => {
  const args = [
    "",
    " ",
    "a b",
    "\n",
    "a\nb\n",
    "-n",
    "--",
    "=",
    "+",
    "end",
    "$(touch pwned)",
    "*",
    "\\",
    "'\"",
    "é\u0081\u0088",
    "A=1",
    "",
  ];
  const launch = await bench.launch({
    command: ["/usr/bin/cat", "/proc/self/cmdline", "--", ...args],
  });
  // cat complains of the files that are none, after it has shown the first.
  await launch.end();
  assertEquals(
    (await launch.stdout()).split("\0").slice(0, 3 + args.length),
    ["/usr/bin/cat", "/proc/self/cmdline", "--", ...args],
  );
});
