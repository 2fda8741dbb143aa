import { assertEquals } from "@std/assert";
import { completeEnvironment } from "../../../daemon/lifecycle/environment.ts";
import { toSettings } from "../../../daemon/lifecycle/settings.ts";
import { DEFAULT_PATH } from "../../../shared/default_path.ts";
import { info } from "./records.ts";

const GAME = {
  uid: 7,
  gid: 8,
  name: "game",
  home: "/home/game",
  shell: "/bin/x",
};
const MINIMUM = [
  `PATH=${DEFAULT_PATH}`,
  "HOME=/home/game",
  "USER=game",
  "SHELL=/bin/x",
  "PWD=/work",
];

for (
  const [what, given, environment] of [
    ["nothing", [], MINIMUM],
    ["others", ["A=1", "PATH_=x"], [...MINIMUM, "A=1", "PATH_=x"]],
    [
      "some of them, empty ones too",
      ["PWD=", "HOME=/a=b"],
      [...MINIMUM.slice(0, 1), ...MINIMUM.slice(2, 4), "PWD=", "HOME=/a=b"],
    ],
    ["one twice", ["USER=a", "USER=b"], [
      ...MINIMUM.filter((each) => !each.startsWith("USER")),
      "USER=a",
      "USER=b",
    ]],
  ] as const
) {
  Deno.test(`completeEnvironment() adds what is missing to ${what}`, () => {
    assertEquals(completeEnvironment(given, GAME, "/work"), [...environment]);
  });
}

Deno.test("toSettings() resets what is not given", () => {
  const usual = { umask: "022", nice: 0, oomScoreAdj: 0, rlimits: {} };
  // A record of an earlier version has none of these fields.
  const { Umask: _, Nice: __, OomScoreAdj: ___, Rlimits: ____, ...old } =
    info();
  assertEquals(toSettings(old), usual);
  assertEquals(toSettings(info({ Umask: "", Rlimits: null })), usual);
});

Deno.test("toSettings() takes what is given", () => {
  const Rlimits = { NoFile: 5, Core: -1 };
  assertEquals(
    toSettings(info({ Umask: "0077", Nice: -1, OomScoreAdj: 9, Rlimits })),
    { umask: "077", nice: -1, oomScoreAdj: 9, rlimits: Rlimits },
  );
});
