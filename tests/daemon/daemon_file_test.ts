import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import type { ProcessFile } from "../../shared/manager_api/types.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { exists, IS_ROOT } from "./launch/launch_bench.ts";
import { eventually } from "./support/eventually.ts";

// Files and fetched variables of processes, under a real daemon.

const SECRET = "hunter2";
const NEEDS_ROOT = "(skipped: needs root, to be somebody else)";

/** What processes have fetched; answers can be held back. */
class Registry implements AsyncDisposable {
  /** Paths that whoever asked for them did not wait for. */
  readonly givenUp = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #held = new Map<string, PromiseWithResolvers<void>>();
  #asked = new Map<string, PromiseWithResolvers<void>>();

  constructor() {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
    }, async ({ url, headers, signal }) => {
      const { pathname } = new URL(url);
      signal.addEventListener("abort", () => this.givenUp.add(pathname));
      this.#asked.get(pathname)?.resolve();
      await this.#held.get(pathname)?.promise;
      if (pathname === "/missing") return new Response("", { status: 404 });
      const who = headers.get("authorization") ?? "nobody";
      return new Response(`${SECRET} for ${who}\nline 2`);
    });
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** Lets nothing through until it is let go. */
  hold(path: string): { asked: Promise<void>; letGo: () => void } {
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    this.#held.set(path, held);
    this.#asked.set(path, asked);
    return { asked: asked.promise, letGo: held.resolve };
  }

  from(path: string) {
    return {
      From: `http://${this.host}${path}`,
      RemoteUser: "u",
      RemotePasswd: SECRET,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { resolve } of this.#held.values()) resolve();
    await this.#server.shutdown();
  }
}

const AUTHORIZED = `${SECRET} for Basic ${btoa(`u:${SECRET}`)}\nline 2`;

function file(part: Partial<ProcessFile> & { readonly To: string }) {
  return {
    Right: "r",
    User: "",
    Base64: part.Remote === undefined ? btoa(SECRET) : null,
    Remote: null,
    ...part,
  } as const;
}

async function assertNoSecret(daemon: TestDaemon): Promise<void> {
  const events = JSON.stringify(await daemon.client.events(0));
  for (const secret of [SECRET, btoa(SECRET)]) {
    assert(!daemon.log.includes(secret), daemon.log);
    assert(!events.includes(secret), events);
  }
}

Deno.test("daemon puts files and variables in place before a start", async () => {
  await using registry = new Registry();
  await using daemon = await TestDaemon.start({ hosts: [registry.host] });
  const { workspaceDir } = daemon;
  const id = await daemon.create({
    Id: "p",
    StartCmd: 'cat "$FILE" "$FETCHED" && printf "<%s>" "$VALUE" "$WINS"',
    Envs: [
      "PATH=/usr/bin",
      "FILE=${work_base_dir}/p/a b",
      "FETCHED=${run_base_dir}/f",
      "WINS=no",
    ],
    Files: [
      file({ To: "${work_base_dir}/p/a b", Right: "rw" }),
      file({ To: "${run_base_dir}/f", Remote: registry.from("/f") }),
    ],
    RemoteEnvs: [
      { Name: "VALUE", ...registry.from("/v") },
      {
        Name: "WINS",
        ...registry.from("/v"),
        RemoteUser: "",
        RemotePasswd: "",
      },
    ],
  });
  const { Result, ExitCode } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, ExitCode], ["exited", 0]);
  assertEquals(
    await Deno.readTextFile(`${daemon.logDir}/p.stdout`),
    `${SECRET}${AUTHORIZED}<${AUTHORIZED}><${SECRET} for nobody\nline 2>`,
  );
  const paths = [
    `${workspaceDir}/work_dir/p/a b`,
    `${workspaceDir}/run_dir/f`,
  ];
  const modes = paths.map((path) => (Deno.statSync(path).mode ?? 0) & 0o7777);
  assertEquals(modes, [0o660, 0o440]);
  await assertNoSecret(daemon);
  await daemon.leave();
  // A value that was fetched is nobody's to keep.
  for (const name of Deno.readDirSync(daemon.dataDir)) {
    if (!name.isFile) continue;
    const text = await Deno.readTextFile(`${daemon.dataDir}/${name.name}`);
    assert(!text.includes("for Basic"), name.name);
  }
  await daemon.run();
  await daemon.client.delete(id);
  for (const path of paths) assertEquals(await exists(path), false, path);
});

