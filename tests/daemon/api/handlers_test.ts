import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type {
  ProcessEvent,
  ProcessInspection,
  ProcessStatusInfo,
} from "../../../shared/manager_api/types.ts";
import type { Handler } from "../../../daemon/api/handlers.ts";
import { createApi } from "../../../daemon/api/server.ts";
import { createLogger } from "../../../shared/logger.ts";
import type { Operation } from "../../../shared/manager_api/routes.ts";
import { settled } from "../../support/in_process_daemon.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { EVENTS } from "../lifecycle/records.ts";
import { ApiBench, BASE } from "./api_bench.ts";

async function create(api: ApiBench, part: Record<string, unknown>) {
  return await api.call(
    "POST",
    `${BASE}/process`,
    JSON.stringify({ Id: "p", StartCmd: "/bin/server", ...part }),
  );
}

Deno.test("create fills the daemon's folders in where paths stand", async () => {
  await using api = await ApiBench.create();
  const both = "${work_base_dir}/a:${run_base_dir}/b";
  const { status } = await create(api, {
    WorkDir: "${work_base_dir}/a",
    PidFile: "${run_base_dir}/b",
    StartCmd: both,
    StopCmd: both,
    KillCmd: both,
    Argv: [both],
    Envs: [`A=${both}`],
    ProcessName: "${work_base_dir}",
    User: "${work_base_dir}",
  });
  // A process name may not hold a slash, and a placeholder there stays one.
  assertEquals(status, 200);
  const { info } = api.supervisor.get("p");
  const filled = "/ws/work_dir/a:/ws/run/b";
  assertEquals(info.WorkDir, "/ws/work_dir/a");
  assertEquals(info.PidFile, "/ws/run/b");
  for (const text of [info.StartCmd, info.StopCmd, info.KillCmd]) {
    assertEquals(text, filled);
  }
  assertEquals([info.Argv, info.Envs], [[filled], [`A=${filled}`]]);
  assertEquals(
    [info.ProcessName, info.User],
    Array(2).fill("${work_base_dir}"),
  );
});

Deno.test("create refuses a body that is too large", async () => {
  await using api = await ApiBench.create();
  const tooLarge = `{"Id":"${"x".repeat(4 * 1024 * 1024)}"}`;
  const { status, envelope } = await api.call(
    "POST",
    `${BASE}/process`,
    tooLarge,
  );
  assertEquals([status, envelope.code], [413, 1405260]);
});

Deno.test("create changes nothing when it refuses", async () => {
  await using api = await ApiBench.create();
  await create(api, { Id: "" });
  await create(api, { Envs: ["1=x"] });
  assertEquals(api.store.lastSeq(), 0);
  assertEquals((await api.call("GET", `${BASE}/process`)).envelope.data, []);
});

Deno.test("inspect hides every secret", async () => {
  await using api = await ApiBench.create();
  await create(api, { Envs: ["A=secret", "B=", "C=x=secret"] });
  const { text, envelope } = await api.call("GET", `${BASE}/process/p`);
  assert(!text.includes("secret"));
  const { Info, Status, History } = envelope.data as ProcessInspection;
  assertEquals(Info.Envs, ["A=******", "B=******", "C=******"]);
  assertEquals(Status.Status, "staging");
  assertEquals(History.map(({ Cause }) => Cause), ["created"]);
});

Deno.test("list, inspect and status say what a process uses, events do not", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  for (const event of [EVENTS.prepared, EVENTS.launched, EVENTS.executed]) {
    api.dispatch("p", event);
  }
  const get = async (path: string) =>
    (await api.call("GET", `${BASE}/${path}`)).envelope.data;
  const usageOf = (status: unknown) => (status as ProcessStatusInfo).Usage;
  const { launcher } = api;
  launcher.usage = {
    atMs: 0,
    used: new Map([[
      api.supervisor.get("p").number,
      { cpuUs: 1, memoryBytes: 2, memoryPeakBytes: 3, processes: 4 },
    ]]),
  };
  // It is not waited for: the next one is told.
  assertEquals(usageOf(await get("process/p/status")), null);
  await settled();
  const usage = usageOf(await get("process/p/status"));
  assertEquals([usage?.MemoryPeakBytes, usage?.Processes], [3, 4]);
  assertEquals((await get("process") as unknown[]).map(usageOf), [usage]);
  const { Status } = await get("process/p") as ProcessInspection;
  assertEquals(Status.Usage, usage);
  assertEquals(launcher.sent, ["usage 1"]);
  // Whoever waits is told at once.
  api.clock.advance(5_000);
  const [later] = (await get("process") as unknown[]).map(usageOf);
  assertEquals(later?.Time, api.clock.nowMs());
  const events = await get("events") as ProcessEvent[];
  assertEquals(events.filter(({ Status }) => "Usage" in Status), []);
});

