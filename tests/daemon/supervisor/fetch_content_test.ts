import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fetchContent } from "../../../daemon/supervisor/fetch_content.ts";
import { systemClock } from "../../../shared/clock.ts";
import { AppError } from "../../../shared/errors.ts";
import { FILE_BYTES_MAX } from "../../../shared/manager_api/parse_files.ts";
import type { RemoteSource } from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A server on loopback that says what it was asked for. */
class Registry implements AsyncDisposable {
  /** Path and authorization of every request. */
  readonly requests: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: (path: string) => Response | Promise<Response>) {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
    }, (request) => {
      const { pathname } = new URL(request.url);
      const authorization = request.headers.get("authorization");
      this.requests.push(
        authorization === null ? pathname : `${pathname} ${authorization}`,
      );
      return answer(pathname);
    });
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** A clock whose sleeps are over at once, and are remembered. */
class HastyClock extends FakeClock {
  readonly sleptMs: number[] = [];
  override sleep(delayMs: number): Promise<void> {
    this.sleptMs.push(delayMs);
    return Promise.resolve();
  }
}

const never = new AbortController().signal;

function from(From: string, part: Partial<RemoteSource> = {}): RemoteSource {
  return { From, RemoteUser: "", RemotePasswd: "", ...part };
}

async function fetchText(source: RemoteSource): Promise<string> {
  const ports = { clock: systemClock, random: () => 0 };
  return new TextDecoder().decode(await fetchContent(source, ports, never));
}

async function failureOf(
  source: RemoteSource,
  clock = new HastyClock(),
): Promise<string> {
  const error = await assertRejects(
    () => fetchContent(source, { clock, random: () => 0 }, never),
    AppError,
  );
  assertEquals([error.code, clock.pending], ["FAILED_PRECONDITION", 0]);
  return error.message;
}

Deno.test("fetchContent() says who it is, if it is told to", async () => {
  await using registry = new Registry((path) => new Response(path));
  const url = `${registry.origin}/a%20b`;
  assertEquals(await fetchText(from(url)), "/a%20b");
  const user = { RemoteUser: "ü", RemotePasswd: "p:w" };
  assertEquals(await fetchText(from(url, user)), "/a%20b");
  const pair = new TextEncoder().encode("ü:p:w").toBase64();
  assertEquals(registry.requests, ["/a%20b", `/a%20b Basic ${pair}`]);
});

Deno.test("fetchContent() takes no password along to another origin", async () => {
  await using other = new Registry((path) =>
    path === "/away" ? Response.redirect(`${registry.origin}/end`) : go("/back")
  );
  await using registry: Registry = new Registry((path) => {
    if (path === "/1") return go("2");
    if (path === "/2") return go(`${other.origin}/away`);
    return new Response("here");
  });
  const user = { RemoteUser: "u", RemotePasswd: "p" };
  assertEquals(await fetchText(from(`${registry.origin}/1`, user)), "here");
  assertEquals(registry.requests, [
    "/1 Basic dTpw",
    "/2 Basic dTpw",
    "/end",
  ]);
  assertEquals(other.requests, ["/away"]);
});

Deno.test("fetchContent() follows 5 redirects and no more", async () => {
  await using registry = new Registry((path) => {
    const left = Number(path.slice(1));
    return left === 0 ? new Response("end") : go(`/${left - 1}`);
  });
  assertEquals(await fetchText(from(`${registry.origin}/5`)), "end");
  assertEquals(
    await failureOf(from(`${registry.origin}/6`)),
    `cannot fetch ${registry.origin}/6: over 5 redirects`,
  );
  assertEquals(registry.requests.length, 6 + 6);
});

for (const location of ["file:///etc/passwd", "ftp://h/x", "http://", null]) {
  Deno.test(`fetchContent() is not redirected to ${location}`, async () => {
    await using registry = new Registry(() => go(location));
    assertEquals(
      await failureOf(from(`${registry.origin}/x`)),
      `cannot fetch ${registry.origin}/x: it is redirected to no http or ` +
        "https URL",
    );
  });
}