Deno.test("daemon removes with a process what it made, and no more", async () => {
  await using daemon = await TestDaemon.start();
  const folder = `${daemon.workspaceDir}/work_dir`;
  await Deno.writeTextFile(`${folder}/there`, "before");
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    Files: ["there", "made"].map((name) => file({ To: `${folder}/${name}` })),
  });
  await daemon.waitForState(id, "running");
  await daemon.client.writeFile(id, file({ To: `${folder}/later` }));
  await daemon.client.writeFile(id, file({ To: `${folder}/later` }));
  // What is remembered does not depend on this run of the daemon.
  await daemon.restart();
  await daemon.client.stop(id, 1);
  await daemon.client.writeFile(id, file({ To: `${folder}/last` }));
  assertEquals(
    [...Deno.readDirSync(folder)].map(({ name }) => name).sort(),
    ["last", "later", "made", "there"],
  );
  await daemon.client.delete(id);
  assertEquals(
    [...Deno.readDirSync(folder)].map(({ name }) => name),
    ["there"],
  );
  assertEquals(await Deno.readTextFile(`${folder}/there`), SECRET);
  await assertNoSecret(daemon);
});

Deno.test("a file of two processes goes with the last of them", async () => {
  await using daemon = await TestDaemon.start();
  const To = `${daemon.workspaceDir}/shared`;
  const create = async (Id: string, To: string) => {
    const Files = [file({ To })];
    await daemon.waitForState(
      await daemon.create({ Id, Argv: ["1000"], Files }),
      "running",
    );
  };
  await create("old", To);
  await create("new", To.replace("/shared", "//shared"));
  await daemon.client.stop("old", 1);
  await daemon.client.delete("old");
  assertEquals(await exists(To), true);
  await daemon.restart();
  await daemon.client.stop("new", 1);
  await daemon.client.delete("new");
  assertEquals(await exists(To), false);
});

Deno.test("daemon starts nothing whose files it cannot put in place", async () => {
  await using registry = new Registry();
  await using daemon = await TestDaemon.start({ hosts: [registry.host] });
  const { workspaceDir } = daemon;
  await Deno.symlink("/tmp", `${workspaceDir}/link`);
  const remote = registry.from("/missing");
  const closed = { ...remote, From: "http://127.0.0.2:8001/x" };
  const link = `${workspaceDir}/link/x`;
  const failures = [
    [
      { Files: [file({ To: link })] },
      `file ${link}: ${workspaceDir}/link is a link, no folder, or closed ` +
      "to the file's owner",
    ],
    [
      { Files: [file({ To: `${workspaceDir}/x`, Remote: remote })] },
      `file ${workspaceDir}/x: cannot fetch ${remote.From}: ` +
      `${registry.host} answered with status 404`,
    ],
    [
      { RemoteEnvs: [{ Name: "A", ...remote }] },
      `variable A: cannot fetch ${remote.From}: ${registry.host} answered ` +
      "with status 404",
    ],
    [
      { RemoteEnvs: [{ Name: "A", ...closed }] },
      `variable A: cannot fetch ${closed.From}: the daemon may not reach ` +
      "127.0.0.2:8001: add it to --allow-net in its command line",
    ],
  ] as const;
  for (const [index, [part, reason]] of failures.entries()) {
    const Id = `p${index}`;
    const id = await daemon.create({ Id, Argv: ["1000"], ...part });
    const { Result, Message, Pid } = await daemon.waitForState(id, "stopped");
    assertEquals([Result, Message, Pid], [
      "start-failed",
      `process ${id} failed to start: ${reason}`,
      0,
    ]);
  }
  await assertNoSecret(daemon);
});

Deno.test("a stop ends the wait for what is fetched", async () => {
  await using registry = new Registry();
  await using daemon = await TestDaemon.start({ hosts: [registry.host] });
  const { asked, letGo } = registry.hold("/slow");
  const path = `${daemon.workspaceDir}/x`;
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    Files: [file({ To: path, Remote: registry.from("/slow") })],
  });
  await asked;
  await daemon.client.stop(id, 1);
  const { Status, Result } = await daemon.client.status(id);
  assertEquals([Status, Result], ["stopped", "stopped"]);
  await eventually(
    "the fetch is given up",
    () => registry.givenUp.has("/slow"),
  );
  // Deleting waits for what is under way: nothing is left of it.
  await daemon.client.delete(id);
  letGo();
  assertEquals(await daemon.client.list(), []);
  assertEquals(await exists(path), false);
});

