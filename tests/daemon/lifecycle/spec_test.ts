import { assertEquals } from "@std/assert";
import { toSpec } from "../../../daemon/lifecycle/spec.ts";
import { info } from "./records.ts";

for (
  const [text, command] of [
    ["/bin/server", ["/bin/server"]],
    ["./start.sh", ["./start.sh"]],
    ["start.sh", ["./start.sh"]],
    ["bin/start.sh", ["bin/start.sh"]],
    ["../start.sh", ["../start.sh"]],
    ["-rf", ["./-rf"]],
    ["a@b%c+d=e:f,g.h-i_j", ["./a@b%c+d=e:f,g.h-i_j"]],
    ["./start.sh -a", ["/bin/sh", "-c", "./start.sh -a"]],
    [" /bin/server", ["/bin/sh", "-c", " /bin/server"]],
    ["/bin/a;b", ["/bin/sh", "-c", "/bin/a;b"]],
    ["$HOME/x", ["/bin/sh", "-c", "$HOME/x"]],
    ["/bin/x\n", ["/bin/sh", "-c", "/bin/x\n"]],
    ["~/x", ["/bin/sh", "-c", "~/x"]],
    ["/bin/é", ["/bin/sh", "-c", "/bin/é"]],
    ["/bin/*", ["/bin/sh", "-c", "/bin/*"]],
  ] as const
) {
  Deno.test(`toSpec() executes ${JSON.stringify(text)}`, () => {
    assertEquals(toSpec(info({ StartCmd: text })).start, command);
    assertEquals(toSpec(info({ StopCmd: text })).stop, command);
    assertEquals(toSpec(info({ KillCmd: text })).kill, command);
  });
}

Deno.test("toSpec() takes StartCmd for a path when there are arguments", () => {
  const start = (StartCmd: string, Argv: string[]) =>
    toSpec(info({ StartCmd, Argv })).start;
  assertEquals(start("/bin/a b", ["c d", ""]), ["/bin/a b", "c d", ""]);
  assertEquals(start("run", ["x"]), ["./run", "x"]);
  assertEquals(start("run x", []), ["/bin/sh", "-c", "run x"]);
});

Deno.test("toSpec() fills the defaults in", () => {
  assertEquals(toSpec(info()), {
    mode: { kind: "simple" },
    start: ["/bin/server"],
    stop: null,
    kill: null,
    restart: null,
    reload: null,
    check: null,
    workDir: "/work",
    environment: [],
    user: "",
    startGraceMs: 1_000,
    stopTimeoutMs: 10_000,
  });
  assertEquals(toSpec(info({ WorkDir: "" })).workDir, "/");
});

Deno.test("toSpec() takes what is given", () => {
  const spec = toSpec(info({
    PidFile: "/run/p.pid",
    ProcessName: "server",
    Envs: [],
    User: "u",
    StartGracePeriod: 3,
    StopTimeout: 4,
  }));
  assertEquals(spec.mode, {
    kind: "forking",
    pidFile: "/run/p.pid",
    processName: "server",
  });
  assertEquals([spec.environment, spec.user], [[], "u"]);
  assertEquals([spec.startGraceMs, spec.stopTimeoutMs], [3_000, 4_000]);
});
