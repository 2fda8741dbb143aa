/** Answers to messages, and an agent that does not take them. */
import { assertEquals } from "@std/assert";
import { settled } from "../support/in_process_daemon.ts";
import { SimulatedWorld } from "../support/simulated_world.ts";

Deno.test("executor goes on if the agent does not take the answer to a message", async () => {
  const world = new SimulatedWorld();
  await world.start();
  const message = JSON.stringify({ Id: 1, Type: 11, RestartTask: {} });
  world.agent.failure = "unavailable";
  world.agent.sendEvent({
    type: "MESSAGE",
    message: { data: btoa(btoa(message)) },
  });
  const isNotSent = () =>
    world.log.some((line) => line.startsWith("message not sent"));
  // Whoever handles messages is loaded by the first one.
  for (let left = 1_000; left > 0 && !isNotSent(); left--) await settled();
  assertEquals(isNotSent(), true);
  assertEquals(world.failures, []);
  world.executor.shutdown();
  await world.advance(1_000, 50);
  assertEquals(world.departure, null);
});
