import { assertEquals, assertRejects } from "@std/assert";
import { effectiveUser, Users } from "../../../daemon/supervisor/users.ts";
import { AppError } from "../../../shared/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A host with three users; `play` and `game` are one to the kernel. */
const HOST: ReadonlyMap<string, readonly [uid: number, name: string]> = new Map(
  [
    ["", [0, "root"]],
    ["root", [0, "root"]],
    ["0", [0, "root"]],
    ["game", [7, "game"]],
    ["7", [7, "game"]],
    ["play", [7, "play"]],
    ["db", [8, "db"]],
  ],
);

function bench(allowed: readonly string[] = [], fallback = "") {
  const clock = new FakeClock();
  const asked: string[] = [];
  let isDown = false;
  const launcher = {
    findUser(user: string) {
      asked.push(user);
      if (isDown) return Promise.reject(new AppError("INTERNAL", "down"));
      const found = HOST.get(user);
      if (found === undefined) return Promise.resolve(null);
      const [uid, name] = found;
      return Promise.resolve({ uid, gid: uid, name, home: "/", shell: "" });
    },
  };
  const users = new Users({ launcher, clock, policy: { fallback, allowed } });
  return { users, clock, asked, setDown: (is: boolean) => isDown = is };
}

Deno.test("effectiveUser() is who was asked for, else the default", () => {
  const policy = { fallback: "game", allowed: [] };
  assertEquals(effectiveUser("db", policy), "db");
  assertEquals(effectiveUser("", policy), "game");
  assertEquals(effectiveUser("", { ...policy, fallback: "" }), "");
});

for (
  const [allowed, admitted, refused] of [
    [[], ["", "root", "7", "db"], []],
    [["game"], ["game", "7", "play"], ["", "root", "0", "db"]],
    [["7", "no-such-user"], ["game", "7", "play"], ["", "root", "0", "db"]],
    [["play"], ["game", "7", "play"], ["", "root", "0", "db"]],
    [["root", "db"], ["", "root", "0", "db"], ["game", "7", "play"]],
    [["no-such-user"], [], ["", "root", "0", "game", "7", "play", "db"]],
  ] as const
) {
  Deno.test(`admit() when ${allowed.join(", ") || "nobody"} is named`, async () => {
    const { users } = bench(allowed);
    for (const user of admitted) {
      assertEquals((await users.admit(user)).uid, HOST.get(user)?.[0]);
    }
    for (const user of refused) {
      const error = await assertRejects(() => users.admit(user), AppError);
      assertEquals([error.code, error.message], [
        "INVALID_ARGUMENT",
        `the user "${HOST.get(user)?.[1]}" is none of ${allowed.join(", ")}, ` +
        "which the daemon's configuration allows in allowed_users",
      ]);
    }
  });
}

Deno.test("nobody is admitted whom the host does not know", async () => {
  for (const allowed of [[], ["no-such-user"], ["root"]]) {
    const { users } = bench(allowed);
    const error = await assertRejects(
      () => users.admit("no-such-user"),
      AppError,
    );
    assertEquals(
      error.message,
      'the user "no-such-user" does not exist on this host',
    );
  }
});

Deno.test("an answer is believed for a minute, who we are for good", async () => {
  const { users, clock, asked } = bench();
  await Promise.all([users.find("game"), users.find("game"), users.find("")]);
  await users.find("game");
  assertEquals(asked, ["game", ""]);
  clock.advance(59_999);
  await users.find("game");
  assertEquals(asked.length, 2);
  clock.advance(1);
  await users.find("game");
  await users.find("");
  assertEquals(asked, ["game", "", "game"]);
});

Deno.test("what was no answer is asked again", async () => {
  const { users, asked, setDown } = bench();
  await assertRejects(() => users.find("no-such-user"), AppError);
  await assertRejects(() => users.find("no-such-user"), AppError);
  setDown(true);
  await assertRejects(() => users.find("game"), AppError, "down");
  setDown(false);
  assertEquals((await users.find("game")).uid, 7);
  assertEquals(asked, ["no-such-user", "no-such-user", "game", "game"]);
});

Deno.test("findMissing() names what of the configuration is nobody", async () => {
  const { users, asked } = bench(["game", "gone"], "lost");
  assertEquals(await users.findMissing(), ["lost", "gone"]);
  assertEquals(asked, ["", "lost", "game", "gone"]);
});
