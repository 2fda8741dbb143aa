import { assertEquals } from "@std/assert";
import { pathOf, ROUTES } from "../../shared/manager_api/routes.ts";

Deno.test("ROUTES keeps the four routes of the original", () => {
  const base = "/bcsapi/v1/processdaemon";
  const params = { id: "w1", timeout: "10" };
  const routes = (["create", "status", "stop", "delete"] as const).map(
    (operation) => `${ROUTES[operation].method} ${pathOf(operation, params)}`,
  );
  assertEquals(routes, [
    `POST ${base}/process`,
    `GET ${base}/process/w1/status`,
    `PUT ${base}/process/w1/stop/10`,
    `DELETE ${base}/process/w1`,
  ]);
});

Deno.test("pathOf() encodes what would end a segment", () => {
  for (
    const [id, encoded] of [
      ["a/b", "a%2Fb"],
      ["a?b#c", "a%3Fb%23c"],
      ["a b", "a%20b"],
      ["50%", "50%25"],
      ["ü", "%C3%BC"],
      [":id", "%3Aid"],
      ["$&", "%24%26"],
      ["1.0.gamesvc.ns-a.10000", "1.0.gamesvc.ns-a.10000"],
    ] as const
  ) {
    assertEquals(
      pathOf("status", { id }),
      `/bcsapi/v1/processdaemon/process/${encoded}/status`,
    );
  }
});

Deno.test("ROUTES has no two operations on one method and path", () => {
  const keys = Object.values(ROUTES).map(({ method, pattern }) =>
    `${method} ${pattern.replaceAll(/:\w+/g, ":")}`
  );
  assertEquals(new Set(keys).size, keys.length);
});
