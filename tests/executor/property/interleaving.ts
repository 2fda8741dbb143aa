import { quiet, SimulatedWorld } from "../../support/simulated_world.ts";
import { makeTask } from "../../support/in_process_daemon.ts";
import { Random } from "../../support/random.ts";

/** Steps of one story. */
const STEPS_MAX = 80;
/**
 * Time that all waiting before the calm takes at most, ms: below the minute
 * after which the executor does not wait for acknowledgements any more.
 */
const WAIT_MS_MAX = 45_000;
/** Time that the calm after the steps gets, virtual ms. */
const CALM_MS_MAX = 50_000;

/** One thing that happens; its words go into the story that is told. */
type Step = (story: Story) => string;

/**
 * What may happen, and how often. Nothing here is impossible for a correct
 * agent, scheduler, daemon or network.
 */
const STEPS: readonly (readonly [number, Step])[] = [
  [6, launchOne],
  [4, launchGroup],
  [2, launchAgain],
  [5, kill],
  [6, exit],
  [3, moveDaemon],
  [2, loseDaemonAnswer],
  [4, dropStream],
  [3, moveAgent],
  [4, failUpdate],
  [14, acknowledge],
  [2, acknowledgeTwice],
  [2, acknowledgeNonsense],
  [2, loseAck],
  [0.4, shutDown],
  [14, wait],
];

/** One run of an executor among random events. */
export class Story {
  readonly random: Random;
  readonly world: SimulatedWorld;
  /** What has happened, for people. */
  readonly told: string[] = [];
  /** Tasks launched so far, by id. */
  readonly taskIds: string[] = [];
  /** Time that may still pass before the calm, ms. */
  msLeft = WAIT_MS_MAX;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.world = new SimulatedWorld({ random: this.random.next });
    const { agent, daemon } = this.world;
    const pace = new Random(seed ^ 0x5bd1e995);
    if (pace.chance(0.3)) agent.capabilities = ["TASK_KILLING_STATE"];
    agent.latencyMs = () => pace.chance(0.3) ? pace.below(300) : 0;
    const stubborn = new Random(seed ^ 0x1b873593).next() * 0.5;
    daemon.obeys = (id) => hash(id, seed) >= stubborn;
    // Longer than what ever passes here before anybody has a turn.
    daemon.leaseMs = 10_000;
    daemon.startMs = (id) => Math.floor(hash(id, seed + 1) * 2) * 700;
  }

  /**
   * Runs it to the end.
   *
   * @returns What does not hold; empty if all is well.
   */
  async run(): Promise<string[]> {
    const { world, random } = this;
    await world.start();
    this.told.push(random.chance(0.5) ? launchOne(this) : launchGroup(this));
    if (random.chance(0.9)) await quiet();
    const steps = 10 + random.below(STEPS_MAX - 10);
    for (let left = steps; left > 0 && !world.hasLeft; left--) {
      this.told.push(this.#pick()(this));
      if (random.chance(0.7)) await quiet();
    }
    await this.#calmDown();
    return this.#problems();
  }

  /** Everybody is there and does what is expected: all has to come to an end. */
  async #calmDown(): Promise<void> {
    const { world } = this;
    const { agent, daemon } = world;
    this.told.push("calm");
    agent.failure = null;
    agent.fate = () => "accepted";
    agent.latencyMs = () => 0;
    daemon.answersToLose = 0;
    if (daemon.isAway) daemon.comeBack();
    // What was lost is brought again by a new stream.
    agent.closeStream("broken");
    await world.advance(3_000, 100);
    for (let passedMs = 0; passedMs < CALM_MS_MAX; passedMs += 500) {
      if (world.hasLeft) return;
      await world.acknowledge();
      for (const id of agent.delivered.keys()) {
        // What has been asked for once must not be forgotten.
        if (!agent.killed.has(id)) agent.kill(id, 1_000);
      }
      if (agent.delivered.size === 0) agent.shutdown();
      await world.advance(500, 100);
    }
  }

  #problems(): string[] {
    const { world } = this;
    const { agent, daemon } = world;
    const problems = agent.records.violations.map(({ text }) => text);
    for (const failure of world.failures) problems.push(describe(failure));
    if (world.departure === undefined) problems.push("it has not left");
    else if (world.departure !== null) {
      problems.push(`it has left: ${world.departure.message}`);
    }
    for (const line of world.log) {
      if (line.startsWith("left without")) problems.push(line);
    }
    for (const id of daemon.ids) {
      if (daemon.aliveIds.includes(id)) problems.push(`${id} is alive`);
      else if (!this.#hasGivenUpDeleting(id)) {
        problems.push(`the daemon still has ${id}`);
      }
    }
    for (const id of agent.tasks.dropped) problems.push(`${id} was dropped`);
    for (const id of agent.delivered.keys()) {
      problems.push(...this.#problemsOf(id));
    }
    return problems;
  }

  /** The executor tries five times only: the process is over, after all. */
  #hasGivenUpDeleting(id: string): boolean {
    const failures = this.world.log.filter((line) =>
      line.startsWith("process not deleted") && line.includes(`"${id}"`)
    );
    return failures.length >= 5;
  }

  #problemsOf(id: string): string[] {
    const { agent, daemon } = this.world;
    const states = this.world.statesOf(id);
    const history = daemon.historyOf(id);
    // It came as the executor left: the agent sees that, and says so itself.
    if (
      agent.delivered.get(id) === agent.leftAtMs && states.length === 0 &&
      history.length === 0
    ) return [];
    const ends = states.filter((state) => END.test(state));
    if (ends.length !== 1 || !END.test(states.at(-1) ?? "")) {
      return [`${id} has no one end: ${states.join()}`];
    }
    const last = history.findLast(({ Status }) => Status === "stopped");
    const hasSucceeded = last?.Result === "exited" && last.ExitCode === 0;
    if (ends[0] === "TASK_FINISHED" && !hasSucceeded) {
      return [`${id} has finished without success`];
    }
    if (history.some(({ Result }) => Result === "lease-expired")) {
      return [`${id} has ended as an orphan, though its executor lives`];
    }
    const isRunning = history.some(({ Status }) => Status === "running");
    return states.includes("TASK_RUNNING") && !isRunning
      ? [`${id} never ran, but was reported as running`]
      : [];
  }

  #pick(): Step {
    let left = this.random.next() *
      STEPS.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, step] of STEPS) {
      left -= weight;
      if (left < 0) return step;
    }
    return wait;
  }
}

