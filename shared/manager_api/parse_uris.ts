import type { ObjectReader } from "../json_reader.ts";
import { checkAddress, readPlace } from "./parse_files.ts";
import type { Uri } from "./types.ts";

/** Most packages of one process. */
const URIS_MAX = 32;

/** Reads the packages of a process definition; null when there are none. */
export function readUris(parent: ObjectReader): Uri[] | null {
  const uris = parent.objects("Uris")?.map(readUri) ?? null;
  if (uris === null) return null;
  if (uris.length > URIS_MAX) {
    parent.addProblem("Uris", `must have at most ${URIS_MAX} items`);
  }
  const folders = uris.map(({ OutputDir }) =>
    OutputDir && `${OutputDir}/`.replaceAll(/\/+/g, "/")
  );
  folders.forEach((folder, index) => {
    const other = folders.findIndex((above, place) =>
      place !== index && above !== "" && folder.startsWith(above) &&
      (folder !== above || place < index)
    );
    if (other === -1) return;
    parent.addProblem(
      `Uris[${index}].OutputDir`,
      `must be the package's alone: Uris[${other}] has it, or is above`,
    );
  });
  return uris;
}

function readUri(reader: ObjectReader): Uri {
  const uri: Uri = {
    Value: reader.string("Value", { required: true, secret: true }),
    User: reader.string("User"),
    Pwd: reader.string("Pwd", { secret: true }),
    OutputDir: readPlace(reader, "OutputDir"),
    Sha256: readSum(reader, "Sha256", 64),
    Md5: readSum(reader, "Md5", 32),
    PullPolicy: reader.oneOf(
      "PullPolicy",
      ["IfNotPresent", "Always"],
      "IfNotPresent",
    ),
    Mode: reader.oneOf("Mode", ["link", "copy"], "link"),
    ExtractDir: "",
    PackagesFile: "",
  };
  const rule = uri.Value === ""
    ? null
    : checkAddress(uri.Value, "User and Pwd");
  if (rule !== null) reader.addProblem("Value", rule);
  if (uri.User.includes(":")) {
    reader.addProblem("User", "must not hold a colon (RFC 7617)");
  }
  return uri;
}

function readSum(
  reader: ObjectReader,
  key: "Sha256" | "Md5",
  digits: number,
): string {
  const sum = reader.string(key).toLowerCase();
  if (sum !== "" && !(sum.length === digits && /^[0-9a-f]+$/.test(sum))) {
    reader.addProblem(
      key,
      `must be ${digits} hexadecimal digits: current value is ` +
        JSON.stringify(sum.slice(0, 80)),
    );
  }
  return sum;
}
