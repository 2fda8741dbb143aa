import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type ExecutorConfig, readConfig } from "../../executor/config.ts";
import { assert, InvalidInputError } from "../../shared/errors.ts";
import { EXECUTOR_PROGRAM } from "../support/test_executor.ts";

const COMPLETE = {
  MESOS_FRAMEWORK_ID: "fw-1",
  MESOS_EXECUTOR_ID: "exec-1",
  MESOS_SLAVE_ID: "agent-1",
  MESOS_SLAVE_PID: "slave(1)@127.0.0.1:5051",
  MESOS_AGENT_ENDPOINT: "127.0.0.1:5051",
  MESOS_DIRECTORY: "/directory",
  MESOS_SANDBOX: "/sandbox",
  MESOS_CHECKPOINT: "1",
  MESOS_RECOVERY_TIMEOUT: "10mins",
  MESOS_SUBSCRIPTION_BACKOFF_MAX: "1500ms",
  MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: "20secs",
};

type Changes = Readonly<Record<string, string | undefined>>;

/** Reads the complete environment, changed. */
function read(changes: Changes = {}, args: string[] = []): ExecutorConfig {
  const env: Changes = { ...COMPLETE, ...changes };
  const commandLine = readConfig(args, (name) => env[name]);
  assert(commandLine.action === "run", "it is not --help");
  return commandLine.config;
}

/** The fields that are refused. */
function refusedFields(changes: Changes, args: string[] = []): string[] {
  const error: InvalidInputError = assertThrows(
    () => read(changes, args),
    InvalidInputError,
  );
  return error.problems.map(({ field }) => field);
}

Deno.test("readConfig() reads everything that an agent says", () => {
  assertEquals(read({ MESOS_EXECUTOR_AUTHENTICATION_TOKEN: "t" }), {
    frameworkId: "fw-1",
    executorId: "exec-1",
    agentId: "agent-1",
    agentUrl: "http://127.0.0.1:5051/api/v1/executor",
    token: "t",
    sandbox: "/sandbox",
    checkpoint: true,
    recoveryTimeoutMs: 600_000,
    backoffMsMax: 1_500,
    shutdownGraceMs: 20_000,
    transport: { socketPath: "", tls: null },
    codec: "json",
    rules: "auto",
    socketPath: "/var/run/process.sock",
  });
  assert(Object.isFrozen(read()), "nobody can change it");
});

Deno.test("readConfig() has Mesos' defaults for what is left out", () => {
  const config = read({
    MESOS_SLAVE_ID: undefined,
    MESOS_SANDBOX: undefined,
    MESOS_CHECKPOINT: undefined,
    MESOS_RECOVERY_TIMEOUT: undefined,
    MESOS_SUBSCRIPTION_BACKOFF_MAX: "",
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: undefined,
  });
  assertEquals(config.agentId, "");
  assertEquals(config.token, "");
  assertEquals(config.sandbox, "/directory");
  assertEquals(config.checkpoint, false);
  assertEquals(config.recoveryTimeoutMs, 900_000);
  assertEquals(config.backoffMsMax, 2_000);
  assertEquals(config.shutdownGraceMs, 5_000);
});

Deno.test("readConfig() reports every problem at once", () => {
  const error: InvalidInputError = assertThrows(
    () =>
      readConfig(
        ["word", "--codec=xml", "--socket", "relative", "--bogus"],
        (name) =>
          name === "MESOS_CHECKPOINT"
            ? "yes"
            : name === "MESOS_RECOVERY_TIMEOUT"
            ? "soon"
            : undefined,
      ),
    InvalidInputError,
  );
  assertEquals(error.problems.map(({ field }) => field).sort(), [
    "--bogus",
    "--codec",
    "--socket",
    "MESOS_AGENT_ENDPOINT",
    "MESOS_CHECKPOINT",
    "MESOS_DIRECTORY",
    "MESOS_EXECUTOR_ID",
    "MESOS_FRAMEWORK_ID",
    "MESOS_RECOVERY_TIMEOUT",
    "word",
  ]);
  for (const value of ["xml", "relative", "yes", "soon"]) {
    assertStringIncludes(error.message, JSON.stringify(value));
  }
});

