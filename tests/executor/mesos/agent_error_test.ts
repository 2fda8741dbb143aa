import { assertEquals } from "@std/assert";
import {
  type AgentFailure,
  classifyAnswer,
} from "../../../executor/mesos/agent_error.ts";

const ANSWERS: readonly (readonly [number, string, AgentFailure])[] = [
  [503, "Agent has not finished recovery", "unavailable"],
  [404, "", "unavailable"],
  [500, "", "unavailable"],
  [501, "", "unavailable"],
  [502, "Bad Gateway", "unavailable"],
  [504, "", "unavailable"],
  [403, "Executor is not subscribed", "not-subscribed"],
  [403, "Executor is not authorized", "rejected"],
  [401, "", "rejected"],
  [400, "Framework cannot be found", "rejected"],
  [400, "Executor cannot be found", "rejected"],
  [405, "", "rejected"],
  [406, "", "rejected"],
  [415, "", "rejected"],
  [307, "", "rejected"],
];

for (const [status, body, failure] of ANSWERS) {
  Deno.test(`classifyAnswer() takes ${status} "${body}" for ${failure}`, () => {
    assertEquals(classifyAnswer(status, body), failure);
  });
}
