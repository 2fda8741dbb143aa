import { assertEquals } from "@std/assert";
import { copyLauncher } from "../../support/launcher_shells.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import { IS_ROOT, type LaunchBench, testShells } from "./launch_bench.ts";

// What the launcher says of users: asked of the host's database, not of a file.

testShells("says what the host knows of a user", async (bench) => {
  const { stdout } = await new Deno.Command("/usr/bin/getent", {
    args: ["passwd", "root"],
  }).output();
  const fields = new TextDecoder().decode(stdout).trim().split(":");
  const known = [
    "account 0 0",
    "name root",
    `home ${fields[5]}`,
    `shell ${fields[6]}`,
  ];
  for (const user of ["root", "0", "000"]) {
    assertEquals(await bench.ask("user", [`user ${user}`]), known, user);
  }
});

testShells("takes nobody for root by accident", async (bench) => {
  for (
    const user of [
      "no-such-user",
      // Their lowest 32 bits are 0, and all bits 1 is "as it is".
      "4294967296",
      "18446744073709551616",
      "4294967295",
      "123456789",
      "-0",
      "+0",
      " 0",
      "0 ",
      "-1",
      "root ",
      "root:x:0",
      "$(echo root)",
      "*",
      "-",
      "--help",
      "-s files",
    ]
  ) {
    assertEquals(await bench.ask("user", [`user ${user}`]), [], user);
  }
});

testShells("says who it is itself, with or without an entry", async (bench) => {
  const [account = ""] = await bench.ask("user", ["user "]);
  assertEquals(account, `account ${Deno.uid()} ${Deno.gid()}`);
  if (!IS_ROOT) return;
  const by = [
    "/usr/bin/setpriv",
    "--reuid=54321",
    "--regid=5",
    "--clear-groups",
  ];
  await Deno.chmod(bench.dir, 0o755);
  assertEquals(await bench.askBare("user", ["user ", "end"], by), [
    "account 54321 5",
    "name 54321",
    "home /",
    // The launcher's /bin/sh, which is another one for the test.
    `shell ${bench.dir}/sh`,
  ]);
});

/** A launcher on a host whose database answers with these lines. */
async function fakeDatabase(bench: LaunchBench, body: string): Promise<void> {
  const tools = `${bench.dir}/tools`;
  await Deno.mkdir(tools);
  await writeProgram(`${tools}/getent`, `#!/bin/sh\n${body}\n`);
  await copyLauncher(
    bench.dir,
    (script) =>
      script.replaceAll("/bin/sh", `${bench.dir}/sh`)
        .replace("tools=/usr/bin", `tools=${tools}`),
  );
}

testShells("reads any entry that a database may have", async (bench) => {
  await fakeDatabase(
    bench,
    `[ "$1 $2" = "passwd --" ] || exit 9
    case $3 in
      gecos) echo 'gecos:x:7:8:A *, B $(touch x):/home/a b:/bin/x y' ;;
      empty) echo 'empty::7:8:::' ;;
      short) echo 'short:x:7' ;;
      huge) echo 'huge:x:4294967295:8::/:/bin/sh' ;;
      odd) echo 'odd:x:0x0:0::/:/bin/sh' ;;
      down) exit 1 ;;
      *) exit 2 ;;
    esac`,
  );
  const ask = (user: string) => bench.ask("user", [`user ${user}`]);
  assertEquals(await ask("gecos"), [
    "account 7 8",
    "name gecos",
    "home /home/a b",
    "shell /bin/x y",
  ]);
  assertEquals(await ask("empty"), [
    "account 7 8",
    "name empty",
    "home /",
    `shell ${bench.dir}/sh`,
  ]);
  for (const user of ["short", "huge", "odd", "none"]) {
    assertEquals(await ask(user), [], user);
  }
  assertEquals(await ask("down"), [
    `error cannot ask for users with ${bench.dir}/tools/getent`,
  ]);
});
