import { FILE_BYTES_MAX } from "../../shared/manager_api/parse_files.ts";
import type { RemoteSource } from "../../shared/manager_api/types.ts";
import { get, readBody, refusalOf, withoutSecrets } from "../fetch/get.ts";
import { type FetchPorts, retrying } from "../fetch/retrying.ts";

/** For one content. */
const PATIENCE = {
  msMax: 120_000,
  retriesMax: 3,
  wait: { firstMs: 500, maxMs: 8_000 },
};

/**
 * Fetches a content by HTTP.
 *
 * @param signal Aborted when nobody wants it any more.
 * @throws {AppError} FAILED_PRECONDITION; names the address without user,
 * password and query.
 */
export async function fetchContent(
  { From, RemoteUser, RemotePasswd }: RemoteSource,
  ports: FetchPorts,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(From);
  const credentials = { user: RemoteUser, password: RemotePasswd };
  return await retrying(
    withoutSecrets(url),
    PATIENCE,
    ports,
    signal,
    async (either) => {
      const answer = await get(url, credentials, {}, either);
      if (answer.response.status !== 200) {
        throw await refusalOf(answer, ports.clock.nowMs());
      }
      return await readBody(answer, FILE_BYTES_MAX);
    },
  );
}
