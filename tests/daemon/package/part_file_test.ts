import { assertEquals } from "@std/assert";
import { PartFile } from "../../../daemon/package/part_file.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { someBytes } from "./fake_registry.ts";
import { md5Of, sha256Of } from "./package_world.ts";

Deno.test("a part file that was reset has nothing of before", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/part`;
  await using file = await PartFile.create(path, true);
  await file.append(someBytes(2_500_000, 1));
  await file.reset();
  const bytes = someBytes(1_200_000, 2);
  await file.append(bytes);
  assertEquals(file.bytes, bytes.length);
  assertEquals(await file.finish(), {
    sha256: sha256Of(bytes),
    md5: md5Of(bytes),
  });
  assertEquals(sha256Of(await Deno.readFile(path)), sha256Of(bytes));
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
});

Deno.test("a part file takes more while a slow disk has not written", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/part`;
  // Nothing is as slow as a pipe that nobody reads.
  await new Deno.Command("mkfifo", { args: [path] }).output();
  using reader = await Deno.open(path, { read: true, write: true });
  const piece = new Uint8Array(512 * 1024);
  const all = someBytes(4 * piece.length);
  {
    await using file = await PartFile.create(path, false);
    const appended = (async () => {
      for (let from = 0; from < all.length; from += piece.length) {
        // As a download does, which reads into the same memory again.
        piece.set(all.subarray(from, from + piece.length));
        await file.append(piece);
      }
    })();
    // The first block is on its way, and the pipe is full.
    await new Promise((resolve) => setTimeout(resolve));
    const read = new Uint8Array(all.length);
    let filled = 0;
    const finished = appended.then(() => file.finish());
    while (filled < read.length) {
      filled += await reader.read(read.subarray(filled)) ?? 0;
    }
    assertEquals((await finished).sha256, sha256Of(all));
    assertEquals(sha256Of(read), sha256Of(all));
  }
});
