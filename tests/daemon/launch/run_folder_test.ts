import { assertEquals } from "@std/assert";
import { readEnd } from "../../../daemon/launch/run_folder.ts";
import { tempDir } from "../../support/temp_dir.ts";

Deno.test("an end that is deleted while it is read is none", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/exit`;
  // A pipe is read when the test says so.
  await new Deno.Command("/usr/bin/mkfifo", { args: [path] }).output();
  const end = readEnd(dir.path);
  {
    using pipe = await Deno.open(path, { write: true });
    await Deno.remove(path);
    await pipe.write(new TextEncoder().encode("1 exited 0 no\n"));
  }
  assertEquals(await end, null);
});
