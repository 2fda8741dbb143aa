import { assertEquals } from "@std/assert";
import { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { Staging } from "../../../daemon/supervisor/staging.ts";
import { createLogger } from "../../../shared/logger.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { record } from "../lifecycle/records.ts";

Deno.test("discard() removes packages once, after what may lie in them", async () => {
  const removed: string[] = [];
  const account = { uid: 1, gid: 1, name: "u", home: "/", shell: "/bin/sh" };
  const staging = new Staging({
    launcher: {
      writeFile: () => Promise.resolve(),
      removeFile: ({ name }) => Promise.resolve(void removed.push(name)),
    },
    users: {
      find: () => Promise.resolve(account),
      admit: () => Promise.resolve(account),
    },
    workFolders: {
      isNeeded: () => false,
      make: () => Promise.resolve(),
      removeLinks: () => Promise.resolve(void removed.push("links")),
    },
    packages: {
      prepare: () => Promise.resolve(),
      discard: () => Promise.resolve(void removed.push("packages")),
      keep: () => {},
    },
    clock: new FakeClock(0),
    random: () => 0,
    logger: createLogger(() => {}, () => 0),
    fileDirs: ["/srv"],
  });
  const runner = new ProcessRunner({
    ...record({ state: "stopped" }),
    createdFiles: ["a", "b"].map((name) => ({
      path: `/srv/copy/${name}`,
      owner: "",
    })),
  }, {
    store: {
      update: () => {
        throw new Error("nothing is to be stored");
      },
    },
    clock: new FakeClock(0),
    publish: () => {},
    perform: () => {},
  });
  await staging.discard(runner, []);
  assertEquals(removed, ["a", "b", "links", "packages"]);
});
