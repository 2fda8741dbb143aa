/** One duty of an executor towards its agent, and what proves it. */
export interface Row {
  readonly id: string;
  /** What the executor does. */
  readonly duty: string;
  /** Where Mesos says so, or what else asks for it. */
  readonly source: string;
  /**
   * Tests, as `file below tests/executor: name as it stands in the source`,
   * without what says which codec it runs with.
   */
  readonly tests: readonly string[];
}

/** The v1 executor API, from the executor's side. */
export const ROWS: readonly Row[] = [
  // The environment that an agent gives.
  {
    id: "environment-ids",
    duty: "Without framework id, executor id or sandbox it does not start.",
    source: "src/slave/slave.cpp executorEnvironment",
    tests: ["config_test.ts: readConfig() reports every problem at once"],
  },
  {
    id: "environment-endpoint",
    duty:
      "The agent is found by MESOS_AGENT_ENDPOINT or by MESOS_SLAVE_PID's path.",
    source: "docs/executor-http-api.md, src/executor/executor.cpp",
    tests: [
      "config_test.ts: readConfig() finds the agent by its endpoint or its libprocess id",
      "config_test.ts: readConfig() refuses what names no agent",
    ],
  },
  {
    id: "environment-checkpoint",
    duty: "MESOS_CHECKPOINT is compared as text: 0 is not true.",
    source: "src/slave/slave.cpp executorEnvironment",
    tests: [
      "config_test.ts: readConfig() compares the text of MESOS_CHECKPOINT",
    ],
  },
  {
    id: "environment-durations",
    duty: "Durations have units from ns to weeks, maybe decimals.",
    source: "3rdparty/stout/include/stout/duration.hpp",
    tests: [
      "config_test.ts: readConfig() reads durations in every unit of Mesos",
    ],
  },
  {
    id: "environment-defaults",
    duty: "What is left out is 15 min, 2 s and 5 s.",
    source: "src/slave/constants.hpp",
    tests: [
      "config_test.ts: readConfig() has Mesos' defaults for what is left out",
    ],
  },
  {
    id: "environment-token",
    duty: "No task sees the token, nor any other variable of the executor.",
    source: "src/executor/executor.cpp",
    tests: ["executor_test.ts: executor gives a task its own variables alone"],
  },
  {
    id: "environment-domain-socket",
    duty: "With MESOS_DOMAIN_SOCKET it connects there.",
    source: "src/executor/executor.cpp",
    tests: [
      "config_test.ts: readConfig() finds an agent on a unix socket",
      "conformance/subscribe_test.ts: subscribe: the agent may listen on a unix socket",
    ],
  },

  // Transport.
  {
    id: "transport-content-type",
    duty: "Content-Type and Accept are the media type and nothing else.",
    source: "src/slave/http.cpp Http::executor",
    tests: [
      "conformance/subscribe_test.ts: subscribe: empty lists are sent as such",
      "mesos/codec_test.ts: loadCodec() gives codecs with the agent's content types",
    ],
  },
  {
    id: "transport-token",
    duty: "The token comes with every call and is never logged.",
    source: "3rdparty/libprocess/src/jwt_authenticator.cpp",
    tests: [
      "conformance/subscribe_test.ts: subscribe: the token comes with every call",
    ],
  },
  {
    id: "transport-redirect",
    duty: "No redirect is followed: the token stays with the agent.",
    source: "src/slave/http.cpp Http::executor never redirects",
    tests: [
      "conformance/subscribe_test.ts: subscribe: a redirect is not followed",
    ],
  },
  {
    id: "transport-tls",
    duty: "An agent that speaks HTTPS must show a certificate that is trusted.",
    source: "LIBPROCESS_SSL_ENABLED",
    tests: [
      "conformance/subscribe_test.ts: subscribe: an agent that speaks HTTPS must be known",
    ],
  },
  {
    id: "transport-connections",
    duty: "Calls do not use the connection of the subscription.",
    source: "src/executor/executor.cpp",
    tests: [
      "conformance/subscribe_test.ts: subscribe: calls use a connection of their own",
    ],
  },

  // SUBSCRIBE and its answers.
  {
    id: "subscribe-empty",
    duty: "The member `subscribe` is there even when it is empty.",
    source: "src/common/validation.cpp validateExecutorCall",
    tests: [
      "conformance/subscribe_test.ts: subscribe: empty lists are sent as such",
    ],
  },
  {
    id: "subscribe-updates",
    duty: "It brings unacknowledged tasks, and updates oldest first.",
    source: "src/slave/slave.cpp Slave::subscribe",
    tests: [
      "conformance/subscribe_test.ts: subscribe: it brings what is not acknowledged, oldest first",
      "executor_update_test.ts: executor carries unacknowledged updates in SUBSCRIBE",
    ],
  },
  {
    id: "subscribe-again",
    duty: "503, 404 and other passing failures are tried again.",
    source: "src/slave/http.cpp: recovery, routes that are not installed",
    tests: [
      "conformance/subscribe_test.ts: subscribe: it is tried again after ${status}",
      "executor_failure_test.ts: executor waits for an agent that is recovering",
    ],
  },
  {
    id: "subscribe-refused",
    duty:
      "401 and claims are exit code 4, a forgotten executor 5, all that will not change 6; the message says why.",
    source: "src/slave/http.cpp Http::executor, verifyExecutorClaims",
    tests: [
      'conformance/subscribe_test.ts: subscribe: ${fault.status} "${fault.body}" is exit code ${exitCode}',
      "executor_failure_test.ts: executor leaves and says so when its token is refused",
      "executor_failure_test.ts: executor leaves an agent that does not know it any more",
    ],
  },
  {
    id: "subscribe-shutdown-first",
    duty: "SHUTDOWN may come instead of SUBSCRIBED.",
    source: "MESOS-8411, docs/agent-recovery.md",
    tests: [
      "conformance/subscribe_test.ts: subscribe: SHUTDOWN may come first",
      "executor_kill_test.ts: executor leaves when SHUTDOWN comes instead of SUBSCRIBED",
    ],
  },
  {
    id: "subscribe-silent",
    duty:
      "Without SUBSCRIBED a try ends, and the recovery timeout goes on meanwhile.",
    source: "src/slave/slave.cpp registration timeout",
    tests: [
      "conformance/subscribe_test.ts: subscribe: without SUBSCRIBED it is tried again, and given up",
    ],
  },

  // The stream of events.
  {
    id: "stream-cut",
    duty: "Records may be cut into chunks at any byte.",
    source: "3rdparty/stout/include/stout/recordio.hpp",
    tests: [
      "conformance/stream_test.ts: stream: it may be cut at every byte",
      "executor_test.ts: executor runs a LAUNCH to its end",
    ],
  },
  {
    id: "stream-broken",
    duty:
      "A length that is none, a record that is cut or makes no sense, an ERROR, an end: subscribe anew, tasks go on.",
    source: "docs/executor-http-api.md, recordio.hpp",
    tests: [
      "conformance/stream_test.ts: stream: ${name} makes it subscribe anew",
    ],
  },
  {
    id: "stream-prefix",
    duty: "Events before a mistake count.",
    source: "events are not sent twice",
    tests: [
      "conformance/stream_test.ts: stream: events before a mistake are heard",
    ],
  },
  {
    id: "stream-unknown",
    duty: "An event of an unknown type is passed over.",
    source: "include/mesos/v1/executor/executor.proto Event.Type",
    tests: [
      "conformance/stream_test.ts: stream: an event of the future is passed over",
      "executor_update_test.ts: executor ignores events that it does not know",
    ],
  },
  {
    id: "stream-heartbeats",
    duty:
      "Heartbeats change nothing; an agent that sent one and is silent for long is given up.",
    source: "src/slave/constants.hpp",
    tests: [
      "conformance/stream_test.ts: stream: heartbeats alone change nothing",
      "conformance/stream_test.ts: stream: a heartbeat that stays away makes it subscribe anew",
    ],
  },
  {
    id: "stream-two",
    duty: "Of two streams the newer one counts.",
    source: "src/slave/slave.cpp Slave::subscribe",
    tests: [
      "conformance/stream_test.ts: stream: of two only the newer one counts",
      "mesos/subscription_test.ts: Subscription.drop() ends the stream; what is left of it is not heard",
    ],
  },
  {
    id: "stream-launch-again",
    duty: "A launch that comes again starts nothing.",
    source: "delivery is not exactly once",
    tests: [
      "conformance/stream_test.ts: stream: a launch that comes again starts nothing",
      "executor_test.ts: executor does not start a task twice that is launched twice",
    ],
  },

  // Calls.
  {
    id: "call-ids",
    duty: "Every call has both ids.",
    source: "src/common/validation.cpp validateExecutorCall",
    tests: ["conformance/call_test.ts: call: each says whose it is"],
  },
  {
    id: "call-heartbeat",
    duty: "A heartbeat each half hour; an old agent's refusal means nothing.",
    source: "src/executor/executor.cpp, MESOS-7564",
    tests: [
      "conformance/call_test.ts: call: a heartbeat every half hour, refused or not",
      "conformance/call_test.ts: call: a heartbeat whose answer breaks off is none",
    ],
  },
  {
    id: "call-message",
    duty: "Messages are opaque, may come twice, and are answered best effort.",
    source: "docs/executor-http-api.md",
    tests: [
      "conformance/call_test.ts: call: a message that makes no sense is passed over",
      "conformance/call_test.ts: call: a message of the scheduler is answered by one",
      "bcs/message_handler_test.ts: MessageHandler carries a repeated message out once",
    ],
  },

  // Updates.
  {
    id: "update-503",
    duty: "503 after SUBSCRIBED is tried again.",
    source: "src/slave/http.cpp",
    tests: [
      "conformance/update_test.ts: update: 503 after SUBSCRIBED is tried again",
    ],
  },
  {
    id: "update-lost",
    duty: "A lost call or 202 leads to the same update with the same uuid.",
    source: "src/slave/task_status_update_manager.cpp",
    tests: [
      "conformance/update_test.ts: update: a lost 202 is no second update",
      "conformance/update_test.ts: update: a lost call is sent again",
      "conformance/update_test.ts: update: an answer that breaks off is none",
    ],
  },
  {
    id: "update-ack-lost",
    duty: "What is not acknowledged comes again with SUBSCRIBE.",
    source: "src/slave/slave.cpp Slave::subscribe",
    tests: [
      "conformance/update_test.ts: update: what is not acknowledged comes again with SUBSCRIBE",
    ],
  },
  {
    id: "update-acks",
    duty: "Acknowledgements may be repeated, unknown, or of an older update.",
    source: "src/slave/task_status_update_manager.cpp",
    tests: [
      "conformance/update_test.ts: update: an acknowledgement may come twice",
      "conformance/update_test.ts: update: an unknown uuid acknowledges nothing",
      "conformance/update_test.ts: update: acknowledgements may come out of order",
    ],
  },
  {
    id: "update-restart",
    duty: "An agent that dies between 202 and acknowledgement gets it again.",
    source:
      "src/slave/slave.cpp: the acknowledgement comes after the checkpoint",
    tests: [
      "conformance/update_test.ts: update: an agent that dies between 202 and acknowledgement gets it again",
      "executor_update_test.ts: executor outlives the agent's restart and reports what happened meanwhile",
    ],
  },
  {
    id: "update-not-subscribed",
    duty: "403 `not subscribed` means to subscribe anew.",
    source: "src/slave/http.cpp",
    tests: [
      'conformance/update_test.ts: update: "not subscribed" makes it subscribe anew',
    ],
  },
  {
    id: "update-forgotten",
    duty: "An agent that has forgotten the executor is left, with exit code 5.",
    source: "src/slave/http.cpp",
    tests: [
      "conformance/update_test.ts: update: an agent that has forgotten us is left",
    ],
  },
  {
    id: "update-fields",
    duty:
      "16 random bytes of uuid, the agent's and the executor's id, SOURCE_EXECUTOR, a message.",
    source: "src/common/validation.cpp, src/slave/slave.cpp statusUpdate",
    tests: [
      "conformance/update_test.ts: update: every field is as the agent checks it",
      "updates/status_update_test.ts: buildTaskStatus() fills in everything that an agent checks",
    ],
  },
  {
    id: "update-time",
    duty: "The timestamp is that of the event.",
    source: "include/mesos/v1/mesos.proto TaskStatus",
    tests: [
      "conformance/update_test.ts: update: the time is the event's, not that of sending",
    ],
  },
  {
    id: "update-message",
    duty: "The message is bounded.",
    source: "agent and master keep every status in memory",
    tests: [
      "updates/status_update_test.ts: buildTaskStatus() cuts a message to 4 KiB",
    ],
  },
  {
    id: "update-health",
    duty:
      "`healthy` only once it is known; check_status in every update of a task with a check.",
    source: "include/mesos/v1/mesos.proto TaskStatus",
    tests: [
      "tasks/task_health_test.ts: Task reports its health, and only when that changes",
      "tasks/task_health_test.ts: Task carries the status of its check in every report",
      "tasks/task_health_test.ts: Task without checks says nothing of health",
    ],
  },
  {
    id: "update-one-end",
    duty: "Each task ends with one terminal update, whatever happens.",
    source: "src/slave/slave.cpp updateTaskState",
    tests: [
      "property/interleaving_test.ts: executor ends every task once in random stories",
    ],
  },

  // An agent that is away.
  {
    id: "disconnect-no-checkpoint",
    duty: "Without checkpoint it ends its tasks and leaves.",
    source: "docs/executor-http-api.md, src/executor/executor.cpp disconnected",
    tests: [
      "conformance/disconnect_test.ts: disconnect: without checkpoint it ends its tasks and leaves",
      "conformance/disconnect_test.ts: disconnect: an agent that was never there is exit code 3",
      "executor_failure_test.ts: executor without checkpointing ends its tasks with the agent",
    ],
  },
  {
    id: "disconnect-checkpoint",
    duty: "With checkpoint tasks run on, and what happens is told afterwards.",
    source: "docs/executor-http-api.md",
    tests: [
      "conformance/disconnect_test.ts: disconnect: with checkpoint nothing happens to the tasks",
    ],
  },
  {
    id: "disconnect-backoff",
    duty: "It comes back within the back-off that the agent gives.",
    source: "src/slave/constants.hpp EXECUTOR_REREGISTRATION_TIMEOUT",
    tests: [
      "conformance/disconnect_test.ts: disconnect: it comes back within the agent's 2 s",
    ],
  },
  {
    id: "disconnect-recovery-timeout",
    duty:
      "One recovery timeout for each outage, however often it is refused meanwhile; then it leaves.",
    source: "src/executor/executor.cpp",
    tests: [
      "conformance/disconnect_test.ts: disconnect: it leaves when the recovery timeout is over",
      "conformance/disconnect_test.ts: disconnect: refusals do not stop the recovery timeout",
      "conformance/disconnect_test.ts: disconnect: each outage has its own recovery timeout",
    ],
  },

  // KILL.
  {
    id: "kill-early",
    duty:
      "Before the launch it means nothing; what has not begun does not begin.",
    source: "docs/executor-http-api.md",
    tests: [
      "conformance/kill_test.ts: kill: before the launch it means nothing",
      "conformance/kill_test.ts: kill: while the daemon is away nothing is started",
      "conformance/kill_test.ts: kill: a task that starts never runs",
    ],
  },
  {
    id: "kill-late",
    duty: "After the end, or of an unknown task, it means nothing.",
    source: "docs/executor-http-api.md",
    tests: [
      "conformance/kill_test.ts: kill: after its end, or of nobody, it means nothing",
    ],
  },
  {
    id: "kill-grace",
    duty:
      "The event's kill policy, else the task's, else 3 s; never longer by a repeat.",
    source: "src/launcher/executor.cpp",
    tests: [
      "conformance/kill_test.ts: kill: the grace of the event comes first, then the task's, then 3 s",
      "conformance/kill_test.ts: kill: a repeat shortens the grace and never lengthens it",
      "executor_kill_test.ts: executor kills with the grace period of the KILL",
    ],
  },
  {
    id: "kill-killing",
    duty: "TASK_KILLING only for frameworks with TASK_KILLING_STATE.",
    source: "include/mesos/v1/mesos.proto FrameworkInfo.Capability",
    tests: [
      "conformance/kill_test.ts: kill: TASK_KILLING is for frameworks that know it",
    ],
  },
  {
    id: "kill-group",
    duty: "A group begins as a whole, and one that fails ends the rest.",
    source: "src/launcher/default_executor.cpp",
    tests: [
      "conformance/kill_test.ts: kill: one of a group ends the group",
      "conformance/kill_test.ts: kill: a group with an invalid task is not begun",
    ],
  },

  // SHUTDOWN.
  {
    id: "shutdown-grace",
    duty: "Everything ends inside the grace period, at the same time.",
    source: "src/executor/executor.cpp, src/slave/slave.cpp",
    tests: [
      "conformance/shutdown_test.ts: shutdown: stubborn tasks end within ${grace}",
      "conformance/shutdown_test.ts: shutdown: many tasks end at once, not one by one",
      "conformance/shutdown_test.ts: shutdown: tasks that obey need not wait",
      "executor_kill_test.ts: executor stops everything on SHUTDOWN within the grace period",
    ],
  },
  {
    id: "shutdown-fail-safe",
    duty: "A minute without acknowledgement, or without the daemon, is enough.",
    source: "src/launcher/default_executor.cpp",
    tests: [
      "conformance/shutdown_test.ts: shutdown: it leaves even if nobody acknowledges",
      "conformance/shutdown_test.ts: shutdown: it leaves even if the daemon stays away",
      "conformance/update_test.ts: update: an executor that is over waits a minute for the last one",
    ],
  },
  {
    id: "shutdown-other",
    duty: "It may come without a task, before a launch, or as SIGTERM.",
    source: "docs/executor-http-api.md",
    tests: [
      "conformance/shutdown_test.ts: shutdown: without a task it leaves at once",
      "conformance/shutdown_test.ts: shutdown: a task that is launched meanwhile does not stay",
      "conformance/shutdown_test.ts: shutdown: SIGTERM is one",
      "executor_kill_test.ts: executor takes SIGTERM for a SHUTDOWN",
    ],
  },
];
