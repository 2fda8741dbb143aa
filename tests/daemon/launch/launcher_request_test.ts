import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeLaunch } from "../../../daemon/launch/encode_request.ts";
import { LAUNCHER_PATH } from "../../support/launcher_shells.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import {
  exists,
  type LaunchBench,
  readIfThere,
  testShells,
} from "./launch_bench.ts";

// Requests that are cut, hostile or cannot be carried out.

/** A workload that leaves a trace. */
function touch(bench: LaunchBench): readonly [string, ...string[]] {
  return ["/usr/bin/touch", `${bench.dir}/ran`];
}

async function assertNothingRan(bench: LaunchBench): Promise<void> {
  assertEquals(await exists(`${bench.dir}/ran`), false);
  // The launcher's own folder at its start: nothing was dropped there.
  assertEquals([...Deno.readDirSync(`${bench.dir}/here`)], []);
}

testShells("starts nothing for a request cut at any byte", async (bench) => {
  const encoder = new TextEncoder();
  const whole = async () => {
    const request = await bench.request({
      environment: ["A=\n", "B="],
      command: touch(bench),
    });
    const bytes = encoder.encode(`${encodeLaunch(request).join("\n")}\n`);
    return { request, bytes };
  };
  const { length } = (await whole()).bytes;
  const cuts = Array.from({ length }, (_, index) => index);
  const cutOne = async () => {
    for (let cut = cuts.pop(); cut !== undefined; cut = cuts.pop()) {
      const { request, bytes } = await whole();
      const launch = await bench.send(request, bytes.slice(0, cut));
      await launch.end();
      const isThere = await exists(`${bench.dir}/ran`);
      assert(!isThere, `cut at ${cut} of ${length}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, cutOne));
  const { request, bytes } = await whole();
  await (await bench.send(request, bytes)).end();
  assertEquals(await exists(`${bench.dir}/ran`), true);
});

testShells("refuses requests that are not what they must be", async (bench) => {
  const request = await bench.request({ command: touch(bench) });
  const lines = encodeLaunch(request);
  const replace = (index: number, ...by: string[]) =>
    lines.toSpliced(index, 1, ...by);
  for (
    const [broken, answer] of [
      [replace(0, "bcs-launcher 2"), "version 1"],
      [replace(0), "version 1"],
      [replace(1), '"folder"'],
      [replace(2), '"user"'],
      [replace(3, "stdout"), '"stdout"'],
      [replace(5), '"settings"'],
      [replace(6), "no body"],
      [replace(6, "begin "), "no body"],
    ] as const
  ) {
    const launch = await bench.send(request, `${broken.join("\n")}\n`);
    assertStringIncludes((await launch.answers).join("\n"), answer);
    assertEquals(await launch.end(), "");
  }
  await assertNothingRan(bench);
});

testShells("refuses bodies that are not what they must be", async (bench) => {
  for (
    const [body, answer] of [
      [["env x", "argv 1", "=CMD", "end"], "number of variables"],
      [["env 1", "argv 1", "=CMD", "end"], "no value"],
      [["env 0", "argv 2", "=CMD", "end"], "no value"],
      [["env 0", "argv 0", "end"], "no command"],
      [["env 0", "argv -1", "=CMD", "end"], "no command"],
      [["env 0", "argv", "=CMD", "end"], "no arguments"],
      [["env 0", "argv 1", "CMD", "end"], "no value"],
      [["env 0", "argv 1", "=CMD", "=more", "end"], "was cut"],
      [["env 0", "argv 1", "=CMD"], "was cut"],
      [["env 1", "=NOEQUALS", "argv 1", "=CMD", "end"], "no valid name"],
      [["env 1", "=1A=x", "argv 1", "=CMD", "end"], "no valid name"],
      [["env 1", "=-p=x", "argv 1", "=CMD", "end"], "no valid name"],
      [["env 1", "=A B=x", "argv 1", "=CMD", "end"], "no valid name"],
      [["env 1", "=A$(touch x)=x", "argv 1", "=CMD", "end"], "no valid name"],
      [["env 1", "=A", "+=x", "argv 1", "=CMD", "end"], "no valid name"],
      [["env 1", "=É=x", "argv 1", "=CMD", "end"], "no valid name"],
    ] as const
  ) {
    const request = await bench.request({ command: touch(bench) });
    const head = encodeLaunch(request).slice(0, 9);
    const text = [...head, ...body].join("\n").replaceAll(
      "CMD",
      "/usr/bin/true",
    );
    const launch = await bench.send(request, `${text}\n`);
    assertStringIncludes((await launch.answers).join("\n"), answer);
    assertEquals(await launch.end(), "1 exited 125 no", body.join("; "));
  }
  await assertNothingRan(bench);
});

testShells("says where a body was cut, and not to its log", async (bench) => {
  for (const next of ["dir", "umask", "env"]) {
    const request = await bench.request({ command: touch(bench) });
    const lines = encodeLaunch(request);
    const cut = lines.findIndex((line) => line.startsWith(`${next} `));
    const launch = await bench.send(
      request,
      `${lines.slice(0, cut).join("\n")}\n`,
    );
    const text = `the request ends before "${next}"`;
    assertEquals((await launch.answers).slice(1), [`error ${text}`]);
    assertEquals(await launch.end(), "1 exited 125 no");
    assertEquals(await launch.stdout(), "");
    assertEquals(await launch.stderr(), `bcs-process: ${text}\n`);
  }
  await assertNothingRan(bench);
});

testShells("refuses what is no user, and no settings", async (bench) => {
  const request = await bench.request({ command: touch(bench) });
  const lines = encodeLaunch(request);
  for (
    const user of [
      "root",
      "0",
      "0 0 0",
      "-1 0",
      "0 -1",
      "+0 0",
      "0x0 0",
      "$(id) 0",
      "* 0",
      "-u 0",
      // Either is "as it is" to the kernel.
      "4294967295 0",
      "65534 4294967295",
      "4294967296 0",
      "99999999999999999999 0",
    ]
  ) {
    const text = lines.toSpliced(2, 1, `user ${user}`).join("\n");
    const launch = await bench.send(request, `${text}\n`);
    assertEquals(await launch.answers, [
      "error the request has no user where it must stand",
    ], user);
    assertEquals(await launch.end(), "");
  }
  for (
    const settings of [
      "",
      "0 0",
      "0 0 - - - -",
      "x 0 - - -",
      "0 $(x) - - -",
      "0 0 -1 - -",
      "0 0 - * -",
      "0 0 - - unlimited",
      "0 0 - - --pid",
    ]
  ) {
    const text = lines.toSpliced(5, 1, `settings ${settings}`).join("\n");
    const launch = await bench.send(request, `${text}\n`);
    const answers = (await launch.answers).join("\n");
    assertStringIncludes(answers, "error the request has no ", settings);
    assertEquals(await launch.end(), "");
  }
  await assertNothingRan(bench);
});

testShells("refuses a run folder that cannot be entered", async (bench) => {
  for (
    const folder of ["-", "-P", "-rf", "--", "~", "$(pwd)", "nowhere", "*"]
  ) {
    const request = await bench.request({ command: touch(bench) });
    const lines = encodeLaunch({ ...request, folder });
    const launch = await bench.send(request, `${lines.join("\n")}\n`);
    assertEquals(
      await launch.answers,
      ["error cannot enter the run folder"],
      folder,
    );
    await launch.child.status;
  }
  await assertNothingRan(bench);
});

testShells("takes every header field as it is written", async (bench) => {
  const hostile = "$(touch x)`touch x`\"'\\ * -rf; touch x &é";
  const launch = await bench.launch({
    folder: `${bench.dir}/run ${hostile}`,
    stdoutPath: `${bench.dir}/out ${hostile}`,
    stderrPath: `${bench.dir}/err ${hostile}`,
    command: ["/bin/sh", "-c", "echo out; echo err >&2"],
  });
  assertEquals(await launch.end(), "1 exited 0 no");
  assertEquals([await launch.stdout(), await launch.stderr()], [
    "out\n",
    "err\n",
  ]);
  await assertNothingRan(bench);
});

testShells("says that a log cannot be opened", async (bench) => {
  const launch = await bench.launch({
    stdoutPath: `${bench.dir}/nowhere/stdout`,
    command: touch(bench),
  });
  assertEquals(await launch.answers, []);
  await launch.child.status;
  assertStringIncludes(await launch.errors(), "nowhere/stdout");
  await assertNothingRan(bench);
});

testShells("says why a command cannot be executed", async (bench) => {
  const { dir } = bench;
  await Deno.writeTextFile(`${dir}/work/plain`, "#!/bin/sh\n", { mode: 0o644 });
  for (
    const [workDir, command, code, text] of [
      [
        `${dir}/no`,
        "/usr/bin/true",
        126,
        `cannot enter the work folder ${dir}/no`,
      ],
      [`${dir}/work`, "./no", 127, "the command ./no does not exist"],
      [
        `${dir}/work`,
        "/no/$(touch x)",
        127,
        "the command /no/$(touch x) does not exist",
      ],
      [
        `${dir}/work`,
        "./plain",
        126,
        "the command ./plain is not an executable file",
      ],
      [
        `${dir}/work`,
        "/usr",
        126,
        "the command /usr is not an executable file",
      ],
    ] as const
  ) {
    const launch = await bench.launch({ workDir, command: [command] });
    assertEquals((await launch.answers).slice(1), [`error ${text}`]);
    assertEquals(await launch.end(), `1 exited ${code} no`);
    assertStringIncludes(await launch.stderr(), `bcs-process: ${text}`);
  }
});

testShells("looks for a word in the folders of PATH alone", async (bench) => {
  const { dir } = bench;
  // A program of that name, or what the shell does itself, is not meant.
  for (const folder of ["work", "a", "b"]) {
    await Deno.mkdir(`${dir}/${folder}`, { recursive: true });
    const text = `#!/bin/sh\necho ${folder} "$0"\n`;
    await writeProgram(`${dir}/${folder}/printf`, text);
    await writeProgram(`${dir}/${folder}/own`, text);
  }
  await Deno.chmod(`${dir}/a/own`, 0o644);
  await Deno.mkdir(`${dir}/a/folder`);
  const run = async (command: string, ...environment: string[]) => {
    const launch = await bench.launch({ command: [command], environment });
    await launch.end();
    return (await launch.stdout()).trim() || (await launch.stderr()).trim();
  };
  const none = "bcs-process: there is no such program in PATH";
  const both = `PATH=::.:work:${dir}/none:${dir}/a:${dir}/b`;
  assertEquals(await run("printf", both), `a ${dir}/a/printf`);
  // Not the one that cannot be executed.
  assertEquals(await run("own", both), `b ${dir}/b/own`);
  assertEquals(await run("own", both, `PATH=${dir}/a`), none);
  assertEquals(await run("folder", both), none);
  assertEquals(await run("own", "PATH="), none);
  assertEquals(await run("*", both), none);
  assertEquals(await run("own"), none);
  assertEquals(await run("pwd"), `${dir}/work`);
});

testShells("takes a path that begins with a dash for one", async (bench) => {
  await Deno.mkdir(`${bench.dir}/work/-c`);
  await writeProgram(`${bench.dir}/work/-c/run`, '#!/bin/sh\necho "$@"\n');
  const launch = await bench.launch({ command: ["-c/run", "-a", "b"] });
  assertEquals(await launch.end(), "1 exited 0 no", await launch.stderr());
  assertEquals(await launch.stdout(), "-a b\n");
});

testShells("refuses what is no request", async (bench) => {
  for (const verb of ["", "reboot", "fail", "look", "$(touch x)", "--help"]) {
    assertEquals(await bench.ask(verb, []), ["error there is no such request"]);
  }
  await assertNothingRan(bench);
});

testShells("leaves no trace in its errors when all is well", async (bench) => {
  const launch = await bench.launch({});
  await launch.end();
  assertEquals(await readIfThere(`${launch.request.folder}/errors`), "");
});

const HAS_SHELLCHECK = await exists("/usr/bin/shellcheck");

Deno.test({
  name: "launcher.sh has nothing that shellcheck objects to" +
    (HAS_SHELLCHECK ? "" : " (skipped: shellcheck is missing)"),
  ignore: !HAS_SHELLCHECK,
  async fn() {
    const { stdout } = await new Deno.Command("/usr/bin/shellcheck", {
      args: ["-x", "-a", "-P", "SCRIPTDIR", LAUNCHER_PATH],
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "");
  },
});
