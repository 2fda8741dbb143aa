import type { ObjectReader } from "../json_reader.ts";
import type { ProcessFile, RemoteSource, RemoteVariable } from "./types.ts";

/** Largest content of one file, bytes: one in a request and a fetched one. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Most files, and most variables to fetch, of one process. */
const FILES_MAX = 64;
/** Longest path that the kernel takes, bytes (PATH_MAX with its ending NUL). */
const PATH_BYTES_MAX = 4_095;

// deno-lint-ignore no-control-regex -- they are what is refused
const CONTROL = /[\x00-\x1f\x7f]/;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A folder of the daemon's may stand in front: it is filled in later. */
const ABSOLUTE = /^(\/|\$\{(work|run)_base_dir\}\/)/;

/** Reads the files of a process definition; undefined when there are none. */
export function readFiles(parent: ObjectReader): ProcessFile[] | undefined {
  return readList(parent, "Files")?.map(readFile);
}

/** Reads the variables to fetch; undefined when there are none. */
export function readRemoteVariables(
  parent: ObjectReader,
): RemoteVariable[] | undefined {
  return readList(parent, "RemoteEnvs")?.map((reader) => {
    const Name = reader.string("Name");
    if (!VARIABLE_NAME.test(Name)) {
      reader.addProblem(
        "Name",
        "must be a name of letters, digits and _ that does not begin with a " +
          `digit: current value is ${JSON.stringify(Name.slice(0, 60))}`,
      );
    }
    return { Name, ...readSource(reader) };
  });
}

/** Reads one file: where it goes, whose it is, and where its content is. */
export function readFile(reader: ObjectReader): ProcessFile {
  const remote = reader.object("Remote");
  const file: ProcessFile = {
    To: readTarget(reader),
    Right: reader.oneOf("Right", ["r", "rw"], "r"),
    User: reader.string("User"),
    Base64: reader.has("Base64") ? readBase64(reader) : null,
    Remote: remote === undefined ? null : readSource(remote),
  };
  if (CONTROL.test(file.User) || file.User.startsWith("-")) {
    reader.addProblem(
      "User",
      "must not begin with - nor hold a control character",
    );
  }
  if (reader.has("Base64") === reader.has("Remote")) {
    reader.addProblem("Base64", "must be given, or else Remote, but not both");
  }
  return file;
}

function readList(
  parent: ObjectReader,
  key: string,
): ObjectReader[] | undefined {
  const readers = parent.objects(key);
  if (readers !== undefined && readers.length > FILES_MAX) {
    parent.addProblem(key, `must have at most ${FILES_MAX} items`);
  }
  return readers;
}

/** Reads a path that the daemon makes something at; it may end in a slash. */
export function readPlace(reader: ObjectReader, key: string): string {
  const path = reader.string(key, { required: true });
  if (path === "") return path;
  const shown = JSON.stringify(path.slice(0, 200));
  if (!ABSOLUTE.test(path)) {
    reader.addProblem(key, `must be an absolute path: it is ${shown}`);
  }
  if (CONTROL.test(path)) {
    reader.addProblem(key, "must not hold a control character");
  }
  if (new TextEncoder().encode(path).length > PATH_BYTES_MAX) {
    reader.addProblem(key, `must have at most ${PATH_BYTES_MAX} bytes`);
  }
  if (path.split("/").some((name) => name === "." || name === "..")) {
    reader.addProblem(key, `must not go through . or ..: it is ${shown}`);
  }
  return path;
}

function readTarget(reader: ObjectReader): string {
  const path = readPlace(reader, "To");
  if (path.endsWith("/")) {
    const shown = JSON.stringify(path.slice(0, 200));
    reader.addProblem("To", `must name a file, no folder: it is ${shown}`);
  }
  return path;
}

function readBase64(reader: ObjectReader): string {
  const text = reader.string("Base64", { secret: true });
  try {
    const { length } = Uint8Array.fromBase64(text, {
      lastChunkHandling: "strict",
    });
    if (length > FILE_BYTES_MAX) {
      reader.addProblem(
        "Base64",
        `must stand for at most ${FILE_BYTES_MAX} bytes: it has ${length}; ` +
          "serve it by HTTP and name it in Remote",
      );
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    reader.addProblem("Base64", "must be base64 with its padding");
  }
  return text;
}

function readSource(reader: ObjectReader): RemoteSource {
  const source = {
    From: reader.string("From", { required: true }),
    RemoteUser: reader.string("RemoteUser"),
    RemotePasswd: reader.string("RemotePasswd", { secret: true }),
  };
  const rule = source.From === "" ? null : checkAddress(source.From);
  if (rule !== null) reader.addProblem("From", rule);
  if (source.RemoteUser.includes(":")) {
    reader.addProblem("RemoteUser", "must not hold a colon (RFC 7617)");
  }
  return source;
}

/**
 * The rule that an address breaks; it may hold a password and is not shown.
 *
 * @param keys Where user and password are to be given.
 */
export function checkAddress(
  text: string,
  keys = "RemoteUser and RemotePasswd",
): string | null {
  const url = URL.parse(text);
  switch (url?.protocol) {
    case "http:":
    case "https:":
      return url.username === "" && url.password === ""
        ? null
        : `must not hold a user: give ${keys}`;
    case "ftp:":
    case "ftps:":
      return "must be an http or https URL: nothing is fetched by " +
        `${url.protocol.slice(0, -1)}, serve it by HTTP`;
    default:
      return "must be an http or https URL";
  }
}
