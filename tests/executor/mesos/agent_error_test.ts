import { assertEquals } from "@std/assert";
import {
  type AgentFailure,
  classifyAnswer,
} from "../../../executor/mesos/agent_error.ts";

const ANSWERS: readonly (readonly [number, string, AgentFailure])[] = [
  [503, "Agent has not finished recovery", "unavailable"],
  [404, "", "unavailable"],
  [500, "", "unavailable"],
  [501, "", "unacceptable"],
  [502, "Bad Gateway", "unavailable"],
  [504, "", "unavailable"],
  [403, "Executor is not subscribed", "not-subscribed"],
  [403, "Executor is not authorized", "unauthorized"],
  [401, "", "unauthorized"],
  [400, "Framework cannot be found", "forgotten"],
  [400, "Executor cannot be found", "forgotten"],
  [400, "Failed to parse body into JSON", "unacceptable"],
  [408, "", "unavailable"],
  [429, "", "unavailable"],
  [405, "", "unacceptable"],
  [406, "", "unacceptable"],
  [415, "", "unacceptable"],
  [307, "", "unacceptable"],
];

for (const [status, body, failure] of ANSWERS) {
  Deno.test(`classifyAnswer() takes ${status} "${body}" for ${failure}`, () => {
    assertEquals(classifyAnswer(status, body), failure);
  });
}
