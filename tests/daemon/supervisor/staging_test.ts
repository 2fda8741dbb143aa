import { assertEquals } from "@std/assert";
import { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { Staging } from "../../../daemon/supervisor/staging.ts";
import { createLogger } from "../../../shared/logger.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeLauncher } from "../../support/fake_launcher.ts";
import { record } from "../lifecycle/records.ts";

Deno.test("packages are removed once, after the files that may lie in them", async () => {
  const launcher = new FakeLauncher();
  const done = launcher.sent;
  const clock = new FakeClock();
  const account = { uid: 1, gid: 1, name: "u", home: "/", shell: "/bin/sh" };
  const staging = new Staging({
    launcher,
    clock,
    random: () => 0,
    logger: createLogger(() => {}, () => 0),
    fileDirs: ["/work"],
    users: {
      find: () => Promise.resolve(account),
      admit: () => Promise.resolve(account),
    },
    workFolders: {
      isNeeded: () => false,
      make: () => Promise.resolve(),
      removeLinks: () => Promise.resolve(void done.push("unlink")),
    },
    packages: {
      prepare: () => Promise.resolve(),
      discard: () => Promise.resolve(void done.push("discard")),
      keep: () => {},
    },
  });
  const createdFiles = ["a", "b"].map((name) => ({
    path: `/work/copy/${name}`,
    owner: "",
  }));
  const runner = new ProcessRunner(
    record({ state: "stopped" }, {}, { createdFiles }),
    {
      store: {
        update: () => {
          throw new Error("nothing is stored");
        },
      },
      clock,
      publish: () => {},
      perform: () => {},
    },
  );
  await staging.discard(runner, []);
  assertEquals(done, [
    "remove /work/copy/a",
    "remove /work/copy/b",
    "unlink",
    "discard",
  ]);
});
