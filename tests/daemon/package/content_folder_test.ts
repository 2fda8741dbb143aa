import { assertEquals } from "@std/assert";
import { ContentFolder } from "../../../daemon/package/content_folder.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { sha256Of } from "./package_world.ts";

const SHA256 = sha256Of("one");

async function folderWith(path: string): Promise<ContentFolder> {
  const folder = new ContentFolder(path);
  await folder.prepare();
  const part = folder.newPart();
  await Deno.writeTextFile(part, "one");
  await folder.adopt(part, SHA256, 5_000);
  return folder;
}

Deno.test("list() says what is held", async () => {
  await using dir = await tempDir();
  const folder = await folderWith(dir.path);
  await Deno.writeTextFile(`${dir.path}/content/README`, "not a content");
  const content = { sha256: SHA256, bytes: 3, usedMs: 5_000, isHeld: false };
  assertEquals(await folder.list(), [content]);
  const pin = folder.pin(SHA256);
  await folder.touch(SHA256, 6_000);
  assertEquals(await folder.list(), [
    { ...content, usedMs: 6_000, isHeld: true },
  ]);
  pin.release();
  assertEquals(await folder.list(), [{ ...content, usedMs: 6_000 }]);
});

Deno.test("remove() leaves what was pinned since it was chosen", async () => {
  await using dir = await tempDir();
  const folder = await folderWith(dir.path);
  const pins = [folder.pin(SHA256), folder.pin(SHA256)];
  pins[0]?.release();
  pins[0]?.release();
  assertEquals([await folder.remove(SHA256), folder.has(SHA256)], [
    false,
    true,
  ]);
  pins[1]?.release();
  assertEquals([await folder.remove(SHA256), folder.has(SHA256)], [
    true,
    false,
  ]);
  assertEquals(await folder.remove(SHA256), false);
  assertEquals([...Deno.readDirSync(`${dir.path}/parts`)], []);
});
