import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  executorArguments,
  type ExecutorPlace,
} from "../../scripts/permissions.ts";
import {
  LAUNCHER_SHELLS,
  type LauncherShell,
} from "../support/launcher_shells.ts";
import { type TempDir, tempDir, writeProgram } from "../support/temp_dir.ts";

const SCRIPT = decodeURIComponent(
  new URL("../../scripts/bcs-process-executor", import.meta.url).pathname,
);
const SHELLCHECK = "/usr/bin/shellcheck";
/** Says what it was started with, an argument per line. */
const FAKE_DENO = `#!/bin/sh\nprintf '%s\\n' fake "$@"\n`;

type Environment = Readonly<Record<string, string>>;

/** What an agent sets at least. */
const AGENT: Environment = { MESOS_AGENT_ENDPOINT: "10.0.0.1:5051" };
const PLACE: ExecutorPlace = {
  endpoint: "10.0.0.1:5051",
  socket: "/var/run/process.sock",
};

/** An installation and an empty sandbox. */
class Host {
  readonly home: string;
  readonly program: string;
  readonly sandbox: string;

  private constructor(readonly dir: string, readonly shell: LauncherShell) {
    this.home = `${dir}/home`;
    this.program = `${this.home}/executor/main.js`;
    this.sandbox = `${dir}/sandbox`;
  }

  static async make({ path }: TempDir, shell: LauncherShell): Promise<Host> {
    const host = new Host(path, shell);
    await Deno.mkdir(`${host.home}/executor`, { recursive: true });
    await Deno.mkdir(host.sandbox);
    await Deno.writeTextFile(host.program, "");
    await writeProgram(`${host.home}/deno`, FAKE_DENO);
    return host;
  }

