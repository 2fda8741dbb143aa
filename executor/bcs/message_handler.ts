import type { BackgroundTasks } from "../../shared/background.ts";
import { boundText } from "../../shared/bound_text.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError, InvalidInputError } from "../../shared/errors.ts";
import { KeyedTurns } from "../../shared/keyed_turns.ts";
import type { LogFields, Logger } from "../../shared/logger.ts";
import type { BcsMessage } from "./bcs_message.ts";
import type { ActionPorts, Reply } from "./action.ts";
import { carryOut, isAnswerType, toFailure } from "./message_actions.ts";
import { MessageMemory } from "./message_memory.ts";
import { parseMessageEvent, type ReceivedMessage } from "./read_message.ts";

/** Most messages at work at a time. */
const AT_WORK_MAX = 32;
/** Longest text of an answer, UTF-8 bytes. */
const TEXT_BYTES_MAX = 4_096;

/** What messages need of their surroundings. */
export interface MessagePorts extends ActionPorts {
  /** Sends bytes (base64) to the scheduler, best effort. */
  readonly send: (data: string) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly background: BackgroundTasks;
}

/**
 * Carries out what the BCS scheduler sends to a running executor, and answers.
 *
 * An answer is a BcsMessage as plain JSON, with what the message was named by
 * echoed. The scheduler reads it so (bk-bcs scheduler/scheduler.go, the
 * MESSAGE event), acts upon types 13 and 14 and logs all others.
 */
export class MessageHandler {
  readonly #memory = new MessageMemory();
  readonly #turns = new KeyedTurns();
  #atWork = 0;

  constructor(private readonly ports: MessagePorts) {}

  /**
   * Takes one MESSAGE event's data. Never throws and never blocks: what it
   * sets going ends in the background.
   *
   * @param data As the event has it: base64.
   */
  handle(data: string): void {
    const { logger } = this.ports;
    const received = parseMessageEvent(data);
    if (received === undefined) {
      logger.warn("message ignored", { reason: "it is no BCS message" });
      return;
    }
    const fields = toFields(received);
    if (isAnswer(received)) {
      logger.info("message ignored", { ...fields, reason: "it is an answer" });
      return;
    }
    const { message, problems } = received;
    if (message === undefined) {
      const { message: text } = new InvalidInputError("message", problems);
      this.#answer(received, [{ Status: "failed", Message: text }]);
      return;
    }
    const key = keyOf(received, message);
    const known = key === null ? "unknown" : this.#memory.recall(key);
    if (known !== "unknown") {
      logger.info("message repeated", fields);
      if (known !== "at work") this.#send(known);
      return;
    }
    if (this.#atWork >= AT_WORK_MAX) {
      const reason = `too many messages are at work: at most ${AT_WORK_MAX}`;
      this.#answer(received, [toFailure(message, reason)]);
      return;
    }
    this.#atWork++;
    if (key !== null) this.#memory.begin(key);
    // It begins at once: messages take their turns in the order they came.
    this.ports.background.run(`message ${message.Id}`, async () => {
      const replies = await carryOut(message, this.ports, this.#turns);
      this.#atWork--;
      const answers = this.#answer(received, replies);
      if (key !== null) this.#memory.end(key, answers);
    });
  }

  /** @returns The answers as they were sent. */
  #answer(received: ReceivedMessage, replies: readonly Reply[]): string[] {
    const { clock, logger } = this.ports;
    const answers = replies.map((reply) => toAnswer(received, reply, clock));
    const fields = toFields(received);
    for (const { Status, Message } of replies) {
      if (Status === "success") logger.info("message carried out", fields);
      else logger.warn("message failed", { ...fields, reason: Message });
    }
    this.#send(answers);
    return answers;
  }

  #send(answers: readonly string[]): void {
    const { background, logger, send } = this.ports;
    background.run("answer", async () => {
      for (const answer of answers) {
        try {
          await send(new TextEncoder().encode(answer).toBase64());
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          logger.warn("answer not sent", { reason: error.message });
        }
      }
    });
  }
}

/** By its type, or because it says how something went. */
function isAnswer({ type, header: { Status } }: ReceivedMessage): boolean {
  return isAnswerType(type) || Status === "success" || Status === "failed";
}

/**
 * What makes a message the same as another. An Id does not: the scheduler
 * numbers by the second, and a file and the reload after it may share one. So
 * it is the whole text, with its Id; a command has a name of its own.
 *
 * @returns null for a message that cannot be told from its repetition.
 */
function keyOf({ text }: ReceivedMessage, message: BcsMessage): string | null {
  if (message.Type === 12) {
    const { ID, TaskId } = message.RequestCommandTask;
    if (ID !== "") return JSON.stringify(["command", ID, TaskId]);
  }
  return message.Id === 0 ? null : text;
}

function toAnswer(
  { header, type }: ReceivedMessage,
  reply: Reply,
  clock: Clock,
): string {
  const answer = {
    ...header,
    Type: type,
    ...reply,
    Message: boundText(reply.Message, TEXT_BYTES_MAX),
    CompleteTime: Math.floor(clock.nowMs() / 1000),
  };
  return JSON.stringify(answer);
}

function toFields({ header, type }: ReceivedMessage): LogFields {
  return { id: header.Id, type, task: header.TaskID?.value };
}
