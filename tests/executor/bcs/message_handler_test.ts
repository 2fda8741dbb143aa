import { assertEquals } from "@std/assert";
import { AppError } from "../../../shared/errors.ts";
import { MessageWorld, turn } from "./fake_message_ports.ts";

/** A daemon that does everything when it is let. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  readonly pass = () =>
    new Promise<void>((resolve) => this.#waiting.push(resolve));

  /** Lets one more call through, and what follows it begin. */
  async open(): Promise<void> {
    this.#waiting.shift()?.();
    await turn();
  }
}

function encode(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

Deno.test("MessageHandler does not restart what has ended before its turn", async () => {
  const world = new MessageWorld();
  const gate = new Gate();
  world.daemon = gate.pass;
  world.send({ Type: 10, TaskID: { value: "t1" } });
  world.send({ Type: 11, TaskID: { value: "t1" } });
  await turn();
  world.ending.add("t1");
  await gate.open();
  await gate.open();
  await world.settle();
  assertEquals(world.calls, [["reload", "t1"]]);
  assertEquals(
    world.answers.map(({ Type, Message }) => [Type, Message]),
    [[10, ""], [11, 'task "t1" does not run in this executor']],
  );
});

Deno.test("MessageHandler keeps the order of a task's messages", async () => {
  const world = new MessageWorld();
  const gate = new Gate();
  world.daemon = gate.pass;
  const t1 = { TaskID: { value: "t1" } };
  world.send({ Type: 1, Local: { To: "/a", Base64: "" }, ...t1 });
  world.send({ Type: 10, ...t1 });
  world.send({ Type: 11, TaskID: { value: "t2" } });
  world.send({ Type: 2, Sig: { Signal: 1 } }); // For both.
  world.send({
    Type: 12,
    RequestCommandTask: { ID: "c1", TaskId: "t1", Cmd: ["ls"] },
  });
  await turn();
  const begun = () =>
    world.calls.map(([operation, id]) => `${operation} ${id}`);
  assertEquals(begun(), ["writeFile t1", "restart t2"]);
  await gate.open();
  assertEquals(begun().slice(2), ["reload t1"]);
  await gate.open();
  assertEquals(begun().slice(3), ["signal t2"]);
  await gate.open();
  assertEquals(begun().slice(4), ["signal t1"]);
  await gate.open();
  await gate.open();
  assertEquals(begun().slice(5), ["exec t1"]);
  await gate.open();
  await world.settle();
  assertEquals(
    world.answers.map(({ Type, Status }) => [Type, Status]),
    [
      [1, "success"],
      [11, "success"],
      [10, "success"],
      [2, "success"],
      [13, "success"],
    ],
  );
});

Deno.test("MessageHandler goes on after a message that failed", async () => {
  const world = new MessageWorld();
  let isFirst = true;
  world.daemon = () => {
    if (!isFirst) return;
    isFirst = false;
    throw new AppError("UNAVAILABLE", "no daemon");
  };
  const TaskID = { value: "t1" };
  world.send({ Type: 10, TaskID });
  world.send({ Type: 11, TaskID });
  await world.settle();
  assertEquals(
    world.answers.map(({ Type, Status }) => [Type, Status]),
    [[10, "failed"], [11, "success"]],
  );
});

Deno.test("MessageHandler carries a repeated message out once", async () => {
  const world = new MessageWorld();
  const gate = new Gate();
  world.daemon = gate.pass;
  const message = { Type: 11, TaskID: { value: "t1" } };
  world.send(message);
  world.send(message); // The first is still at work: dropped.
  await turn();
  assertEquals([world.calls.length, world.answers.length], [1, 0]);
  await gate.open();
  await world.settle();
  assertEquals(world.answers.length, 1);
  world.clock.advance(5_000);
  const [again] = await world.exchange(message);
  assertEquals(again, world.answers[0]);
  assertEquals([world.calls.length, world.answers.length], [1, 2]);
});

Deno.test("MessageHandler does not take two messages of one second for one", async () => {
  const world = new MessageWorld();
  const TaskID = { value: "t1" };
  const file = (To: string) => ({ Type: 1, Local: { To, Base64: "" }, TaskID });
  await world.exchange(file("/a"));
  await world.exchange(file("/b"));
  await world.exchange({ Type: 10, TaskID });
  assertEquals(
    world.calls.map(([operation]) => operation),
    ["writeFile", "writeFile", "reload"],
  );
});

Deno.test("MessageHandler carries a message without an Id out each time", async () => {
  const world = new MessageWorld();
  const message = { Id: 0, Type: 10, TaskID: { value: "t1" } };
  await world.exchange(message);
  await world.exchange(message);
  assertEquals(world.calls.length, 2);
});

Deno.test("MessageHandler knows a command by its own ID", async () => {
  const world = new MessageWorld();
  const run = (Id: number, ID: string, TaskId: string) =>
    world.exchange({
      Id,
      Type: 12,
      RequestCommandTask: { ID, TaskId, Cmd: ["ls"] },
    });
  const [first] = await run(0, "c1", "t1");
  const [again] = await run(8, "c1", "t1");
  assertEquals(again, first);
  await run(0, "c1", "t2");
  await run(0, "c2", "t1");
  assertEquals(world.calls.map(([, id]) => id), ["t1", "t2", "t1"]);
});

Deno.test("MessageHandler remembers the last 1000 messages", async () => {
  const world = new MessageWorld();
  const reload = (Id: number) =>
    world.exchange({ Id, Type: 10, TaskID: { value: "t1" } });
  for (let id = 1; id <= 1_001; id++) await reload(id);
  assertEquals(world.calls.length, 1_001);
  await reload(2);
  await reload(1_001);
  assertEquals(world.calls.length, 1_001);
  await reload(1);
  assertEquals(world.calls.length, 1_002);
});

Deno.test("MessageHandler does not remember more than its share", async () => {
  const world = new MessageWorld();
  const write = (Id: number, length: number) =>
    world.exchange({
      Id,
      Type: 1,
      Local: { To: "/a", Base64: "a".repeat(length) },
      TaskID: { value: "t1" },
    });
  await write(1, 200_000);
  await write(2, 200_000);
  await write(1, 200_000);
  assertEquals(world.calls.length, 2);
  await write(3, 200_000); // Now the first is forgotten.
  await write(2, 200_000);
  assertEquals(world.calls.length, 3);
  await write(1, 200_000);
  assertEquals(world.calls.length, 4);
});

Deno.test("MessageHandler takes 32 messages at a time", async () => {
  const world = new MessageWorld();
  const gate = new Gate();
  world.daemon = gate.pass;
  const TaskID = { value: "t1" };
  for (let Id = 1; Id <= 33; Id++) world.send({ Id, Type: 10, TaskID });
  const RequestCommandTask = { ID: "c1", TaskId: "t1", Cmd: ["ls"] };
  world.send({ Id: 34, Type: 12, RequestCommandTask });
  await turn();
  const reason = "too many messages are at work: at most 32";
  assertEquals(
    world.answers.map(({ Id, Type, Message }) => [Id, Type, Message]),
    [[33, 10, reason], [34, 13, reason]],
  );
  await gate.open();
  assertEquals(world.answers.length, 3);
  // There is room again, and what was refused is not taken for done.
  world.send({ Id: 33, Type: 10, TaskID });
  for (let call = 1; call <= 32; call++) await gate.open();
  await world.settle();
  assertEquals(world.calls.length, 33);
  assertEquals(world.answers.at(-1)?.["Id"], 33);
  assertEquals(world.answers.at(-1)?.["Status"], "success");
});

Deno.test("MessageHandler never answers an answer", async () => {
  const world = new MessageWorld();
  const answers = [
    { Type: 13, ResponseCommandTask: { ID: "c1" } },
    { Type: 13 },
    { Type: 14, TaskStatus: "e30=" },
    { Type: 10, Status: "success" },
    { Type: 10, Status: "failed" },
    { Type: 99, Status: "failed" },
  ];
  for (const answer of answers) {
    assertEquals(await world.exchange(answer), []);
  }
  assertEquals(world.calls, []);
  assertEquals(world.logLines.length, answers.length);
});

Deno.test("MessageHandler ignores what is no BCS message", async () => {
  const world = new MessageWorld();
  world.handler.handle("");
  world.handler.handle("no base64!");
  world.handler.handle(encode("hi there"));
  world.sendText('{"hunter2": 1}');
  await world.settle();
  assertEquals([world.answers, world.calls, world.failures], [[], [], []]);
  assertEquals(world.logLines.length, 4);
  assertEquals(world.logLines.join().includes("hunter2"), false);
});

Deno.test("MessageHandler answers what it cannot read, without secrets", async () => {
  const world = new MessageWorld();
  const [unknown] = await world.exchange({ Type: 99 });
  assertEquals([unknown?.["Type"], unknown?.["Status"]], [99, "failed"]);
  const [wrong] = await world.exchange({
    Type: 1,
    Local: { To: "", Base64: "hunter2!" },
  });
  assertEquals(
    wrong?.["Message"],
    "Cannot accept the message: Local.To: must not be empty; Local.Base64: " +
      "must be base64",
  );
  assertEquals(JSON.stringify(world.answers).includes("hunter2"), false);
  assertEquals(world.logLines.join().includes("hunter2"), false);
  assertEquals(world.calls, []);
});

Deno.test("MessageHandler goes on when an answer cannot be sent", async () => {
  const world = new MessageWorld();
  world.accept = () => {
    throw new AppError("UNAVAILABLE", "no agent");
  };
  assertEquals(await world.exchange({ Type: 10 }), []);
  world.accept = () => {};
  const [answer] = await world.exchange({ Type: 10 });
  assertEquals(answer?.["Status"], "success");
  assertEquals([world.calls.length, world.failures], [2, []]);
});

Deno.test("MessageHandler ends the service at a bug", async () => {
  const world = new MessageWorld();
  world.daemon = () => {
    throw new TypeError("a bug");
  };
  world.send({ Type: 10, TaskID: { value: "t1" } });
  await world.settle();
  assertEquals(world.failures.map(String), ["TypeError: a bug"]);
});
