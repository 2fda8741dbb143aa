/**
 * The executor: one per task group, started by a Mesos agent.
 *
 * Signals: SIGTERM, SIGINT = as the agent's SHUTDOWN.
 * Exit codes: 0 = every task is over, 1 = a bug, 2 = the environment or a flag
 * is wrong, 3 = the agent is away for too long, 4 = it does not let us in, 5 =
 * it has forgotten us, 6 = it does not understand us.
 */
import { systemClock } from "../shared/clock.ts";
import { AppError, messageOf } from "../shared/errors.ts";
import { createLogger } from "../shared/logger.ts";
import { ManagerClient } from "../shared/manager_api/client.ts";
import { readConfig, USAGE } from "./config.ts";
import { EXIT_CODES } from "./departure.ts";
import { Executor } from "./executor.ts";
import { AgentClient } from "./mesos/agent_client.ts";
import { createTransport } from "./mesos/agent_transport.ts";
import { loadCodec } from "./mesos/codec.ts";

const encoder = new TextEncoder();
const logger = createLogger(
  (line) => Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
  systemClock.nowMs,
);

async function main(): Promise<void> {
  const commandLine = readConfig(Deno.args, (name) => Deno.env.get(name));
  if (commandLine.action === "help") {
    Deno.stdout.writeSync(encoder.encode(`${USAGE}\n`));
    return;
  }
  const { config } = commandLine;
  const codec = await loadCodec(config.codec);
  const executor = new Executor(config, {
    agent: new AgentClient(
      config.agentUrl,
      codec,
      config.token,
      createTransport(config.transport),
    ),
    manager: new ManagerClient(config.socketPath),
    clock: systemClock,
    random: Math.random,
    uuid: () => crypto.randomUUID(),
    logger,
    onFailure(name, error) {
      logger.error("the executor cannot go on", {
        task: name,
        error: error instanceof Error ? error.stack : messageOf(error),
      });
      Deno.exit(1);
    },
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => executor.shutdown());
  }
  const departure = await executor.run();
  logger.info("left");
  Deno.exit(departure === null ? 0 : EXIT_CODES[departure.cause]);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  logger.error("cannot start", { error: error.message });
  Deno.exit(2);
}
