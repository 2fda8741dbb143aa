import { assertEquals, assertRejects } from "@std/assert";
import { AddressIndex } from "../../../daemon/package/address_index.ts";
import { tempDir } from "../../support/temp_dir.ts";

Deno.test("write() leaves nothing behind if it fails", async () => {
  await using dir = await tempDir();
  const folder = `${dir.path}/addresses`;
  const index = new AddressIndex(folder, () => `${dir.path}/part`);
  await index.prepare();
  // In its place is what cannot be replaced.
  await Deno.mkdir(`${folder}/key.json`);
  const entry = {
    sha256: "0".repeat(64),
    verifiedBy: "length",
    etag: "",
    lastModified: "",
  } as const;
  const url = new URL("http://h/x");
  await assertRejects(() => index.write("key", url, entry, 0));
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), [
    "addresses",
  ]);
  await index.write("other", url, entry, 0);
  assertEquals(await index.read("other", 0), entry);
});