Deno.test("fetchContent() takes no other status than 200", async () => {
  await using registry = new Registry((path) =>
    new Response(null, { status: Number(path.slice(1)) })
  );
  for (const status of [204, 304, 401, 404]) {
    assertEquals(
      await failureOf(
        from(`${registry.origin}/${status}?token=hunter2`, {
          RemotePasswd: "hunter2",
        }),
      ),
      `cannot fetch ${registry.origin}/${status}: ` +
        `${registry.origin.slice(7)} answered with status ${status}`,
    );
  }
  assertEquals(registry.requests.length, 4);
});

Deno.test("fetchContent() tries thrice again what may pass", async () => {
  let failures = 4;
  await using registry = new Registry(() =>
    failures-- > 0 ? new Response("", { status: 503 }) : new Response("ok")
  );
  const clock = new HastyClock();
  assertEquals(
    await failureOf(from(registry.origin), clock),
    `cannot fetch ${registry.origin}/: ${registry.origin.slice(7)} answered ` +
      "with status 503",
  );
  assertEquals(clock.sleptMs, [250, 500, 1_000]);
  failures = 3;
  await fetchContent(
    from(registry.origin),
    { clock: new HastyClock(), random: () => 0 },
    never,
  );
  assertEquals(registry.requests.length, 4 + 4);
});

Deno.test("fetchContent() shows no query of an address it cannot reach", async () => {
  // A port that was free a moment ago.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  for (const query of ["?token=hunter2", "?token=hunter2#part"]) {
    const clock = new HastyClock();
    const message = await failureOf(from(`${origin}/x${query}`), clock);
    assertStringIncludes(message, `cannot fetch ${origin}/x: `);
    assertEquals(message.includes("hunter2"), false, message);
    assertStringIncludes(message, "Connection refused");
    assertEquals(clock.sleptMs.length, 3);
  }
});

Deno.test("fetchContent() ends what is too large", async () => {
  let sent = 0;
  const chunk = new Uint8Array(1024 * 1024);
  await using registry = new Registry((path) =>
    path === "/most"
      ? new Response(new Uint8Array(FILE_BYTES_MAX))
      : new Response(
        new ReadableStream({
          pull: (controller) => {
            sent += chunk.length;
            controller.enqueue(chunk);
          },
        }),
      )
  );
  assertEquals(
    (await fetchText(from(`${registry.origin}/most`))).length,
    FILE_BYTES_MAX,
  );
  assertEquals(
    await failureOf(from(registry.origin)),
    `cannot fetch ${registry.origin}/: it has over ${FILE_BYTES_MAX} bytes`,
  );
  assertEquals(sent < 10 * FILE_BYTES_MAX, true);
});

Deno.test("fetchContent() gives up after 2 minutes in all", async () => {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<Response>();
  await using registry = new Registry(() => {
    asked.resolve();
    return held.promise;
  });
  const clock = new FakeClock();
  const failure = assertRejects(
    () =>
      fetchContent(from(registry.origin), { clock, random: () => 0 }, never),
    AppError,
    "it took over 120 s",
  );
  await asked.promise;
  clock.advance(120_000);
  await failure;
  held.resolve(new Response());
});

Deno.test("fetchContent() gives up when nobody wants it any more", async () => {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<Response>();
  await using registry = new Registry(() => {
    asked.resolve();
    return held.promise;
  });
  const clock = new FakeClock();
  const aborter = new AbortController();
  const failure = assertRejects(
    () =>
      fetchContent(
        from(registry.origin),
        { clock, random: () => 0 },
        aborter.signal,
      ),
    AppError,
    "it is not wanted any more",
  );
  await asked.promise;
  aborter.abort();
  await failure;
  assertEquals(clock.pending, 0);
  held.resolve(new Response());
});

Deno.test({
  name: "fetchContent() says which host the daemon may not reach",
  permissions: { net: ["127.0.0.1:1"] },
  async fn() {
    for (
      const [url, host] of [
        ["http://repo.test/x", "repo.test:80"],
        ["https://repo.test/x", "repo.test:443"],
        ["http://repo.test:8081/x", "repo.test:8081"],
      ] as const
    ) {
      const clock = new HastyClock();
      assertEquals(
        await failureOf(from(url), clock),
        `cannot fetch ${url}: the daemon may not reach ${host}: add it to ` +
          "--allow-net in its command line",
      );
      assertEquals(clock.sleptMs, []);
    }
  },
});

function go(location: string | null): Response {
  return new Response(null, {
    status: 302,
    ...(location === null ? {} : { headers: { location } }),
  });
}
