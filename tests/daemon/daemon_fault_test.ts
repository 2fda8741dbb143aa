/** What the host refuses for a while, and gives later. */
import { assertEquals } from "@std/assert";
import { TestDaemon } from "../support/test_daemon.ts";
import { exists } from "./launch/launch_bench.ts";
import { eventually } from "./support/eventually.ts";

Deno.test("the end of a process is told once its record can be read", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "p", Argv: ["1000"] });
  const { Pid } = await daemon.waitForState(id, "running");
  // Where the record would be stands what cannot be read as one.
  const exit = `${daemon.dataDir}/run/1.1/exit`;
  await Deno.mkdir(exit);
  Deno.kill(Pid, "SIGKILL");
  await eventually(
    "it is tried",
    () => daemon.log.includes("end not read yet"),
  );
  await eventually("its launcher is done", () => exists(`${exit}/exit.new`));
  assertEquals((await daemon.client.status(id)).Status, "running");
  await Deno.rename(`${exit}/exit.new`, `${exit}.later`);
  await Deno.remove(exit);
  await Deno.rename(`${exit}.later`, exit);
  const { Signal, ExitKnown } = await daemon.waitForState(id, "stopped");
  assertEquals([Signal, ExitKnown], [9, true]);
});
