import { assertEquals, assertThrows } from "@std/assert";
import { toProcessInfo } from "../../../executor/bcs/process_info.ts";
import {
  type RenderOptions,
  renderTaskGroup,
} from "../../../scripts/bcs/render.ts";
import demoDefinition from "../../../scripts/demo/gamesvc.json" with {
  type: "json",
};
import { assert, InvalidInputError } from "../../../shared/errors.ts";
import definition from "../../fixtures/bcs_process_definition.json" with {
  type: "json",
};
import executorInfo from "../../fixtures/bcs_process_executor_info.json" with {
  type: "json",
};
import taskGroup from "../../fixtures/bcs_process_task_group.json" with {
  type: "json",
};

/** What the scheduler knew when the fixtures were captured. */
const options: RenderOptions = {
  createdNs: 1795331452997824430n,
  cluster: "10000",
  frameworkId: "fw-1",
  agentId: "agent-1",
  hostIp: "127.0.0.12",
  offeredPorts: { begin: 31000, end: 31001 },
  secrets: { mySecret: { k: "czNjcmV0" } },
  configmaps: {
    "template-configmap": {
      "conf-env": { type: "file", content: "ZnJvbS1jb25maWdtYXA=" },
      "conf-file": { type: "file", content: "a2V5PXZhbHVlCg==" },
      "conf-http": {
        type: "http",
        content: "http://repo.example/gamesvc.conf",
        remoteUser: "ru",
        remotePasswd: "rp",
      },
    },
  },
};

function decodeTwice(base64: string | undefined): string {
  const decode = (text: string) =>
    new TextDecoder().decode(Uint8Array.fromBase64(text));
  return decode(decode(base64 ?? ""));
}

/** The smallest definition, with members of its one process added. */
function definitionOf(process: Record<string, unknown>) {
  const processes = [{ procName: "p", startCmd: "./p", ...process }];
  return {
    kind: "process",
    metadata: { name: "app", namespace: "ns" },
    spec: { template: { spec: { processes } } },
  };
}

function renderOne(process: Record<string, unknown>) {
  const [task] =
    renderTaskGroup(definitionOf(process), options).taskGroup.tasks;
  assert(task, "a task");
  return { task, data: JSON.parse(decodeTwice(task.data)) };
}

function problemsOf(value: unknown, changed: Partial<RenderOptions> = {}) {
  const error = assertThrows(
    () => renderTaskGroup(value, { ...options, ...changed }),
    InvalidInputError,
  ) as InvalidInputError;
  return error.problems.map(({ field, rule }) => `${field}: ${rule}`);
}

Deno.test("renderTaskGroup() renders the bytes that a real scheduler did", () => {
  const rendered = renderTaskGroup(definition, options);
  const [task] = rendered.taskGroup.tasks;
  const [captured] = taskGroup.tasks;
  assert(task && captured, "one task each");
  assertEquals(decodeTwice(task.data), decodeTwice(captured.data));
  // The scheduler forgets the user; see renderTaskGroup().
  const command = { ...captured.command, user: "user00" };
  assertEquals<unknown>(task, { ...captured, command });
  assertEquals<unknown>(rendered.executorInfo, executorInfo);
});

Deno.test("renderTaskGroup() escapes as Go does", () => {
  const { task, data } = renderOne({ startCmd: "a <b >c && d\u2028" });
  assertEquals(data.ProcInfo.startCmd, "a <b >c && d\u2028");
  const json = decodeTwice(task.data);
  assert(json.includes('"a \\u003cb \\u003ec \\u0026\\u0026 d\\u2028"'), json);
});

Deno.test("renderTaskGroup() replaces its own variables only", () => {
  const { data } = renderOne({
    workPath: "/w/${instanceid}",
    startCmd: "${workPath}/${processname} ${HOME} ${run_base_dir} ${ports.a}",
    ports: [{ name: "a", hostPort: 80 }],
  });
  assertEquals(
    data.ProcInfo.startCmd,
    "/w/0/app ${HOME} ${run_base_dir} 80",
  );
  assertEquals(data.Msgs, null);
});

Deno.test("renderTaskGroup() leaves out what is not defined", () => {
  const { task } = renderOne({});
  assertEquals(Object.keys(task), [
    "name",
    "task_id",
    "agent_id",
    "resources",
    "command",
    "data",
  ]);
  assertEquals(task.command, { environment: { variables: [] } });
});