const FILE = { To: "${work_base_dir}/x", Base64: "aHVudGVyMg==" };

Deno.test("create takes files below the allowed folders alone", async () => {
  await using api = await ApiBench.create();
  const { status, envelope } = await create(api, {
    StartCmd: "",
    Files: [
      FILE,
      { ...FILE, To: "/srv/data/x" },
      { ...FILE, To: "/etc/passwd" },
      { ...FILE, To: "/ws" },
      { ...FILE, To: "${run_base_dir}x" },
    ],
  });
  const rule = "must be below /ws or /srv/data, which the daemon's " +
    "configuration allows in file_dirs: it is ";
  assertEquals([status, envelope.message], [
    400,
    "(process-daemon):Cannot accept the process definition: " +
    "StartCmd: must not be empty; " +
    'Files[4].To: must be an absolute path: it is "${run_base_dir}x"; ' +
    `Files[2].To: ${rule}"/etc/passwd"; Files[3].To: ${rule}"/ws"`,
  ]);
  assertEquals((await create(api, { Files: [FILE] })).status, 200);
  const { info } = api.supervisor.get("p");
  assertEquals(info.Files?.map(({ To }) => To), ["/ws/work_dir/x"]);
});

Deno.test("inspect, list and events hide what files and fetches hold", async () => {
  await using api = await ApiBench.create();
  const source = {
    From: "http://h/x",
    RemoteUser: "u",
    RemotePasswd: "hunter2",
  };
  await create(api, {
    Files: [FILE, { To: "/ws/y", Remote: source }],
    RemoteEnvs: [{ Name: "A", ...source }],
  });
  const { envelope } = await api.call("GET", `${BASE}/process/p`);
  const { Info } = envelope.data as ProcessInspection;
  const hidden = { ...source, RemotePasswd: "******" };
  assertEquals(Info.Files?.map(({ Base64 }) => Base64), ["******", null]);
  assertEquals(Info.Files?.map(({ Remote }) => Remote), [null, hidden]);
  assertEquals(Info.RemoteEnvs, [{ Name: "A", ...hidden }]);
  for (const path of ["process", "process/p", "process/p/status", "events"]) {
    const { text } = await api.call("GET", `${BASE}/${path}`);
    assert(!text.includes("hunter2") && !text.includes(FILE.Base64), path);
  }
});

Deno.test("writeFile takes one file for a process that is known", async () => {
  await using api = await ApiBench.create();
  const write = (file: unknown, id = "p") =>
    api.call("PUT", `${BASE}/process/${id}/file`, JSON.stringify(file));
  assertEquals((await write(FILE)).status, 404);
  await create(api, {});
  for (
    const bad of [{ ...FILE, To: "/etc/x" }, { To: "/ws/x" }, null, "hunter2"]
  ) {
    const { status, text } = await write(bad);
    assertEquals([status, text.includes("hunter2")], [400, false]);
  }
  assertEquals(api.written, []);
  assertEquals((await write(FILE)).status, 200);
  assertEquals(api.written, [{
    To: "/ws/work_dir/x",
    Right: "r",
    User: "",
    Base64: FILE.Base64,
    Remote: null,
  }]);
  const largest = new Uint8Array(4 * 1024 * 1024).toBase64();
  assertEquals((await write({ ...FILE, Base64: largest })).status, 200);
  const tooLarge = "A".repeat(6 * 1024 * 1024);
  assertEquals((await write({ ...FILE, Base64: tooLarge })).status, 413);
});

Deno.test("setLimits takes limits for a process that is known", async () => {
  await using api = await ApiBench.create();
  const set = (limits: unknown) =>
    api.call("PUT", `${BASE}/process/p/limits`, JSON.stringify(limits));
  assertEquals((await set({ Cpus: 1 })).status, 404);
  await create(api, {});
  assertEquals((await set({})).status, 400);
  assertEquals((await set({ Cpus: 0.5 })).status, 200);
  assertEquals(api.supervisor.get("p").info.LimitResources?.Cpus, 0.5);
});

Deno.test("list shows every process in the order of creation", async () => {
  await using api = await ApiBench.create();
  for (const Id of ["b", "a", "c"]) await create(api, { Id });
  const { envelope } = await api.call("GET", `${BASE}/process`);
  assertEquals((envelope.data as { Id: string }[]).map(({ Id }) => Id), [
    "b",
    "a",
    "c",
  ]);
});

Deno.test("an id is percent-decoded once", async () => {
  await using api = await ApiBench.create();
  const ids = ["a b", "%41", "ü", "a?b#c", "a&b=c", "+"];
  for (const Id of ids) {
    assertEquals((await create(api, { Id })).status, 200);
    const { envelope } = await api.call(
      "GET",
      `${BASE}/process/${encodeURIComponent(Id)}/status`,
    );
    assertEquals((envelope.data as { Id: string }).Id, Id);
  }
  const bad = await api.call("GET", `${BASE}/process/%ff/status`);
  assertEquals(bad.status, 400);
});

