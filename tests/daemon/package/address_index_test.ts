import { assertEquals, assertRejects } from "@std/assert";
import {
  AddressIndex,
  type Entry,
  entryKeyOf,
} from "../../../daemon/package/address_index.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { sha256Of } from "./package_world.ts";

const ENTRY: Entry = {
  sha256: sha256Of("one"),
  verifiedBy: "etag",
  etag: '"a"',
  lastModified: "",
};
const NOBODY = { user: "", password: "" };

async function bench() {
  const dir = await tempDir();
  const folder = `${dir.path}/addresses`;
  const index = new AddressIndex(folder, () => `${dir.path}/part`);
  await index.prepare();
  return { dir, folder, index };
}

Deno.test("an entry tells people its address, and no secret of it", async () => {
  const { dir, folder, index } = await bench();
  await using _ = dir;
  const url = new URL("http://host/p.tar.gz?token=hunter2");
  const key = entryKeyOf(url, NOBODY);
  await index.write(key, url, ENTRY, 1_000);
  const text = await Deno.readTextFile(`${folder}/${key}.json`);
  assertEquals(JSON.parse(text), { address: "http://host/p.tar.gz", ...ENTRY });
  assertEquals(await index.read(key, 2_000), ENTRY);
});

Deno.test("sweep() leaves what was used and leads somewhere", async () => {
  const { dir, folder, index } = await bench();
  await using _ = dir;
  const url = new URL("http://host/p");
  const gone = { ...ENTRY, sha256: sha256Of("gone") };
  await index.write("old", url, ENTRY, 1_000);
  await index.write("read", url, ENTRY, 1_000);
  await index.write("new", url, ENTRY, 5_000);
  await index.write("nowhere", url, gone, 9_000);
  await Deno.writeTextFile(`${folder}/damaged.json`, "{");
  assertEquals(await index.read("read", 5_000), ENTRY);
  await index.sweep(5_000, (sha256) => sha256 === ENTRY.sha256);
  const left = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assertEquals(left, ["new.json", "read.json"]);
});

Deno.test("entryKeyOf() takes addresses and users apart, not fragments", () => {
  const key = (address: string, user = "", password = "") =>
    entryKeyOf(new URL(address), { user, password });
  const plain = key("http://host/p");
  assertEquals(key("http://host/p#part"), plain);
  const others = [
    key("http://host/p?v=2"),
    key("http://host/p", "user", "one"),
    key("http://host/p", "user", "two"),
  ];
  assertEquals(new Set([plain, ...others]).size, 4);
});

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
