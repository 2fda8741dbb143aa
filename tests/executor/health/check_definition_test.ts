import { assertEquals } from "@std/assert";
import {
  type CheckDefinition,
  findCheckProblems,
  initialCheckStatus,
  readChecks,
} from "../../../executor/health/check_definition.ts";
import type { HealthCheck } from "../../../executor/mesos/types.ts";

function problemsOf(definition: CheckDefinition): string[] {
  return findCheckProblems(definition).map(({ field, rule }) =>
    `${field}: ${rule}`
  );
}

Deno.test("readChecks() has Mesos' defaults", () => {
  assertEquals(
    readChecks({
      health_check: { type: "TCP", tcp: { port: 80 } },
      check: { type: "HTTP", http: { port: 8080, path: "/x" } },
    }),
    {
      health: {
        delayMs: 15_000,
        intervalMs: 10_000,
        timeoutMs: 20_000,
        graceMs: 10_000,
        failuresMax: 3,
        probe: { type: "TCP", hostname: "127.0.0.1", port: 80 },
      },
      check: {
        delayMs: 15_000,
        intervalMs: 10_000,
        timeoutMs: 20_000,
        probe: {
          type: "HTTP",
          url: "http://127.0.0.1:8080/x",
          statuses: [],
        },
      },
      problems: [],
    },
  );
  assertEquals(readChecks({}), { health: null, check: null, problems: [] });
});

Deno.test("readChecks() takes what is given, fractions too, within bounds", () => {
  const read = (health_check: HealthCheck) => {
    const { health } = readChecks({
      health_check: { ...health_check, tcp: { port: 1, protocol: "IPv6" } },
    });
    return health && { ...health };
  };
  assertEquals(
    read({
      delay_seconds: 0.25,
      interval_seconds: 1.5,
      timeout_seconds: 0.5,
      grace_period_seconds: 0,
      consecutive_failures: 7,
    }),
    {
      delayMs: 250,
      intervalMs: 1_500,
      timeoutMs: 500,
      graceMs: 0,
      failuresMax: 7,
      probe: { type: "TCP", hostname: "[::1]", port: 1 },
    },
  );
  const zeros = read({
    interval_seconds: 0,
    timeout_seconds: 0,
    consecutive_failures: 0,
  });
  assertEquals(zeros?.intervalMs, 100);
  assertEquals(zeros?.timeoutMs, 3_600_000);
  assertEquals(zeros?.failuresMax, 1);
  assertEquals(read({ timeout_seconds: 1e300 })?.timeoutMs, 3_600_000);
});

Deno.test("readChecks() makes a request of a command", () => {
  const environment = {
    variables: [
      { name: "A", value: "1" },
      {
        name: "B",
        type: "SECRET" as const,
        secret: { value: { data: "eA==" } },
      },
    ],
  };
  assertEquals(
    readChecks({
      health_check: {
        type: "COMMAND",
        command: { value: "test -e up", environment, user: "game" },
        timeout_seconds: 1.5,
      },
      check: {
        type: "COMMAND",
        command: {
          command: {
            shell: false,
            value: "/bin/test",
            arguments: ["test", "-e", "a b"],
          },
        },
      },
    }),
    {
      health: {
        delayMs: 15_000,
        intervalMs: 10_000,
        timeoutMs: 1_500,
        graceMs: 10_000,
        failuresMax: 3,
        probe: {
          type: "COMMAND",
          request: {
            Cmd: ["/bin/sh", "-c", "test -e up"],
            Envs: ["A=1", "B=x"],
            User: "game",
            WorkDir: "",
            Timeout: 1.5,
          },
        },
      },
      check: {
        delayMs: 15_000,
        intervalMs: 10_000,
        timeoutMs: 20_000,
        probe: {
          type: "COMMAND",
          request: {
            Cmd: ["/bin/test", "-e", "a b"],
            Envs: [],
            User: "",
            WorkDir: "",
            Timeout: 20,
          },
        },
      },
      problems: [],
    },
  );
});

Deno.test("readChecks() builds the address of a server", () => {
  const urlOf = (http: NonNullable<HealthCheck["http"]>) => {
    const probe = readChecks({ health_check: { http } }).health?.probe;
    return probe?.type === "HTTP" ? probe.url : null;
  };
  assertEquals(urlOf({ port: 80 }), "http://127.0.0.1:80");
  assertEquals(
    urlOf({ port: 8443, scheme: "https", path: "/a?b", protocol: "IPv6" }),
    "https://[::1]:8443/a?b",
  );
  assertEquals(
    urlOf({ port: 8080, protocol: "IPv4" }),
    "http://127.0.0.1:8080",
  );
});

