import type { ObjectReader } from "../json_reader.ts";
import type { Uri } from "./types.ts";

/** Reads the packages of a process definition; null when there are none. */
export function readUris(parent: ObjectReader): Uri[] | null {
  return parent.objects("Uris")?.map((reader) => ({
    Value: reader.string("Value", { required: true }),
    User: reader.string("User"),
    Pwd: reader.string("Pwd", { secret: true }),
    OutputDir: reader.string("OutputDir"),
    Sha256: reader.string("Sha256"),
    Md5: reader.string("Md5"),
    PullPolicy: reader.oneOf(
      "PullPolicy",
      ["IfNotPresent", "Always"],
      "IfNotPresent",
    ),
    Mode: reader.oneOf("Mode", ["link", "copy"], "link"),
    ExtractDir: "",
    PackagesFile: "",
  })) ?? null;
}
