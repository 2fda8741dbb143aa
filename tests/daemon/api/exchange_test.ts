import { assertEquals, assertStringIncludes } from "@std/assert";
import { ApiBench, BASE } from "./api_bench.ts";

// The exchanges that the original daemon was recorded with, in their order.
// The envelope stays; errors have a status of their own.

const IDENTITY = { bootId: "boot", pid: 378, startTicks: 5 };

/** Byte for byte what the original executor posts. */
const POSTED =
  '{"Id":"1795331452997824430.0.0.gamesvc.ns-a.10000","WorkDir":"/data/run",' +
  '"ProcessName":"sleep","Uris":[],"PidFile":"/data/run/pids/' +
  '1795331452997824430.0.0.gamesvc.ns-a.10000.pid","StartCmd":' +
  '"/data/run/bin/start.sh","StartGracePeriod":0,"StopCmd":' +
  '"/data/run/bin/stop.sh","StopTimeout":10,"KillCmd":"","Resource":' +
  '{"Cpus":0.5,"Mem":64,"Disk":0},"Envs":["PIDF=/data/run/pids/' +
  '1795331452997824430.0.0.gamesvc.ns-a.10000.pid"],"Argv":[],"User":"",' +
  '"StatusInfo":null,"ExecutorId":"","ExecutorHeartBeatTime":0}';

Deno.test("API answers the recorded exchanges", async () => {
  await using api = await ApiBench.create();
  const w1 = `${BASE}/process/w1`;
  const failure = (code: number, text: string) =>
    `{"result":false,"code":${code},"message":"(process-daemon):${text}",` +
    '"data":{}}';
  const success = '{"result":true,"code":0,"message":"success","data":null}';

  const create = (body: string) => api.call("POST", `${BASE}/process`, body);
  const definition = '{"Id":"w1","StartCmd":"/bin/server"}';
  assertEquals((await create(definition)).text, success);
  const duplicate = await create(definition);
  assertEquals(duplicate.status, 409);
  assertEquals(
    duplicate.text,
    failure(1405260, "processinfo w1 already existed"),
  );
  const bad = await create("{bad json}");
  assertEquals([bad.status, bad.envelope.code], [400, 1405260]);

  api.dispatch("w1", { type: "prepared", nowMs: api.clock.nowMs() });
  const starting = await api.call("GET", `${w1}/status`);
  assertStringIncludes(
    starting.text,
    '{"result":true,"code":0,"message":"success","data":{"Id":"w1",' +
      '"Status":"starting","ExitCode":0,"Message":"","Pid":0,' +
      '"RegisterTime":1795331599,"LastStartTime":1795331599,',
  );
  api.dispatch("w1", {
    type: "launched",
    tracked: {
      command: IDENTITY,
      launcher: IDENTITY,
      commandEnded: false,
      main: null,
      sessions: [IDENTITY],
    },
  });
  api.dispatch("w1", { type: "executed", nowMs: 0 });
  const running = await api.call("GET", `${w1}/status`);
  assertStringIncludes(
    running.text,
    '"data":{"Id":"w1","Status":"running","ExitCode":0,' +
      '"Message":"process w1 is running","Pid":378,' +
      '"RegisterTime":1795331599,"LastStartTime":1795331599,',
  );
  const refused = await api.call("DELETE", w1);
  assertEquals(refused.status, 409);
  assertEquals(
    refused.text,
    failure(1405263, "process w1 status running can't be deleted"),
  );

  const stop = api.call("PUT", `${w1}/stop/10`);
  api.dispatch("w1", {
    type: "ended",
    exit: { kind: "signalled", signal: 15 },
    isSessionEmpty: true,
    reason: "",
    nowMs: api.clock.nowMs() + 2_000,
  });
  assertEquals((await stop).text, success);
  const stopped = await api.call("GET", `${w1}/status`);
  assertStringIncludes(stopped.text, '"Id":"w1","Status":"stopped"');
  assertEquals((await api.call("DELETE", w1)).text, success);
  assertEquals(api.removed, ["w1"]);

  const unknown = failure(1405261, "process w1 not found");
  const status = await api.call("GET", `${w1}/status`);
  assertEquals([status.status, status.text], [404, unknown]);
  const stopUnknown = await api.call("PUT", `${w1}/stop/10`);
  assertEquals([stopUnknown.status, stopUnknown.text], [
    404,
    unknown.replace("1405261", "1405262"),
  ]);
  const badTimeout = await api.call("PUT", `${w1}/stop/abc`);
  assertEquals([badTimeout.status, badTimeout.envelope.code], [400, 1405262]);
  assertStringIncludes(badTimeout.envelope.message, "timeout");
  assertStringIncludes(badTimeout.envelope.message, '"abc"');
  assertEquals((await api.call("DELETE", w1)).text, success);

  for (
    const [method, path, code] of [
      ["GET", `${BASE}/nope`, 404],
      ["GET", "/", 404],
      ["PATCH", `${BASE}/process`, 405],
      ["POST", `${w1}/status`, 405],
    ] as const
  ) {
    const answer = await api.call(method, path);
    assertEquals([answer.status, answer.envelope.code], [code, 1405264], path);
  }
  for (const body of [null, "", "null", "[]", '"text"', "7"]) {
    const answer = await api.call("POST", `${BASE}/process`, body);
    assertEquals([answer.status, answer.envelope.code], [400, 1405260]);
  }
});

const ADDED = {
  RestartCmd: "",
  ReloadCmd: "",
  CheckCmd: "",
  LimitResources: null,
  LogPath: "",
  RestartPolicy: null,
  HeartBeatTimeout: 0,
  OrphanPolicy: "stop",
  Umask: "022",
  Nice: 0,
  Rlimits: null,
  OomScoreAdj: 0,
  Files: [],
  RemoteEnvs: [],
};

for (
  const [name, change] of [
    ["as it is", (text: string) => text],
    [
      "with keys in lower case",
      (text: string) =>
        text.replaceAll(/"(\w+)":/g, (key) => key.toLowerCase()),
    ],
    [
      "with keys in upper case",
      (text: string) =>
        text.replaceAll(/"(\w+)":/g, (key) => key.toUpperCase()),
    ],
  ] as const
) {
  Deno.test(`API takes what the original executor posts, ${name}`, async () => {
    await using api = await ApiBench.create();
    const { status } = await api.call(
      "POST",
      `${BASE}/process`,
      change(POSTED),
    );
    assertEquals(status, 200);
    const { Id } = JSON.parse(POSTED);
    const { info } = api.supervisor.get(Id);
    const posted = JSON.parse(POSTED);
    // Additions have the values that mean "as without them".
    const added = Object.entries(info)
      .filter(([key]) => !Object.hasOwn(posted, key));
    assertEquals(Object.fromEntries(added), ADDED);
    assertEquals({ ...info, ...posted }, info);
  });
}