Deno.test("readChecks() takes the type from the one body that is there", () => {
  const typeOf = (health_check: HealthCheck) =>
    readChecks({ health_check }).health?.probe.type ?? null;
  assertEquals(typeOf({ http: { port: 80 } }), "HTTP");
  assertEquals(typeOf({ tcp: { port: 80 } }), "TCP");
  assertEquals(typeOf({ command: { value: "true" } }), "COMMAND");
  assertEquals(typeOf({ type: "UNKNOWN", tcp: { port: 80 } }), "TCP");
  // With a type, other bodies do not matter.
  assertEquals(
    typeOf({ type: "TCP", tcp: { port: 80 }, http: { port: 0 } }),
    "TCP",
  );
});

Deno.test("readChecks() ignores a type that it does not know", () => {
  for (const definition of [{}, { type: "UNKNOWN" }] as const) {
    assertEquals(readChecks({ health_check: definition, check: definition }), {
      health: null,
      check: null,
      problems: [],
    });
  }
});

Deno.test("findCheckProblems() finds every problem at once", () => {
  assertEquals(
    problemsOf({
      health_check: {
        type: "HTTP",
        http: { port: 65_536, scheme: "ftp", path: "x" },
        delay_seconds: -1,
        interval_seconds: Infinity,
        timeout_seconds: NaN,
        grace_period_seconds: -0.5,
        consecutive_failures: -1,
      },
      check: { type: "TCP", tcp: { port: 0 }, delay_seconds: -2 },
    }),
    [
      "health_check.grace_period_seconds: must be seconds, 0 or more: " +
      "current value is -0.5",
      "health_check.delay_seconds: must be seconds, 0 or more: " +
      "current value is -1",
      "health_check.interval_seconds: must be seconds, 0 or more: " +
      "current value is Infinity",
      "health_check.timeout_seconds: must be seconds, 0 or more: " +
      "current value is NaN",
      "health_check.http.port: must be from 1 to 65535: " +
      "current value is 65536",
      "health_check.http.scheme: must be http or https: " +
      'current value is "ftp"',
      'health_check.http.path: must begin with a slash: current value is "x"',
      "health_check.consecutive_failures: must be 0 or more: " +
      "current value is -1",
      "check.delay_seconds: must be seconds, 0 or more: current value is -2",
      "check.tcp.port: must be from 1 to 65535: current value is 0",
    ],
  );
});

Deno.test("findCheckProblems() wants a body that fits, and only one without a type", () => {
  assertEquals(
    problemsOf({
      health_check: { type: "HTTP", tcp: { port: 80 } },
      check: { http: { port: 80 }, tcp: { port: 80 } },
    }),
    [
      "health_check.http: must be there for a check of type HTTP",
      "check.type: must say which of HTTP and TCP is meant",
    ],
  );
});

Deno.test("findCheckProblems() looks into commands, and tells no secret", () => {
  const environment = {
    variables: [{ name: "A=B", value: "secret" }, {
      name: "C",
      type: "SECRET" as const,
      secret: { reference: { name: "vault" } },
    }],
  };
  assertEquals(
    problemsOf({
      health_check: { command: { environment } },
      check: {
        command: {
          command: {
            shell: false,
            value: "x",
            arguments: ["x", "\0"],
            environment,
          },
        },
      },
    }),
    [
      "health_check.command.value: must be shell text, not empty",
      "health_check.command.environment.variables[0]: " +
      "must have a name without = and NUL",
      "health_check.command.environment.variables[1].secret: " +
      "must hold its value: a reference cannot be resolved here",
      "check.command.command: must not hold a NUL",
      "check.command.command.environment.variables[0]: " +
      "must have a name without = and NUL",
      "check.command.command.environment.variables[1].secret: " +
      "must hold its value: a reference cannot be resolved here",
    ],
  );
});

Deno.test("initialCheckStatus() is empty, of the check's type", () => {
  assertEquals(
    initialCheckStatus({ command: { command: { value: "true" } } }),
    { type: "COMMAND", command: {} },
  );
  assertEquals(initialCheckStatus({ type: "HTTP", http: { port: 80 } }), {
    type: "HTTP",
    http: {},
  });
  assertEquals(initialCheckStatus({ type: "TCP", tcp: { port: 80 } }), {
    type: "TCP",
    tcp: {},
  });
  assertEquals(initialCheckStatus(undefined), undefined);
  assertEquals(initialCheckStatus({ type: "UNKNOWN" }), undefined);
});
