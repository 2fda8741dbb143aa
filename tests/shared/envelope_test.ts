import { assertEquals, assertThrows } from "@std/assert";
import { AppError, type ErrorCode } from "../../shared/errors.ts";
import {
  fromEnvelope,
  HTTP_STATUS,
  toFailure,
  toSuccess,
} from "../../shared/manager_api/envelope.ts";

Deno.test("toSuccess() writes the original's bytes", () => {
  const text = '{"result":true,"code":0,"message":"success","data":';
  assertEquals(JSON.stringify(toSuccess(null)), `${text}null}`);
  assertEquals(JSON.stringify(toSuccess(undefined)), `${text}null}`);
  assertEquals(JSON.stringify(toSuccess({ a: 1 })), `${text}{"a":1}}`);
  assertEquals(JSON.stringify(toSuccess(0)), `${text}0}`);
});

Deno.test("toFailure() writes the original's keys in their order", () => {
  assertEquals(
    JSON.stringify(toFailure(1405261, "process p not found")),
    '{"result":false,"code":1405261,' +
      '"message":"(process-daemon):process p not found","data":{}}',
  );
});

Deno.test("fromEnvelope() gives back what toSuccess() took", () => {
  for (const data of [null, [], {}, "text", 0, { a: [1, null] }]) {
    assertEquals(fromEnvelope(200, JSON.stringify(toSuccess(data))), data);
  }
});

Deno.test("fromEnvelope() gives back the class of every error", () => {
  const codes = Object.keys(HTTP_STATUS) as ErrorCode[];
  for (const code of codes) {
    const error = assertThrows(
      () =>
        fromEnvelope(
          HTTP_STATUS[code],
          JSON.stringify(toFailure(1405260, "why")),
        ),
      AppError,
    );
    assertEquals(HTTP_STATUS[error.code as ErrorCode], HTTP_STATUS[code]);
    assertEquals(error.message, "why");
  }
});

Deno.test("fromEnvelope() tells the two classes of a conflict apart", () => {
  const codeOf = (message: string) =>
    assertThrows(
      () => fromEnvelope(409, JSON.stringify(toFailure(1405260, message))),
      AppError,
    ).code;
  assertEquals(codeOf("processinfo p already existed"), "ALREADY_EXISTS");
  assertEquals(codeOf("process p must be running"), "FAILED_PRECONDITION");
});

// The original answers every error of a route with status 200.
for (
  const [message, code] of [
    ["(data):process w1 not found", "NOT_FOUND"],
    ["(data):processinfo w1 already existed", "ALREADY_EXISTS"],
    ["(data):process w1 status running can't be deleted", "INTERNAL"],
    ['(data):strconv.Atoi: parsing "abc": invalid syntax', "INTERNAL"],
  ] as const
) {
  Deno.test(`fromEnvelope() takes "${message}" for ${code}`, () => {
    const error = assertThrows(
      () =>
        fromEnvelope(
          200,
          JSON.stringify({ result: false, code: 1405261, message, data: {} }),
        ),
      AppError,
    );
    assertEquals([error.code, error.message], [code, message]);
  });
}

for (
  const [status, body] of [
    [200, '{"result":false,"code":0,"message":"m","data":null}'],
    [200, '{"result":true,"code":1,"message":"m","data":null}'],
    [201, '{"result":true,"code":0,"message":"m","data":null}'],
    [500, '{"result":true,"code":0,"message":"m","data":null}'],
    [200, "{}"],
    [200, "null"],
    [200, "[]"],
    [200, "7"],
    [200, ""],
    [404, "404: Page Not Found"],
    [200, '{"result":true,"code":0,"data":"100%!(NOVERB)'],
  ] as const
) {
  Deno.test(`fromEnvelope() refuses ${status} ${body || "nothing"}`, () => {
    assertThrows(() => fromEnvelope(status, body), AppError);
  });
}

Deno.test("fromEnvelope() knows an operation that the original does not have", () => {
  const error = assertThrows(
    () => fromEnvelope(404, "404: Page Not Found"),
    AppError,
  );
  assertEquals(error.code, "NOT_FOUND");
});