const END = /^TASK_(FINISHED|FAILED|KILLED|ERROR)$/;

function launchOne(story: Story): string {
  const task = makeTask(newId(story));
  story.world.agent.launch([task], "single");
  return `launch ${task.info.name}`;
}

function launchGroup(story: Story): string {
  const tasks = Array.from(
    { length: 2 + story.random.below(3) },
    // Now and then one that cannot be made a process of.
    () => {
      const isInvalid = story.random.chance(0.05);
      return makeTask(newId(story), isInvalid ? { command: {} } : {});
    },
  );
  story.world.agent.launch(tasks, "group");
  return `launch group ${tasks.map(({ info }) => info.name).join()}`;
}

function launchAgain({ world, random }: Story): string {
  const id = pickFrom([...world.agent.delivered.keys()], random);
  if (id !== undefined) world.agent.launch([makeTask(id)], "single");
  return `launch ${id} again`;
}

function kill({ world, random, taskIds }: Story): string {
  const id = pickFrom(taskIds, random) ?? "nobody";
  const graceMs = random.chance(0.5) ? random.below(4_000) : undefined;
  world.agent.kill(id, graceMs);
  return `kill ${id} ${graceMs}`;
}

function exit({ world, random }: Story): string {
  const id = pickFrom(world.daemon.runningIds, random);
  const code = random.below(2);
  if (id !== undefined) world.daemon.exit(id, code);
  return `exit ${id} ${code}`;
}

function moveDaemon({ world: { daemon } }: Story): string {
  if (daemon.isAway) daemon.comeBack();
  else daemon.leave();
  return daemon.isAway ? "daemon leaves" : "daemon is back";
}

function loseDaemonAnswer({ world, random }: Story): string {
  world.daemon.answersToLose = 1 + random.below(2);
  return `daemon loses ${world.daemon.answersToLose} answers`;
}

function dropStream({ world, random }: Story): string {
  const how = random.pick(["closed", "broken"] as const);
  world.agent.closeStream(how);
  return `stream ${how}`;
}

function moveAgent({ world: { agent } }: Story): string {
  if (agent.failure === null) {
    agent.failure = "unavailable";
    agent.closeStream("broken");
    return "agent leaves";
  }
  agent.failure = null;
  return "agent is back";
}

function failUpdate({ world: { agent }, random }: Story): string {
  const fate = random.pick(["unanswered", "refused"] as const);
  let left = 1 + random.below(3);
  agent.fate = () => left-- > 0 ? fate : "accepted";
  return `${left} updates ${fate}`;
}

function acknowledge({ world: { agent }, random }: Story): string {
  // Mostly in order.
  const index = random.chance(0.8) ? 0 : random.below(agent.acksWaiting);
  agent.sendAck(index);
  return `ack ${index}`;
}

function acknowledgeTwice({ world: { agent }, random }: Story): string {
  const index = random.below(agent.acksWaiting);
  agent.sendAck(index, true);
  agent.sendAck(index);
  return `ack ${index} twice`;
}

function acknowledgeNonsense({ world: { agent }, taskIds }: Story): string {
  const uuid = "AAAAAAAAAAAAAAAAAAAAAA==";
  const task_id = { value: taskIds[0] ?? "nobody" };
  agent.sendEvent({ type: "ACKNOWLEDGED", acknowledged: { task_id, uuid } });
  return "ack nonsense";
}

function loseAck({ world: { agent } }: Story): string {
  agent.loseAck(0);
  return "lose an ack";
}

function shutDown({ world: { agent } }: Story): string {
  agent.shutdown();
  return "shutdown";
}

function wait(story: Story): string {
  const { world, random } = story;
  // Longer than a launch waits for the daemon.
  const longestMs = world.daemon.isAway ? 11_000 : 3_000;
  const ms = Math.min(story.msLeft, random.pick([1, 20, 100, 500, longestMs]));
  story.msLeft -= ms;
  world.clock.advance(ms);
  return `wait ${ms}`;
}

function newId({ taskIds }: Story): string {
  const id = `task-${taskIds.length + 1}`;
  taskIds.push(id);
  return id;
}

function pickFrom<T>(choices: readonly T[], random: Random): T | undefined {
  return choices.length === 0 ? undefined : random.pick(choices);
}

/** A number from 0 up to 1 that is always the same for a task of a story. */
function hash(id: string, seed: number): number {
  return new Random(seed * 1_000 + Number(id.replace("task-", ""))).next();
}

function describe(failure: unknown): string {
  const cause = failure instanceof Error ? failure.cause : failure;
  return `bug: ${cause instanceof Error ? cause.stack : failure}`;
}
