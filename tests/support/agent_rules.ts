import type { Call, CheckStatusInfo } from "../../proto/mesos_types.ts";
import type { HttpRequest } from "./agent_http.ts";
import type { AgentSchema } from "./agent_schema.ts";

/** The two media types that an agent speaks. */
export type ContentType = "application/json" | "application/x-protobuf";

/** An answer other than success, in the agent's words. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  /** Text of the body. */
  readonly body: string;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** True if no correct executor could have provoked it. */
  readonly violation: boolean;
}

const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/x-protobuf";
const UUID_BYTES = 16;
const PATH = /^(\/slave\(1\))?\/api\/v1\/executor$/;

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  202: "Accepted",
  307: "Temporary Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  415: "Unsupported Media Type",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** A status with its phrase, such as `202 Accepted`. */
export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? "Unknown"}`;
}

/**
 * Checks what does not depend on the body.
 *
 * @param token What the executor must present, if authentication is on.
 * @see Mesos src/slave/http.cpp `Http::executor` and
 * 3rdparty/libprocess/src/jwt_authenticator.cpp
 */
export function checkRequest(
  request: HttpRequest,
  token: string | undefined,
): Refusal | undefined {
  if (!PATH.test(request.path)) {
    return { status: 404, body: "", violation: true };
  }
  if (token !== undefined) {
    const given = request.headers.get("authorization");
    if (given !== `Bearer ${token}`) return refuseToken(given);
  }
  if (request.method !== "POST") {
    return {
      status: 405,
      body: `Expecting one of { 'POST' }, but received '${request.method}'`,
      headers: { Allow: "POST" },
      violation: true,
    };
  }
  return undefined;
}

/** Parses the body by its content type, which must match to the letter. */
export function readCall(
  request: HttpRequest,
  schema: AgentSchema,
): Call | Refusal {
  const contentType = request.headers.get("content-type");
  if (contentType === undefined) {
    return refuse(400, "Expecting 'Content-Type' to be present");
  }
  if (contentType === PROTOBUF_TYPE) {
    try {
      return schema.callFromProtobuf(request.body) as unknown as Call;
    } catch {
      return refuse(400, "Failed to parse body into Call protobuf");
    }
  }
  if (contentType !== JSON_TYPE) {
    return refuse(
      415,
      `Expecting 'Content-Type' of ${JSON_TYPE} or ${PROTOBUF_TYPE}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(request.body));
  } catch (error) {
    return refuse(400, `Failed to parse body into JSON: ${textOf(error)}`);
  }
  try {
    return schema.callFromJson(value) as unknown as Call;
  } catch (error) {
    return refuse(
      400,
      `Failed to convert JSON into Call protobuf: ${textOf(error)}`,
    );
  }
}

/**
 * Checks a call by itself.
 *
 * @see Mesos src/common/validation.cpp `validateExecutorCall`
 */
export function validateCall(call: Call): Refusal | undefined {
  const rule = findBrokenRule(call);
  return rule === undefined
    ? undefined
    : refuse(400, `Failed to validate Executor::Call: ${rule}`);
}

/** Chooses the format of the stream, or refuses with 406; JSON comes first. */
export function negotiate(accept: string | undefined): ContentType | Refusal {
  if (accepts(accept, JSON_TYPE)) return JSON_TYPE;
  if (accepts(accept, PROTOBUF_TYPE)) return PROTOBUF_TYPE;
  return refuse(
    406,
    `Expecting 'Accept' to allow '${PROTOBUF_TYPE}' or '${JSON_TYPE}'`,
  );
}

/** @returns What is wrong with a status update's uuid, if anything. */
export function checkUuid(uuid: string | undefined): string | undefined {
  if (uuid === undefined) return "Expecting 'uuid' to be present";
  const { length } = Uint8Array.fromBase64(uuid);
  return length === UUID_BYTES
    ? undefined
    : `Expecting a UUID of ${UUID_BYTES} bytes: it has ${length}`;
}

function findBrokenRule(call: Call): string | undefined {
  if (call.type === undefined) return "Expecting 'type' to be present";
  if (call.type === "SUBSCRIBE" && call.subscribe === undefined) {
    return "Expecting 'subscribe' to be present";
  }
  if (call.type === "MESSAGE" && call.message === undefined) {
    return "Expecting 'message' to be present";
  }
  if (call.type !== "UPDATE") return undefined;
  if (call.update === undefined) return "Expecting 'update' to be present";
  const { status } = call.update;
  const badUuid = checkUuid(status.uuid);
  if (badUuid !== undefined) return badUuid;
  const executorId = call.executor_id.value;
  const statusExecutorId = status.executor_id?.value ?? executorId;
  if (statusExecutorId !== executorId) {
    return `ExecutorID in Call: ${executorId} does not match ` +
      `ExecutorID in TaskStatus: ${statusExecutorId}`;
  }
  const sender = `from executor ${executorId} ` +
    `of framework ${call.framework_id.value}`;
  if (status.source !== "SOURCE_EXECUTOR") {
    return `Received Call ${sender} with invalid source, ` +
      "expecting 'SOURCE_EXECUTOR'";
  }
  if (status.state === "TASK_STAGING") {
    return `Received TASK_STAGING ${sender} which is not allowed`;
  }
  return status.check_status && checkCheckStatus(status.check_status);
}

function checkCheckStatus(check: CheckStatusInfo): string | undefined {
  switch (check.type) {
    case undefined:
      return "CheckStatusInfo must specify 'type'";
    case "COMMAND":
      return check.command && !check.http && !check.tcp
        ? undefined
        : "Expecting 'command' to be set for COMMAND check's status";
    case "HTTP":
      return check.http && !check.command && !check.tcp
        ? undefined
        : "Expecting 'http' to be set for HTTP check's status";
    case "TCP":
      return check.tcp && !check.command && !check.http
        ? undefined
        : "Expecting 'tcp' to be set for TCP check's status";
    default:
      return `'${check.type}' is not a valid check's status type`;
  }
}

function accepts(accept: string | undefined, type: ContentType): boolean {
  if (accept === undefined || accept === "") return true;
  return accept.split(",").some((item) => {
    const [range = "", ...parameters] = item.split(";").map((part) =>
      part.trim()
    );
    const refused = parameters.some((text) => /^q=0(\.0*)?$/.test(text));
    return !refused &&
      (range === type || range === "*/*" || range === "application/*");
  });
}

function refuseToken(given: string | undefined): Refusal {
  const realm = 'Bearer realm="mesos-agent-executor"';
  const challenge = given === undefined
    ? realm
    : `${realm}, error="invalid_token", error_description="Invalid JWT"`;
  return {
    status: 401,
    body: "",
    headers: { "WWW-Authenticate": challenge },
    violation: false,
  };
}

function refuse(status: number, body: string): Refusal {
  return { status, body, violation: true };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