Deno.test("stop takes whole seconds only", async () => {
  await using api = await ApiBench.create();
  for (
    const text of ["-1", "1.5", "abc", "1e3", "%20", "31536001", "9".repeat(30)]
  ) {
    const answer = await api.call("PUT", `${BASE}/process/p/stop/${text}`);
    assertEquals([answer.status, answer.envelope.code], [400, 1405262], text);
  }
});

Deno.test("stop of 0 seconds means the definition's timeout", async () => {
  await using api = await ApiBench.create();
  await create(api, { StopTimeout: 7 });
  api.dispatch("p", { type: "prepared", nowMs: api.clock.nowMs() });
  const stop = api.call("PUT", `${BASE}/process/p/stop/0`);
  const { phase } = api.supervisor.get("p");
  assertEquals(
    phase.state === "stopping" && phase.forceMs,
    api.clock.nowMs() + 7_000,
  );
  api.dispatch("p", { type: "claimed", nowMs: api.clock.nowMs() });
  assertEquals((await stop).status, 200);
});

Deno.test("stop of a stopped process answers at once", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  for (let time = 0; time < 2; time++) {
    const { status } = await api.call("PUT", `${BASE}/process/p/stop/5`);
    assertEquals(status, 200);
  }
});

Deno.test("stop and delete wait for the commands beside a process", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  const { promise, resolve } = Promise.withResolvers<void>();
  api.settled = promise;
  const done: string[] = [];
  const stop = api.call("PUT", `${BASE}/process/p/stop/5`)
    .then(() => done.push("stop"));
  await settled();
  assertEquals(api.supervisor.get("p").phase.state, "stopped");
  const remove = api.call("DELETE", `${BASE}/process/p`)
    .then(() => done.push("delete"));
  await settled();
  assertEquals([done, api.removed], [[], []]);
  resolve();
  await Promise.all([stop, remove]);
  assertEquals([done.length, api.removed], [2, ["p"]]);
});

Deno.test("a process is deleted once, however often that is asked for", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  const { promise, resolve } = Promise.withResolvers<void>();
  await api.call("PUT", `${BASE}/process/p/stop/5`);
  api.settled = promise;
  const deletes = [1, 2].map(() => api.call("DELETE", `${BASE}/process/p`));
  await settled();
  resolve();
  const answers = await Promise.all(deletes);
  assertEquals(answers.map(({ status }) => status), [200, 200]);
  assertEquals(api.removed, ["p"]);
  // What an effect has to say of it comes too late.
  const seq = api.store.lastSeq();
  api.dispatch("p", { type: "limitsChanged", limits: { Mem: 64 } });
  assertEquals(api.store.lastSeq(), seq);
});

Deno.test("signal says so when it reached nobody", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  for (const event of [EVENTS.prepared, EVENTS.launched, EVENTS.executed]) {
    api.dispatch("p", event);
  }
  // The launcher knows no such process: it ended and nobody has noticed yet.
  for (const path of ["signal/HUP", "reload"]) {
    const { status, envelope } = await api.call(
      "PUT",
      `${BASE}/process/p/${path}`,
    );
    assertEquals(status, 409);
    assertStringIncludes(envelope.message, "pid 10 is gone");
  }
  assertEquals(api.launcher.sent, ["signal 1 10", "signal 1 10"]);
  assertEquals(api.store.historyOf("p", 10).at(-1)?.Cause, "executed");
});

Deno.test("restart is refused while the files of a process are removed", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  await api.call("PUT", `${BASE}/process/p/stop/5`);
  const removed = api.call("DELETE", `${BASE}/process/p`);
  const { status, envelope } = await api.call(
    "PUT",
    `${BASE}/process/p/restart/5`,
  );
  assertEquals(status, 409);
  assertStringIncludes(envelope.message, "is being deleted");
  assertEquals((await removed).status, 200);
});

Deno.test("restart takes whole seconds only", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  const { status } = await api.call("PUT", `${BASE}/process/p/restart/1.5`);
  assertEquals(status, 400);
});

Deno.test("events are listed after a number", async () => {
  await using api = await ApiBench.create();
  for (const Id of ["a", "b", "c"]) await create(api, { Id });
  const seqs = async (query: string) => {
    const { envelope } = await api.call("GET", `${BASE}/events${query}`);
    return (envelope.data as { Seq: number }[]).map(({ Seq }) => Seq);
  };
  assertEquals(await seqs(""), [1, 2, 3]);
  assertEquals(await seqs("?after=2"), [3]);
  assertEquals(await seqs("?after=99"), []);
  for (const after of ["-1", "x", "1.5", "9".repeat(20)]) {
    const { status } = await api.call("GET", `${BASE}/events?after=${after}`);
    assertEquals(status, 400);
  }
});