Deno.test("readConfig() takes an empty variable for an absent one", () => {
  assertEquals(
    refusedFields({ MESOS_FRAMEWORK_ID: "", MESOS_EXECUTOR_ID: "" }),
    ["MESOS_FRAMEWORK_ID", "MESOS_EXECUTOR_ID"],
  );
});

Deno.test("readConfig() compares the text of MESOS_CHECKPOINT", () => {
  assertEquals(read({ MESOS_CHECKPOINT: "0" }).checkpoint, false);
  assertEquals(read({ MESOS_CHECKPOINT: "1" }).checkpoint, true);
  for (const text of ["true", "false", "2", " 1"]) {
    assertEquals(refusedFields({ MESOS_CHECKPOINT: text }), [
      "MESOS_CHECKPOINT",
    ]);
  }
});

Deno.test("readConfig() reads durations in every unit of Mesos", () => {
  for (
    const [text, ms] of [
      ["5000000ns", 5],
      ["7000us", 7],
      ["250ms", 250],
      ["2secs", 2_000],
      ["15mins", 900_000],
      ["1.5hrs", 5_400_000],
      ["1days", 86_400_000],
      ["2weeks", 1_209_600_000],
    ] as const
  ) {
    assertEquals(read({ MESOS_RECOVERY_TIMEOUT: text }).recoveryTimeoutMs, ms);
  }
  for (
    const text of ["15", "15 mins", "-1secs", "1ms1ns", "1sec", "mins", "1e3ms"]
  ) {
    for (
      const name of [
        "MESOS_RECOVERY_TIMEOUT",
        "MESOS_SUBSCRIPTION_BACKOFF_MAX",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD",
      ]
    ) assertEquals(refusedFields({ [name]: text }), [name]);
  }
});

Deno.test("readConfig() finds the agent by its endpoint or its libprocess id", () => {
  const endpoint = (MESOS_AGENT_ENDPOINT?: string, MESOS_SLAVE_PID?: string) =>
    read({ MESOS_AGENT_ENDPOINT, MESOS_SLAVE_PID }).agentUrl;
  assertEquals(
    endpoint(undefined, "slave(1)@10.1.2.3:5051"),
    "http://10.1.2.3:5051/slave(1)/api/v1/executor",
  );
  assertEquals(
    endpoint("10.1.2.3:5051"),
    "http://10.1.2.3:5051/api/v1/executor",
  );
  assertEquals(
    endpoint("agent.example:1", "slave(1)@10.1.2.3:5051"),
    "http://agent.example:1/api/v1/executor",
  );
  assertEquals(
    endpoint("[::1]:5051"),
    "http://[::1]:5051/api/v1/executor",
  );
});

Deno.test("readConfig() refuses what names no agent", () => {
  for (
    const bad of [
      "127.0.0.1",
      ":5051",
      "127.0.0.1:",
      "127.0.0.1:port",
      "http://127.0.0.1:5051",
      "127.0.0.1:5051/path",
    ]
  ) {
    assertEquals(
      refusedFields({ MESOS_AGENT_ENDPOINT: bad }),
      ["MESOS_AGENT_ENDPOINT"],
      bad,
    );
  }
  for (const bad of ["slave(1)", "slave(1)@", "slave(1)@host", "@@"]) {
    assertEquals(
      refusedFields({ MESOS_AGENT_ENDPOINT: "", MESOS_SLAVE_PID: bad }),
      ["MESOS_SLAVE_PID"],
      bad,
    );
  }
});

Deno.test("readConfig() refuses a port that there cannot be", () => {
  // It would be found out by the first call, and taken for an agent that is
  // away: the executor would try again until the recovery timeout.
  assertEquals(
    refusedFields({ MESOS_AGENT_ENDPOINT: "127.0.0.1:99999" }),
    ["MESOS_AGENT_ENDPOINT"],
  );
});

