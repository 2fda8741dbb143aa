import { assertEquals, assertThrows } from "@std/assert";
import { matchRoute } from "../../../daemon/api/router.ts";
import { AppError } from "../../../shared/errors.ts";
import {
  BASE_PATH,
  type Operation,
  pathOf,
  ROUTES,
} from "../../../shared/manager_api/routes.ts";

Deno.test("matchRoute() finds every operation by its own path", () => {
  for (const [operation, { method }] of Object.entries(ROUTES)) {
    const params = {
      id: "a/b %?#ü..",
      timeout: "5",
      signal: "HUP",
      owner: "f/e 1",
    };
    const match = matchRoute(method, pathOf(operation as Operation, params));
    assertEquals(match.operation, operation);
    for (const [name, value] of Object.entries(match.params)) {
      assertEquals(value, params[name as keyof typeof params]);
    }
  }
});

for (
  const [method, path, code] of [
    ["GET", "", "NOT_FOUND"],
    ["GET", "/", "NOT_FOUND"],
    ["GET", "/process/", "NOT_FOUND"],
    ["GET", "/process//status", "NOT_FOUND"],
    ["GET", "/process/a/b", "NOT_FOUND"],
    ["GET", "/process/a/status/", "NOT_FOUND"],
    ["GET", "/Process", "NOT_FOUND"],
    ["PUT", "/process/a/stop", "NOT_FOUND"],
    ["PUT", "/process/a/stop/", "NOT_FOUND"],
    ["GET", "/__proto__", "NOT_FOUND"],
    ["DELETE", "/process", "METHOD_NOT_ALLOWED"],
    ["get", "/process", "METHOD_NOT_ALLOWED"],
    ["GET", "/process/a/stop/5", "METHOD_NOT_ALLOWED"],
    ["POST", "/events", "METHOD_NOT_ALLOWED"],
    ["GET", "/process/%", "INVALID_ARGUMENT"],
    ["GET", "/process/%zz/status", "INVALID_ARGUMENT"],
    ["GET", "/process/%ff", "INVALID_ARGUMENT"],
  ] as const
) {
  Deno.test(`matchRoute() answers ${code} to ${method} "${path}"`, () => {
    const error = assertThrows(
      () => matchRoute(method, `${BASE_PATH}${path}`),
      AppError,
    );
    assertEquals(error.code, code);
  });
}

Deno.test("matchRoute() knows nothing outside its base path", () => {
  for (const path of ["/process", "/", `${BASE_PATH}x/process`, "/bcsapi"]) {
    assertEquals(
      assertThrows(() => matchRoute("GET", path), AppError).code,
      "NOT_FOUND",
    );
  }
});
