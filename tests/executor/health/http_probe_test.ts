/** Against real servers on the loopback interface. */
import { assert, assertEquals } from "@std/assert";
import { probeHttp } from "../../../executor/health/http_probe.ts";
import type { Outcome } from "../../../executor/health/probe.ts";
import {
  answering,
  answeringStatus,
  CLOSED_PORT,
  type Handler,
  HAS_IPV6,
  LoopbackServer,
  type LoopbackServerOptions,
  writeText,
} from "../../support/loopback_server.ts";

const OK = answeringStatus(200);

/** Nobody gives up. */
const PATIENT = new AbortController().signal;

function get(url: string, statuses: readonly number[] = []): Promise<Outcome> {
  return probeHttp({ type: "HTTP", url, statuses }, PATIENT);
}

/** What one probe of a server's `/` gives. */
async function probe(
  handler: Handler,
  options: LoopbackServerOptions & { readonly statuses?: number[] } = {},
): Promise<Outcome> {
  await using server = new LoopbackServer(handler, options);
  const { hostname = "127.0.0.1", tls = false } = options;
  const host = hostname === "::1" ? "[::1]" : hostname;
  const outcome = await get(
    `${tls ? "https" : "http"}://${host}:${server.port}/`,
    options.statuses,
  );
  await server.idle();
  return outcome;
}

function statusOf(outcome: Outcome): number | string {
  if (outcome.type === "HTTP") return outcome.statusCode;
  return outcome.type === "failed" ? outcome.reason : outcome.type;
}

Deno.test("probeHttp() tells the status", async () => {
  for (const status of [200, 204, 304, 404, 503]) {
    assertEquals(await probe(answeringStatus(status)), {
      type: "HTTP",
      statusCode: status,
    });
  }
});

Deno.test("probeHttp() asks for path and query, of the host that it probes", async () => {
  await using server = new LoopbackServer(OK);
  await get(`http://127.0.0.1:${server.port}/a/b?c=d e#f`);
  assertEquals(server.requests, ["GET /a/b?c=d%20e HTTP/1.1"]);
  const headers = server.lastRequest.toLowerCase().split("\r\n");
  assert(headers.includes(`host: 127.0.0.1:${server.port}`));
  assert(headers.includes("connection: close"));
});

Deno.test("probeHttp() cannot be made to say more than a path", async () => {
  await using server = new LoopbackServer(OK);
  await get(`http://127.0.0.1:${server.port}/a\r\nX-Evil: 1\r\n\r\n`);
  assert(!/^x-evil/im.test(server.lastRequest));
  await get(`http://127.0.0.1:${server.port}//192.0.2.1/x`);
  assertEquals(server.requests[1], "GET //192.0.2.1/x HTTP/1.1");
});

Deno.test({
  name: "probeHttp() reaches a server on IPv6 (needs ::1)",
  ignore: !HAS_IPV6,
  fn: async () => {
    assertEquals(statusOf(await probe(OK, { hostname: "::1" })), 200);
    assertEquals(
      statusOf(await probe(OK, { hostname: "::1", tls: true })),
      200,
    );
  },
});

Deno.test("probeHttp() speaks TLS and takes any certificate", async () => {
  assertEquals(statusOf(await probe(answeringStatus(418), { tls: true })), 418);
});

Deno.test("probeHttp() fails where one side speaks TLS and the other not", async () => {
  // It waits for a request that never ends.
  await using plain = new LoopbackServer(OK);
  await using closing = new LoopbackServer(OK, { tls: true });
  assertEquals((await get(`http://127.0.0.1:${closing.port}/`)).type, "failed");
  const aborter = new AbortController();
  const outcome = probeHttp(
    { type: "HTTP", url: `https://127.0.0.1:${plain.port}/`, statuses: [] },
    aborter.signal,
  );
  await plain.connected(1);
  aborter.abort();
  assertEquals((await outcome).type, "failed");
  await plain.idle();
});

Deno.test("probeHttp() fails where nobody listens", async () => {
  for (const scheme of ["http", "https"]) {
    const outcome = await get(`${scheme}://127.0.0.1:${CLOSED_PORT}/`);
    assertEquals(outcome.type, "failed");
    assert(/refused/i.test(String(statusOf(outcome))), scheme);
  }
});

Deno.test("probeHttp() does not read an endless body", async () => {
  let isBroken = false;
  const endless: Handler = async (conn) => {
    await writeText(conn, "HTTP/1.1 200 OK\r\n\r\n");
    try {
      while (true) await writeText(conn, "x".repeat(65_536));
    } catch {
      isBroken = true;
    }
  };
  assertEquals(statusOf(await probe(endless)), 200);
  assert(isBroken);
  assertEquals(statusOf(await probe(endless, { tls: true })), 200);
});

Deno.test("probeHttp() reads a head that comes in pieces", async () => {
  assertEquals(
    statusOf(await probe(answering("HT", "TP/1.1 20", "1 x\r\n", "\r", "\n"))),
    201,
  );
});

Deno.test("probeHttp() does not read an endless head", async () => {
  assertEquals(
    statusOf(
      await probe(async (conn) => {
        await writeText(conn, "HTTP/1.1 200 OK\r\n");
        while (true) await writeText(conn, `X: ${"x".repeat(1_000)}\r\n`);
      }),
    ),
    "the head of the answer has no end",
  );
});

Deno.test("probeHttp() fails at an answer that is none", async () => {
  assertEquals(
    statusOf(await probe(answering("SSH-2.0-OpenSSH_9.2\r\n"))),
    "the answer is not HTTP",
  );
  const closing: Handler = (conn) => conn.closeWrite();
  assertEquals(
    statusOf(await probe(closing)),
    "the connection was closed without an answer",
  );
  assertEquals((await probe(closing, { tls: true })).type, "failed");
});