Deno.test("renderTaskGroup() renders the built-in demo", () => {
  const { taskGroup } = renderTaskGroup(demoDefinition, {
    ...options,
    variables: { deno: "/opt/deno", demoDir: "/demo" },
  });
  const [gate, lobby] = taskGroup.tasks.map((task) => {
    const { processInfo, unsupported } = toProcessInfo(task, {
      user: "root",
      sandbox: "/sandbox",
      owner: "e1",
    });
    assertEquals(unsupported, []);
    return { ...processInfo, check: task.health_check };
  });
  assert(gate && lobby, "two tasks");
  assertEquals(gate.Id, "1795331452997824430.0.0.gamesvc.demo.10000");
  assertEquals(gate.PidFile, "");
  assertEquals(gate.WorkDir, "/demo");
  assertEquals(gate.Envs, [
    "DENO=/opt/deno",
    "http_port=31000",
    "instance=demo.gamesvc.0@127.0.0.12",
    "PORT_gate=31000",
  ]);
  assertEquals(gate.check?.http?.port, 31000);
  assertEquals(lobby.Id, "1795331452997824430.1.0.gamesvc.demo.10000");
  assertEquals(lobby.PidFile, "${run_base_dir}/demo.gamesvc.0/lobby.pid");
  assertEquals(lobby.ProcessName, "deno");
  assertEquals(lobby.check?.tcp?.port, 31001);
  assertEquals(
    taskGroup.tasks.map(({ resources }) => resources[0]),
    [0.48, 0.5].map((value) => ({
      name: "cpus",
      type: "SCALAR",
      scalar: { value },
    })),
  );
});

Deno.test("renderTaskGroup() names secrets and configmaps it lacks", () => {
  const items = "spec.template.spec.processes[0]";
  assertEquals(problemsOf(definition, { configmaps: {}, secrets: {} }), [
    ...["conf-env", "conf-file", "conf-http", "conf-http"].map((key, index) =>
      `${items}.configmaps[0].items[${index}].dataKey: must be a key of the ` +
      `configmap "template-configmap": no value is known for "${key}"`
    ),
    ...[0, 1].map((index) =>
      `${items}.secrets[0].items[${index}].dataKey: must be a key of the ` +
      'secret "mySecret": no value is known for "k"'
    ),
  ]);
});

Deno.test("renderTaskGroup() finds every problem of a definition", () => {
  assertEquals(problemsOf({ kind: "application", metadata: { name: "a.b" } }), [
    'kind: must be "process": current value is "application"',
    "spec.template.spec.processes: must hold at least one process",
    "metadata.name: must be letters, digits, - and _, a letter or digit " +
    'first: current value is "a.b"',
    "metadata.namespace: must be letters, digits, - and _, a letter or digit " +
    'first: current value is ""',
  ]);
  const http = { port: 80, portName: "x" };
  assertEquals(
    problemsOf(definitionOf({
      startCmd: "${ports.c}",
      ports: [
        { name: "a", hostPort: 0 },
        { name: "b", hostPort: 0 },
        { name: "b", hostPort: 70_000 },
        { name: "d", hostPort: 0 },
      ],
      healthChecks: [{ type: "HTTP", http }, { type: "TCP" }, { type: "UDP" }],
      resources: { limits: { cpu: "two", memory: -1 } },
      uris: [{ pwd: 424242 }],
    })).map((problem) => problem.replace("spec.template.spec.processes", "P")),
    [
      "P[0].ports[2].hostPort: must be at most 65535: current value is 70000",
      "P[0].uris[0].value: must not be empty",
      "P[0].uris[0].pwd: must be a string",
      "P[0].healthChecks[1].tcp: must be there for a TCP",
      "P[0].healthChecks[2].type: must be one of COMMAND, HTTP, TCP, " +
      'REMOTE_HTTP, REMOTE_TCP: current value is "UDP"',
      "P[0].healthChecks: must hold at most one check of type COMMAND, HTTP " +
      "or TCP",
      "P[0].resources.limits.cpu: must be a number of at least 0: current " +
      'value is "two"',
      "P[0].resources.limits.memory: must be a number of at least 0: current " +
      "value is -1",
      'P[0].ports[2].name: must be unique: current value is "b"',
      "P[0].ports[3].hostPort: must be a free port: the offer has none left",
      "P[0].healthChecks[0].http.portName: must name a port of the process: " +
      'current value is "x"',
      'P[0].startCmd: must use ports of the process only: "${ports.c}" is none',
    ],
  );
});
