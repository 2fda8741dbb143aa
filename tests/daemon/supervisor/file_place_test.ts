import { assertEquals } from "@std/assert";
import {
  findPlace,
  ruleOfPlace,
} from "../../../daemon/supervisor/file_place.ts";

const ROOTS = ["/srv", "/srv/data/big", "/var/lib/game"];

for (
  const [path, place] of [
    ["/srv/a", { root: "/srv", folders: [], name: "a" }],
    ["/srv//x/./a", null],
    ["/srv//x///a", { root: "/srv", folders: ["x"], name: "a" }],
    ["/srv/data/a", { root: "/srv", folders: ["data"], name: "a" }],
    ["/srv/data/big/a", { root: "/srv/data/big", folders: [], name: "a" }],
    ["/srv/data/bigger/a", {
      root: "/srv",
      folders: ["data", "bigger"],
      name: "a",
    }],
    ["/var/lib/game/a b/$(x)", {
      root: "/var/lib/game",
      folders: ["a b"],
      name: "$(x)",
    }],
    ["/srv", null],
    ["/srv/", null],
    ["/srvx/a", null],
    ["/var/lib/games/a", null],
    ["/srv/../etc/passwd", null],
    ["/srv/x/..", null],
    ["/etc/passwd", null],
    ["srv/a", null],
    ["", null],
  ] as const
) {
  Deno.test(`findPlace() of "${path}"`, () => {
    assertEquals(findPlace(path, ROOTS), place as typeof place | null);
  });
}

Deno.test("findPlace() below the root of all", () => {
  assertEquals(findPlace("/etc/x", ["/"]), {
    root: "/",
    folders: ["etc"],
    name: "x",
  });
});

for (
  const [path, rule] of [
    ["/srv/game", null],
    ["/etc/x", "must be below /srv or /srv/data/big or /var/lib/game, which"],
    ["/srv/own", "must not be in /srv/own, which is the daemon's own"],
    ["/srv//own///x", "must not be in /srv/own, which is the daemon's own"],
    ["/srv/own.txt", null],
    // Allowed by name, though it is in a folder of the daemon's.
    ["/srv/data/big/x", null],
    ["/srv/data/x", "must not be in /srv/data, which is the daemon's own"],
  ] as const
) {
  Deno.test(`ruleOfPlace() of "${path}"`, () => {
    const ownPaths = ["/srv/own", "/srv/data", "/var/lib"];
    const found = ruleOfPlace(path, { fileDirs: ROOTS, ownPaths });
    assertEquals(found?.slice(0, rule?.length) ?? null, rule);
  });
}