Deno.test("readConfig() takes the socket from flag, variable or default", () => {
  const BCS_PROCESS_SOCKET = "/run/variable.sock";
  assertEquals(read({ BCS_PROCESS_SOCKET }).socketPath, BCS_PROCESS_SOCKET);
  assertEquals(
    read({ BCS_PROCESS_SOCKET }, ["--socket=/run/flag.sock"]).socketPath,
    "/run/flag.sock",
  );
  assertEquals(refusedFields({}, ["--socket="]), ["--socket"]);
  assertEquals(refusedFields({}, ["--codec"]), ["--codec"]);
  assertEquals(read({}, ["--codec", "protobuf"]).codec, "protobuf");
});

Deno.test("readConfig() helps without an environment", () => {
  for (const flag of ["-h", "--help"]) {
    assertEquals(readConfig([flag], () => undefined).action, "help");
  }
});

Deno.test("readConfig() takes the rules for states from flag, variable or default", () => {
  assertEquals(read({ BCS_PROCESS_STATES: "bcs" }).rules, "bcs");
  assertEquals(read({ BCS_PROCESS_STATES: "" }).rules, "auto");
  const flag = ["--states", "mesos"];
  assertEquals(read({ BCS_PROCESS_STATES: "bcs" }, flag).rules, "mesos");
  assertEquals(refusedFields({}, ["--states=nope"]), ["--states"]);
  assertEquals(refusedFields({}, ["--states="]), ["--states"]);
});

Deno.test("readConfig() finds an agent that speaks TLS", () => {
  const files = {
    LIBPROCESS_SSL_CA_FILE: "/ca",
    LIBPROCESS_SSL_CERT_FILE: "/cert",
    LIBPROCESS_SSL_KEY_FILE: "/key",
  };
  for (const name of ["SSL_ENABLED", "LIBPROCESS_SSL_ENABLED"]) {
    for (const value of ["1", "true"]) {
      const { agentUrl, transport } = read({ ...files, [name]: value });
      assertEquals(agentUrl, "https://127.0.0.1:5051/api/v1/executor");
      assertEquals(transport.tls, {
        caFile: "/ca",
        certFile: "/cert",
        keyFile: "/key",
      });
    }
    for (const value of ["", "0", "false"]) {
      assertEquals(read({ ...files, [name]: value }).transport.tls, null);
    }
  }
  // Alone, this is where OpenSSL looks for authorities.
  assertEquals(
    read({ SSL_ENABLED: "1", SSL_CERT_FILE: "/all" }).transport.tls,
    {
      caFile: "",
      certFile: "",
      keyFile: "",
    },
  );
});

Deno.test("readConfig() finds an agent on a unix socket", () => {
  const path = "/run/mesos/agent.sock";
  const { transport } = read({ MESOS_DOMAIN_SOCKET: path });
  assertEquals(transport, { socketPath: path, tls: null });
  assertEquals(
    refusedFields({ MESOS_DOMAIN_SOCKET: `/${"x".repeat(107)}` }),
    ["MESOS_DOMAIN_SOCKET"],
  );
});

async function runExecutor(args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-env=MESOS_*,BCS_PROCESS_*,LIBPROCESS_SSL_*,SSL_*",
      EXECUTOR_PROGRAM,
      ...args,
    ],
    clearEnv: true,
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), log: decoder.decode(stderr) };
}

Deno.test("executor started by nobody says what is missing, with exit code 2", async () => {
  const { code, log } = await runExecutor(["--nope"]);
  assertEquals(code, 2);
  for (
    const name of [
      "--nope",
      "MESOS_FRAMEWORK_ID",
      "MESOS_EXECUTOR_ID",
      "MESOS_AGENT_ENDPOINT",
      "MESOS_DIRECTORY",
    ]
  ) assertStringIncludes(log, name);
  assertEquals(JSON.parse(log).level, "error");
});

Deno.test("executor prints its usage, with exit code 0", async () => {
  const { code, out } = await runExecutor(["--help"]);
  assertEquals(code, 0);
  assertStringIncludes(out, "Usage:");
});