Deno.test("a crash while files are put in place has it begun again", async () => {
  await using registry = new Registry();
  await using daemon = await TestDaemon.start({ hosts: [registry.host] });
  const { asked, letGo } = registry.hold("/slow");
  const paths = ["a", "b"].map((name) => `${daemon.workspaceDir}/${name}`);
  const [a = "", b = ""] = paths;
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    Files: [file({ To: a }), file({ To: b, Remote: registry.from("/slow") })],
  });
  await asked;
  assertEquals([await exists(a), await exists(b)], [true, false]);
  await daemon.kill9();
  letGo();
  await daemon.run();
  await daemon.waitForState(id, "running");
  assertEquals(await Deno.readTextFile(b), AUTHORIZED);
  await daemon.client.stop(id, 1);
  await daemon.client.delete(id);
  for (const path of paths) assertEquals(await exists(path), false, path);
});

Deno.test("writeFile answers when it is written, or says why it is not", async () => {
  await using registry = new Registry();
  await using daemon = await TestDaemon.start({ hosts: [registry.host] });
  const id = await daemon.create({ Id: "p", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  const To = `${daemon.workspaceDir}/x`;
  await daemon.client.writeFile(
    id,
    file({ To, Remote: registry.from("/f") }),
  );
  assertEquals(await Deno.readTextFile(To), AUTHORIZED);
  for (
    const [part, code, text] of [
      [{ Remote: registry.from("/missing") }, "FAILED_PRECONDITION", "404"],
      [{ User: "no-such-user" }, "INVALID_ARGUMENT", "does not exist"],
      [{ To: "/etc/x" }, "INVALID_ARGUMENT", "file_dirs"],
    ] as const
  ) {
    const error = await daemon.client.writeFile(id, file({ To, ...part }))
      .catch((error) => error);
    assert(error instanceof AppError, text);
    assertEquals(error.code, code);
    assertStringIncludes(error.message, text);
  }
  assertEquals(await Deno.readTextFile(To), AUTHORIZED);
  await assertNoSecret(daemon);
});

Deno.test("a stop command has the variables that an earlier daemon fetched", async () => {
  await using registry = new Registry();
  await using daemon = await TestDaemon.start({ hosts: [registry.host] });
  const path = `${daemon.workDir}/said`;
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    StopCmd: `printf %s "$A" >${path}; exit 1`,
    RemoteEnvs: [{ Name: "A", ...registry.from("/v") }],
  });
  await daemon.waitForState(id, "running");
  await daemon.restart();
  await daemon.client.stop(id, 5);
  assertEquals(await Deno.readTextFile(path), AUTHORIZED);
  await assertNoSecret(daemon);
});

Deno.test({
  name: "daemon writes a file as the process's user, or as its owner" +
    (IS_ROOT ? "" : ` ${NEEDS_ROOT}`),
  ignore: !IS_ROOT,
  async fn() {
    await using daemon = await TestDaemon.start();
    await Deno.chmod(daemon.dir, 0o755);
    const id = await daemon.create({
      Id: "p",
      User: "nobody",
      StartCmd: "/usr/bin/cat",
      Argv: [`${daemon.workspaceDir}/a/theirs`],
      Files: [
        file({ To: `${daemon.workspaceDir}/a/theirs` }),
        file({ To: `${daemon.workspaceDir}/b/ours`, User: "root" }),
      ],
    });
    const { Result, ExitCode } = await daemon.waitForState(id, "stopped");
    assertEquals([Result, ExitCode], ["exited", 0]);
    const uidOf = (path: string) =>
      Deno.statSync(`${daemon.workspaceDir}/${path}`).uid;
    assertEquals(["a", "a/theirs", "b", "b/ours"].map(uidOf), [
      65_534,
      65_534,
      0,
      0,
    ]);
    await daemon.client.delete(id);
    assertEquals(await exists(`${daemon.workspaceDir}/a/theirs`), false);
    assertEquals(await exists(`${daemon.workspaceDir}/b/ours`), false);
  },
});
