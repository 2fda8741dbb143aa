import { AppError } from "../../shared/errors.ts";
import { ObjectReader } from "../../shared/json_reader.ts";
import type { Logger } from "../../shared/logger.ts";
import {
  type Credentials,
  discard,
  get,
  readBody,
  refusalOf,
  withoutSecrets,
} from "../fetch/get.ts";
import { type FetchPorts, retrying } from "../fetch/retrying.ts";
import { ANYTHING, isMd5, isSha256, type Wanted } from "./checksums.ts";

/** For one question: the package may be had without an answer. */
const PATIENCE = {
  msMax: 30_000,
  retriesMax: 2,
  wait: { firstMs: 500, maxMs: 4_000 },
};
/** Longest answer, bytes. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** What asking a registry takes from outside. */
export interface RegistryPorts extends FetchPorts {
  readonly logger: Logger;
}

/**
 * Asks the registry for a package's checksums, as Artifactory has them: in the
 * file information below `/api/storage`. A server that knows nothing of the
 * kind says nothing about the package; what else goes wrong is logged.
 *
 * @param signal Aborted when nobody wants it any more.
 * @see https://jfrog.com/help/r/jfrog-rest-apis/file-info
 */
export async function askRegistry(
  url: URL,
  credentials: Credentials,
  ports: RegistryPorts,
  signal: AbortSignal,
): Promise<Wanted> {
  for (const path of storagePathsOf(url.pathname)) {
    const question = new URL(path, url.origin);
    try {
      const wanted = await retrying(
        withoutSecrets(question),
        PATIENCE,
        ports,
        signal,
        (either) => ask(question, credentials, ports, either),
      );
      if (wanted !== null) return wanted;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (signal.aborted) break;
      ports.logger.warn("no checksum from the registry", {
        address: withoutSecrets(url),
        reason: error.message,
      });
    }
  }
  return ANYTHING;
}

/** Artifactory is at the server's root, or has its usual folder there. */
function storagePathsOf(path: string): string[] {
  const below = /^\/artifactory(\/.*)$/.exec(path)?.[1];
  return [
    ...(below === undefined ? [] : [`/artifactory/api/storage${below}`]),
    `/api/storage${path}`,
  ];
}

async function ask(
  question: URL,
  credentials: Credentials,
  { clock }: FetchPorts,
  signal: AbortSignal,
): Promise<Wanted | null> {
  const headers = { accept: "application/json" };
  const answer = await get(question, credentials, headers, signal);
  if (answer.response.status === 404) {
    await discard(answer.response);
    return null;
  }
  if (answer.response.status !== 200) {
    throw await refusalOf(answer, clock.nowMs());
  }
  return readFileInfo(await readBody(answer, ANSWER_BYTES_MAX));
}

function readFileInfo(content: Uint8Array): Wanted | null {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(content));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const checksums = new ObjectReader(document).object("checksums");
  const sha256 = checksums?.string("sha256").toLowerCase() ?? "";
  const md5 = checksums?.string("md5").toLowerCase() ?? "";
  const found = {
    sha256: isSha256(sha256) ? sha256 : "",
    md5: isMd5(md5) ? md5 : "",
  };
  return found.sha256 === "" && found.md5 === "" ? null : {
    sha256: found.sha256,
    // The slower one is made only where there is no better one.
    md5: found.sha256 === "" ? found.md5 : "",
    source: "its registry",
    proof: "registry",
  };
}