  /** Runs the script with exactly this environment, and BCS_PROCESS_HOME. */
  async run(env: Environment, ...args: string[]) {
    const { path, name } = this.shell;
    const { code, stdout, stderr } = await new Deno.Command(path ?? name, {
      args: [...(name === "busybox" ? ["sh"] : []), SCRIPT, ...args],
      cwd: this.sandbox,
      clearEnv: true,
      env: { BCS_PROCESS_HOME: this.home, ...env },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    return { code, out: out ?? "", err: err ?? "" };
  }

  /** What it would start Deno with. */
  async argumentsFor(env: Environment, ...args: string[]): Promise<string[]> {
    const { code, out, err } = await this.run(env, ...args);
    assertEquals([code, err], [0, ""]);
    const [program, ...given] = out.trimEnd().split("\n");
    assertEquals(program, "fake");
    return given;
  }

  /** What it says when it starts nothing. */
  async complaintAbout(env: Environment): Promise<string[]> {
    const { code, out, err } = await this.run(env);
    assertEquals([code, out], [2, ""]);
    return err.trimEnd().split("\n");
  }
}

/** Runs a test under every shell that is installed. */
function testHost(name: string, test: (host: Host) => Promise<void>): void {
  for (const shell of LAUNCHER_SHELLS) {
    Deno.test({
      name: `bcs-process-executor ${name}, ${shell.name}` +
        (shell.path === null ? " (skipped: it is missing)" : ""),
      ignore: shell.path === null,
      async fn() {
        await using dir = await tempDir();
        await test(await Host.make(dir, shell));
      },
    });
  }
}

testHost(
  "lets no proxy come between the executor and its agent",
  async (host) => {
    await writeProgram(`${host.home}/deno`, "#!/bin/sh\n/usr/bin/env\n");
    const proxy = "http://10.0.0.9:3128";
    const names = ["http_proxy", "https_proxy", "all_proxy"];
    const proxies = [...names, ...names.map((name) => name.toUpperCase())]
      .map((name) => [name, proxy]);
    const { code, out } = await host.run({
      ...AGENT,
      ...Object.fromEntries(proxies),
    });
    assertEquals(code, 0);
    assertStringIncludes(out, "MESOS_AGENT_ENDPOINT=");
    assertEquals(out.includes(proxy), false);
  },
);

testHost("gives the executor's permissions and none more", async (host) => {
  const cases: readonly (readonly [Environment, ExecutorPlace])[] = [
    [AGENT, PLACE],
    [
      { MESOS_SLAVE_PID: "slave(1)@[fe80::1]:5051" },
      { ...PLACE, endpoint: "[fe80::1]:5051" },
    ],
    [
      { ...AGENT, MESOS_SLAVE_PID: "slave(1)@10.0.0.2:5051" },
      PLACE,
    ],
    [
      { ...AGENT, BCS_PROCESS_SOCKET: "/run/it's*$(id)" },
      { ...PLACE, socket: "/run/it's*$(id)" },
    ],
    [
      { ...AGENT, MESOS_DOMAIN_SOCKET: "/run/agent.sock" },
      { ...PLACE, domainSocket: "/run/agent.sock" },
    ],
    [
      {
        ...AGENT,
        LIBPROCESS_SSL_CA_FILE: "/tls/ca",
        SSL_CA_FILE: "/tls/other",
        SSL_CERT_FILE: "/tls/cert",
        LIBPROCESS_SSL_KEY_FILE: "/tls/key",
      },
      { ...PLACE, tlsFiles: ["/tls/ca", "/tls/cert", "/tls/key"] },
    ],
  ];
  for (const [env, place] of cases) {
    assertEquals(
      await host.argumentsFor(env),
      executorArguments(host.program, place),
    );
  }
  assertEquals(
    await host.argumentsFor(AGENT, "--codec=protobuf"),
    executorArguments(host.program, { ...PLACE, codec: "protobuf" }),
  );
});

testHost("refuses what would change the list of permissions", async (host) => {
  const rule = "must hold no comma, space or control character";
  const paths = [
    "BCS_PROCESS_SOCKET",
    "MESOS_DOMAIN_SOCKET",
    "SSL_CA_FILE",
    "SSL_CERT_FILE",
    "SSL_KEY_FILE",
  ];
  for (const name of paths) {
    for (const path of ["/a,/etc", "/a b", "/a\n/etc", "/a\t", "/a\x7f"]) {
      assertEquals(await host.complaintAbout({ ...AGENT, [name]: path }), [
        `bcs-process-executor: ${name} ${rule}`,
      ]);
    }
    assertEquals(await host.complaintAbout({ ...AGENT, [name]: "a/b" }), [
      `bcs-process-executor: ${name} must be an absolute path: current value ` +
      "is a/b",
    ]);
  }
  const endpoints = [
    "a:1,b:2",
    "a b:1",
    "a:1\n",
    "unix:/a",
    "a",
    "5051",
    ":5051",
    "a:",
    "a:b",
    "*:5051",
  ];
  for (const endpoint of endpoints) {
    const environments = [
      { MESOS_AGENT_ENDPOINT: endpoint },
      { MESOS_SLAVE_PID: `slave(1)@${endpoint}` },
    ];
    for (const env of environments) {
      assertEquals(await host.complaintAbout(env), [
        `bcs-process-executor: ${
          Object.keys(env)[0]
        } must name host:port, in ` +
        "letters, digits and .:_-[] only",
      ]);
    }
  }
});

testHost("says everything that is missing at once", async (host) => {
  await Deno.remove(`${host.home}/deno`);
  await Deno.remove(host.program);
  assertEquals(await host.complaintAbout({ PATH: "/nowhere" }), [
    "bcs-process-executor: MESOS_AGENT_ENDPOINT must be set to the agent's " +
    "host:port (or MESOS_SLAVE_PID to its libprocess id): is this program " +
    "started by an agent?",
    `bcs-process-executor: the executor was not found at ${host.program}: is ` +
    "bcs-process installed on this host, in the folder that " +
    "BCS_PROCESS_HOME names?",
    `bcs-process-executor: Deno was not found in ${host.home}, nor in PATH, ` +
    "which is /nowhere; BCS_PROCESS_DENO may name it",
  ]);
});

testHost("finds Deno where it is told, or where it belongs", async (host) => {
  const bin = `${host.dir}/bin`;
  await Deno.mkdir(bin);
  await Deno.rename(`${host.home}/deno`, `${bin}/deno`);
  const named = { ...AGENT, BCS_PROCESS_DENO: `${bin}/deno` };
  await host.argumentsFor(named);
  await host.argumentsFor({ ...AGENT, PATH: `/nowhere:${bin}` });
  // Not the one of the task, in the sandbox.
  await writeProgram(`${host.sandbox}/deno`, FAKE_DENO);
  await Deno.mkdir(`${host.dir}/*`);
  await Deno.rename(`${bin}/deno`, `${host.dir}/*/deno`);
  await host.argumentsFor({ ...AGENT, PATH: `:.:${host.dir}/*` });
  await Deno.rename(`${host.dir}/*/deno`, `${bin}/deno`);
  for (const PATH of [".", "", ":/nowhere", `${host.dir}/b*`]) {
    const [complaint] = await host.complaintAbout({ ...AGENT, PATH });
    assertStringIncludes(complaint ?? "", "Deno was not found in");
  }
  for (const BCS_PROCESS_DENO of ["./deno", bin, host.program, "/nowhere"]) {
    const env = { ...AGENT, PATH: bin, BCS_PROCESS_DENO };
    assertEquals(await host.complaintAbout(env), [
      `bcs-process-executor: Deno was not found at ${BCS_PROCESS_DENO}, which ` +
      "BCS_PROCESS_DENO names",
    ]);
  }
});

testHost("needs neither a home nor a sandbox to write to", async (host) => {
  await Deno.writeTextFile(
    host.program,
    `const { args, env, permissions } = Deno;
    const ask = async (descriptor) =>
      (await permissions.query(descriptor)).state;
    console.log(JSON.stringify([
      args,
      env.get("MESOS_SANDBOX"),
      await ask({ name: "net", host: "[::1]:80" }),
      await ask({ name: "net", host: "127.0.0.1:80" }),
      await ask({ name: "net", host: "10.0.0.1:5051" }),
      await ask({ name: "env", variable: "LIBPROCESS_SSL_CA_FILE" }),
      await ask({ name: "net", host: "10.0.0.1:5052" }),
      await ask({ name: "env", variable: "HOME" }),
      await ask({ name: "read", path: "." }),
      await ask({ name: "write", path: "." }),
      await ask({ name: "run" }),
      await ask({ name: "sys" }),
    ]));`,
  );
  await Deno.writeTextFile(`${host.home}/deno.json`, "not JSON");
  await Deno.writeTextFile(`${host.sandbox}/deno.json`, "not JSON");
  await Deno.chmod(host.sandbox, 0o555);
  // Or its owner, unless that is root, could not remove it.
  await using undo = new AsyncDisposableStack();
  undo.defer(() => Deno.chmod(host.sandbox, 0o755));
  const env = { ...AGENT, BCS_PROCESS_DENO: Deno.execPath() };
  for (const home of [{}, { HOME: "" }, { HOME: "/nonexistent" }]) {
    const { code, out, err } = await host.run({
      ...env,
      MESOS_SANDBOX: host.sandbox,
      ...home,
    });
    assertEquals([code, err], [0, ""]);
    assertEquals(JSON.parse(out), [
      ["--socket=/var/run/process.sock"],
      host.sandbox,
      ...Array(4).fill("granted"),
      ...Array(6).fill("prompt"),
    ]);
  }
  assertEquals(
    [...Deno.readDirSync(host.sandbox)].map(({ name }) => name),
    ["deno.json"],
  );
});

const HAS_SHELLCHECK = await Deno.lstat(SHELLCHECK).then(
  () => true,
  () => false,
);

Deno.test({
  name: "bcs-process-executor has nothing that shellcheck objects to" +
    (HAS_SHELLCHECK ? "" : " (skipped: shellcheck is missing)"),
  ignore: !HAS_SHELLCHECK,
  async fn() {
    const { stdout } = await new Deno.Command(SHELLCHECK, {
      args: ["--shell=sh", SCRIPT],
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "");
  },
});
