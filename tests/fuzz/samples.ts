import taskGroup from "../fixtures/bcs_process_task_group.json" with {
  type: "json",
};
import { encodeFull, fillMessage } from "../executor/mesos/full_protobuf.ts";

/** A message in Mesos' JSON mapping. */
type Message = Readonly<Record<string, unknown>>;

/** Field of an event that goes with its type. */
const BODIES = {
  SUBSCRIBED: "subscribed",
  LAUNCH: "launch",
  LAUNCH_GROUP: "launch_group",
  KILL: "kill",
  ACKNOWLEDGED: "acknowledged",
  MESSAGE: "message",
  ERROR: "error",
} as const;

const full = fillMessage("executor.Event");

/** One valid event of each type: every field set, and those of a scheduler. */
export const EVENTS: readonly Message[] = [
  ...Object.entries(BODIES).map(([type, body]) => ({
    type,
    [body]: full[body],
  })),
  { type: "SHUTDOWN" },
  { type: "HEARTBEAT" },
  { type: "LAUNCH_GROUP", launch_group: { task_group: taskGroup } },
  { type: "KILL", kill: { task_id: { value: "task-1" } } },
  {
    type: "ACKNOWLEDGED",
    acknowledged: {
      task_id: { value: "task-1" },
      uuid: "KMhgutU1RyuXR3xajGg1eA==",
    },
  },
];

/** The events in protobuf. */
export const EVENTS_PROTOBUF: readonly Uint8Array[] = EVENTS.map((event) =>
  encodeFull("executor.Event", event)
);

/** One BCS message of each type that is understood. */
export const BCS_MESSAGES: readonly Message[] = [
  { Type: 1, Local: { To: "/a", Right: "rw", User: "u", Base64: "AP+A" } },
  { Type: 2, Sig: { Signal: 9, ProcessName: "gamesvr" } },
  { Type: 3, Env: { Name: "A", Value: "YQ==" } },
  { Type: 4, Remote: { ...makeSource(), To: "/b", Right: "r", User: "u" } },
  { Type: 5, Secret: { Name: "B", Value: "YQ==", Type: 1 } },
  { Type: 6, TaskStatusQuery: { Reason: "why" } },
  { Type: 7, EnvRemote: { ...makeSource(), Name: "C" } },
  {
    Type: 8,
    UpdateTaskResources: {
      Resources: [{ TaskId: "t", ReqCpu: 1, ReqMem: 2, Cpu: 0.5, Mem: 64 }],
    },
  },
  { Type: 9, CommitTask: { Tasks: [{ TaskId: "t", Image: "i" }] } },
  { Type: 10, ReloadTask: {} },
  { Type: 11, RestartTask: {} },
  {
    Type: 12,
    RequestCommandTask: {
      ID: "1",
      TaskId: "t",
      ContainerId: "",
      Env: ["A=1"],
      Cmd: ["/bin/true"],
      User: "u",
      WorkingDir: "/",
      Privileged: false,
    },
  },
].map((body) => ({
  Id: 1,
  TaskGroupId: "group",
  TaskID: { value: "task-1" },
  Status: "staging",
  Message: "",
  CompleteTime: 0,
  CreateTime: 1795331587,
  ...body,
}));

/** Whether a message may come with a task. */
function isInData(message: Message): boolean {
  return [1, 3, 4, 5, 7].includes(Number(message["Type"]));
}

/** What BCS's scheduler puts into a task's data. */
export const DATA_CLASS: Message = {
  Resources: { Cpus: 0.1, Mem: 16, Disk: 0 },
  LimitResources: { Cpus: 1, Mem: 32, Disk: 0 },
  ExtendedResources: [
    { InnerIP: "127.0.0.1", Name: "gpu", Value: 1, Capacity: 2, Socket: "" },
  ],
  Msgs: BCS_MESSAGES.filter(isInData),
  NetLimit: { egressLimit: 1 },
  ProcInfo: {
    procName: "gamesvr",
    workPath: "${work_base_dir}/gamesvr",
    pidFile: "/run/gamesvr.pid",
    startCmd: "./start.sh",
    checkCmd: "",
    stopCmd: "./stop.sh",
    restartCmd: "",
    reloadCmd: "./reload.sh",
    killCmd: "",
    logPath: "",
    cfgPath: "",
    uris: [
      { Value: "http://127.0.0.1/a.tgz", User: "u", Pwd: "p", OutputDir: "/o" },
    ],
    startGracePeriod: 3,
  },
};

/** A task that holds nothing but what it needs. */
export const TASK: Message & { readonly task_id: { readonly value: string } } =
  {
    name: "task-1",
    task_id: { value: "task-1" },
    agent_id: { value: "agent-1" },
  };

function makeSource() {
  return {
    From: "http://127.0.0.1/f",
    Type: "http",
    RemoteUser: "u",
    RemotePasswd: "p",
  };
}