Deno.test("probeHttp() follows an address whose characters come in pieces", async () => {
  // The first read ends in the middle of the letter.
  const start = "HTTP/1.1 302 x\r\nX: ";
  const location = "\r\nLocation: /";
  const filling = "x".repeat(4_095 - start.length - location.length);
  await using server = new LoopbackServer(async (conn, request) => {
    if (!request.startsWith("GET / ")) return await OK(conn, request);
    await writeText(conn, `${start}${filling}${location}é\r\n\r\n`);
  });
  await get(`http://127.0.0.1:${server.port}/`);
  assertEquals(server.requests[1], "GET /%C3%A9 HTTP/1.1");
});

/** Sends a client from one page to the next, until there is none. */
function redirecting(targets: Readonly<Record<string, string>>): Handler {
  return async (conn, request) => {
    const path = request.split(" ")[1] ?? "";
    const target = targets[path];
    await answeringStatus(
      target === undefined ? 200 : 302,
      target === undefined ? "" : `Location: ${target}\r\n`,
    )(conn, request);
  };
}

Deno.test("probeHttp() follows redirects on this host, five at most", async () => {
  const chain = { "/": "/1", "/1": "2", "/2": "./3", "/3": "/4", "/4": "/5" };
  await using server = new LoopbackServer(redirecting(chain));
  const url = `http://127.0.0.1:${server.port}/`;
  assertEquals(statusOf(await get(url)), 200);
  assertEquals(server.requests.length, 6);
  await using endless = new LoopbackServer(redirecting({ "/": "/" }));
  assertEquals(
    statusOf(await get(`http://127.0.0.1:${endless.port}/`)),
    "redirected more than 5 times",
  );
  assertEquals(endless.requests.length, 6);
});

Deno.test("probeHttp() follows a redirect to TLS, and to localhost", async () => {
  await using secure = new LoopbackServer(answeringStatus(202), { tls: true });
  for (const host of ["127.0.0.1", "localhost"]) {
    assertEquals(
      statusOf(
        await probe(
          redirecting({ "/": `https://${host}:${secure.port}/` }),
        ),
      ),
      202,
    );
  }
});

Deno.test("probeHttp() does not leave this host", async () => {
  for (
    const target of [
      "http://192.0.2.1/",
      "//192.0.2.1/",
      "https://example.com/",
      "http://127.0.0.1.example.com/",
      "ftp://127.0.0.1/",
      "http://[",
    ]
  ) {
    assertEquals(
      statusOf(await probe(redirecting({ "/": target }))),
      "redirected away from this host",
      target,
    );
  }
});

Deno.test("probeHttp() does not follow what is asked for, or leads nowhere", async () => {
  const moved = redirecting({ "/": "/1" });
  assertEquals(statusOf(await probe(moved, { statuses: [302] })), 302);
  assertEquals(statusOf(await probe(answeringStatus(302))), 302);
});

Deno.test("probeHttp() closes its connection when it is called off", async () => {
  for (const tls of [false, true]) {
    await using server = new LoopbackServer(answering("HTTP/1.1 "), { tls });
    const aborter = new AbortController();
    const outcome = probeHttp(
      {
        type: "HTTP",
        url: `${tls ? "https" : "http"}://127.0.0.1:${server.port}/`,
        statuses: [],
      },
      aborter.signal,
    );
    await server.requested(1);
    aborter.abort();
    assertEquals((await outcome).type, "failed");
    await server.idle();
  }
});

Deno.test("probeHttp() closes its connection when it is called off at any moment", async () => {
  // Turns of the microtask queue and of the event loop, from before the
  // connection is made until after the answer.
  for (let turns = 0; turns < 12; turns++) {
    for (const tls of [false, true]) {
      await using server = new LoopbackServer(OK, { tls });
      const aborter = new AbortController();
      const outcome = probeHttp(
        {
          type: "HTTP",
          url: `${tls ? "https" : "http"}://127.0.0.1:${server.port}/`,
          statuses: [],
        },
        aborter.signal,
      );
      for (let turn = 0; turn < turns; turn++) {
        await (turn % 2 === 0
          ? Promise.resolve()
          : new Promise((resolve) => setTimeout(resolve, 0)));
      }
      aborter.abort();
      assert(["HTTP", "failed"].includes((await outcome).type));
      await server.idle();
    }
  }
});

Deno.test("probeHttp() closes its connection when it is called off as that is made", async () => {
  for (let count = 0; count < 20; count++) {
    await using server = new LoopbackServer(answering("HTTP/1.1 "));
    const aborter = new AbortController();
    // Made in the same turn, and told of first.
    const other = Deno.connect({ port: server.port }).then((conn) => {
      aborter.abort();
      conn.close();
    });
    const url = `http://127.0.0.1:${server.port}/`;
    const outcome = await probeHttp(
      { type: "HTTP", url, statuses: [] },
      aborter.signal,
    );
    assertEquals(outcome.type, "failed");
    await other;
  }
});

Deno.test("probeHttp() does not begin when it was called off before", async () => {
  await using server = new LoopbackServer(OK);
  for (const scheme of ["http", "https"]) {
    const url = `${scheme}://127.0.0.1:${server.port}/`;
    const outcome = await probeHttp(
      { type: "HTTP", url, statuses: [] },
      AbortSignal.abort(),
    );
    assertEquals(outcome.type, "failed");
  }
});
