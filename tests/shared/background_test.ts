import { assertEquals } from "@std/assert";
import { BackgroundTasks } from "../../shared/background.ts";

/** Tasks whose failures are collected. */
function bench() {
  const failures: string[] = [];
  const tasks = new BackgroundTasks((name, error) =>
    failures.push(`${name}: ${error}`)
  );
  return { tasks, failures };
}

Deno.test("BackgroundTasks names the task that failed", async () => {
  const { tasks, failures } = bench();
  tasks.run("good", () => Promise.resolve());
  tasks.run("bad", () => Promise.reject(new Error("boom")));
  await tasks.settle();
  assertEquals(failures, ["bad: Error: boom"]);
});

Deno.test("BackgroundTasks starts a task at once", async () => {
  const { tasks } = bench();
  let isStarted = false;
  tasks.run("task", () => {
    isStarted = true;
    return Promise.resolve();
  });
  assertEquals(isStarted, true);
  await tasks.settle();
});

Deno.test("BackgroundTasks reports a task that throws before it waits", async () => {
  const { tasks, failures } = bench();
  tasks.run("bad", () => {
    throw new Error("boom");
  });
  await tasks.settle();
  assertEquals(failures, ["bad: Error: boom"]);
});

Deno.test("settle() waits for tasks that tasks start", async () => {
  const { tasks } = bench();
  const done: string[] = [];
  tasks.run("outer", async () => {
    await Promise.resolve();
    tasks.run("inner", async () => {
      await Promise.resolve();
      await Promise.resolve();
      done.push("inner");
    });
    done.push("outer");
  });
  await tasks.settle();
  assertEquals(done, ["outer", "inner"]);
});

Deno.test("settle() is done at once when nothing runs", async () => {
  await bench().tasks.settle();
});
