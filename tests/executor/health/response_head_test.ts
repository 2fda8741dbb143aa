import { assertEquals, assertThrows } from "@std/assert";
import { readResponseHead } from "../../../executor/health/response_head.ts";

const HEADS = [
  ["HTTP/1.1 200 OK\r\nServer: x\r\n\r\nbody", 200, null],
  ["HTTP/1.0 404\r\n\r\n", 404, null],
  ["HTTP/1.1 503 Service Unavailable\n\n", 503, null],
  ["HTTP/1.1 302 Found\r\nX: y\r\nLocation:  /a b \r\n\r\n", 302, "/a b"],
  ["HTTP/1.1 301 Moved\r\nlocation:/x\r\n\r\n", 301, "/x"],
  ["HTTP/1.1 200 OK\r\nX-Location: /x\r\n\r\nLocation: /y\r\n\r\n", 200, null],
  [
    "HTTP/1.1 103 Early Hints\r\nLocation: /no\r\n\r\nHTTP/1.1 204 -\r\n\r\n",
    204,
    null,
  ],
] as const;

Deno.test("readResponseHead() reads status and location", () => {
  for (const [text, status, location] of HEADS) {
    assertEquals(readResponseHead(text), { status, location }, text);
  }
});

Deno.test("readResponseHead() waits for the end of the head", () => {
  for (const [text, status] of HEADS) {
    let length = 0;
    while (readResponseHead(text.slice(0, length)) === null) length++;
    const read = text.slice(0, length);
    assertEquals(/\r?\n\r?\n$/.test(read), true, read);
    assertEquals(readResponseHead(read)?.status, status);
  }
});

Deno.test("readResponseHead() refuses what is not HTTP/1", () => {
  for (
    const text of [
      "S",
      "SSH-2.0-OpenSSH_9.2\r\n",
      "HTTP/2",
      "HTTP/1.1 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
    ]
  ) assertThrows(() => readResponseHead(text), SyntaxError);
});