Deno.test("create takes users that exist and are allowed alone", async () => {
  await using api = await ApiBench.create({ fallback: "", allowed: ["game"] });
  const none = (user: string) =>
    `the user "${user}" is none of game, which the daemon's configuration ` +
    "allows in allowed_users";
  api.launcher.uids.set("db", 9);
  for (
    const [part, problems] of [
      [{}, [`User: ${none("root")}`]],
      [{ User: "0" }, [`User: ${none("0")}`]],
      [
        { User: "no-such-user", LogPath: "/etc" },
        [
          'User: the user "no-such-user" does not exist on this host',
          "LogPath: must be below /ws or /srv/data, which the daemon's " +
          'configuration allows in file_dirs: it is "/etc"',
        ],
      ],
      [
        { User: "game", Files: [FILE, { ...FILE, User: "db" }] },
        [`Files[1].User: ${none("db")}`],
      ],
    ] as const
  ) {
    const { status, envelope } = await create(api, part);
    assertEquals([status, envelope.message], [
      400,
      "(process-daemon):Cannot accept the process definition: " +
      problems.join("; "),
    ]);
  }
  assertEquals(api.store.lastSeq(), 0);
  assertEquals(
    (await create(api, { User: "game", Files: [FILE] })).status,
    200,
  );
  const write = async (User: string) =>
    await api.call(
      "PUT",
      `${BASE}/process/p/file`,
      JSON.stringify({ ...FILE, User }),
    );
  const { status, envelope } = await write("root");
  assertEquals([status, envelope.message], [
    400,
    `(process-daemon):Cannot accept the file: User: ${none("root")}`,
  ]);
  assertEquals(api.written, []);
  assertEquals((await write("")).status, 200);
});

Deno.test("create stores the default user as who a process is", async () => {
  await using api = await ApiBench.create({ fallback: "game", allowed: [] });
  await create(api, {});
  assertEquals(api.supervisor.get("p").info.User, "game");
  await create(api, { Id: "q", User: "db" });
  assertEquals(api.supervisor.get("q").info.User, "db");
});

Deno.test("an error that nobody expected is a 500 and is logged", async () => {
  const log: string[] = [];
  const boom = () => {
    throw new Error("boom");
  };
  const handlers: Record<Operation, Handler> = {
    create: boom,
    list: boom,
    inspect: boom,
    status: boom,
    stop: boom,
    delete: boom,
    restart: boom,
    reload: boom,
    signal: boom,
    exec: boom,
    writeFile: boom,
    setLimits: boom,
    heartbeat: boom,
    handOver: boom,
    logs: boom,
    health: boom,
    version: boom,
    events: boom,
  };
  const api = createApi(
    handlers,
    createLogger((line) => log.push(line), () => 0),
  );
  const response = await api(
    new Request(`http://daemon${BASE}/process`, { method: "POST" }),
  );
  assertEquals(response.status, 500);
  assertEquals(await response.json(), {
    result: false,
    code: 1405260,
    message: "(process-daemon):internal error: boom",
    data: {},
  });
  assertStringIncludes(log.join("\n"), '"operation":"create"');
});

Deno.test("a host that cannot be is the caller's mistake, not ours", async () => {
  await using api = await ApiBench.create();
  await using dir = await tempDir();
  const path = `${dir.path}/api.sock`;
  await using _server = Deno.serve({
    transport: "unix",
    path,
    onListen: () => {},
  }, api.handle);
  using connection = await Deno.connect({ transport: "unix", path });
  const request = `GET ${BASE}/process HTTP/1.1\r\nHost: a b[\r\n` +
    "Connection: close\r\n\r\n";
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(4096);
  const length = await connection.read(buffer) ?? 0;
  const answer = new TextDecoder().decode(buffer.subarray(0, length));
  assertStringIncludes(answer, "HTTP/1.1 400 ");
  assertEquals(api.log, []);
});

Deno.test("a delete that failed leaves a process that can be deleted", async () => {
  await using api = await ApiBench.create();
  await create(api, {});
  await api.call("PUT", `${BASE}/process/p/stop/1`);
  api.isReadOnly = true;
  const { status } = await api.call("DELETE", `${BASE}/process/p`);
  assertEquals(status, 500);
  assertEquals([api.kept, api.removed], [["p"], []]);
  assertEquals(api.supervisor.get("p").phase.state, "stopped");
  api.isReadOnly = false;
  const again = await api.call("DELETE", `${BASE}/process/p`);
  assertEquals(again.status, 200);
  assertEquals([api.kept, api.removed], [["p"], ["p"]]);
});
