import { assertEquals } from "@std/assert";
import { BASE_PATH } from "../../../shared/manager_api/routes.ts";
import { VERSION } from "../../../shared/version.ts";
import { ApiBench } from "./api_bench.ts";

Deno.test("healthz tells of the daemon itself", async () => {
  await using api = await ApiBench.create();
  const ask = async () =>
    (await api.call("GET", `${BASE_PATH}/healthz`)).envelope.data;
  assertEquals(await ask(), {
    Status: "ok",
    Processes: 0,
    Recovered: false,
    UptimeSeconds: 0,
  });
  const body = JSON.stringify({ Id: "p", StartCmd: "/bin/server" });
  await api.call("POST", `${BASE_PATH}/process`, body);
  api.isRecovered = true;
  await api.clock.advance(61_500);
  assertEquals(await ask(), {
    Status: "ok",
    Processes: 1,
    Recovered: true,
    UptimeSeconds: 61,
  });
});

Deno.test("version names the daemon's and Deno's", async () => {
  await using api = await ApiBench.create();
  const { envelope } = await api.call("GET", `${BASE_PATH}/version`);
  assertEquals(envelope.data, { Version: VERSION, Deno: Deno.version.deno });
});
