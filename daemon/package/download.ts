import { messageOf } from "../../shared/errors.ts";
import {
  type Answer,
  type Credentials,
  discard,
  get,
  refusalOf,
  withoutSecrets,
} from "../fetch/get.ts";
import { IdleWatch } from "../fetch/idle_watch.ts";
import { type FetchPorts, retrying } from "../fetch/retrying.ts";
import { TryError } from "../fetch/try_error.ts";
import type { Checksums } from "./checksums.ts";
import { PartFile } from "./part_file.ts";
import {
  isStrong,
  rangeValidatorOf,
  unlessSame,
  type Validators,
  validatorsOf,
} from "./validators.ts";

/** For one package. */
const PATIENCE = {
  msMax: 2 * 3_600_000,
  retriesMax: 5,
  wait: { firstMs: 1_000, maxMs: 60_000 },
};
/** Longest time without a byte in one try, ms. */
const IDLE_MS_MAX = 30_000;
/** Bytes read at once: smaller ones take longer, larger ones do not fill. */
const READ_BYTES = 512 * 1024;

/** What is to be downloaded, and where to. */
export interface DownloadOrder {
  readonly url: URL;
  readonly credentials: Credentials;
  /** What is here already, and need not come again; null = nothing. */
  readonly known: Validators | null;
  /** A file that nobody else uses; made anew. */
  readonly path: string;
  readonly withMd5: boolean;
  readonly bytesMax: number;
}

/** What was downloaded. */
export interface Downloaded extends Checksums, Validators {
  readonly bytes: number;
  /** What speaks for its being whole, beside checksums. */
  readonly verifiedBy: "etag" | "length" | "nothing";
}

/**
 * Downloads a package into a file, in as many tries as it takes; a try that
 * broke off is taken up where it did, unless the package has changed.
 *
 * @param signal Aborted when nobody wants it any more.
 * @param onProgress Told of bytes that are here, and of all; 0 = not known.
 * @returns null if what is known has not changed; the file is empty then.
 * @throws {AppError} FAILED_PRECONDITION
 */
export async function download(
  order: DownloadOrder,
  ports: FetchPorts,
  signal: AbortSignal,
  onProgress: (bytes: number, total: number) => void,
): Promise<Downloaded | null> {
  await using part = await PartFile.create(order.path, order.withMd5);
  const download = new Download(order, ports, part, onProgress);
  return await retrying(
    withoutSecrets(order.url),
    PATIENCE,
    ports,
    signal,
    (either) => download.attempt(either),
  );
}

/** What the tries of one download know of each other. */
class Download {
  /** Of what is in the file; see {@linkcode rangeValidatorOf}. */
  #rangeValidator = "";
  #validators: Validators = { etag: "", lastModified: "" };
  /** Bytes of the whole; 0 = not known. */
  #total = 0;
  /** The most bytes that any try had. */
  #furthest = 0;
  #isResumed = false;

  constructor(
    private readonly order: DownloadOrder,
    private readonly ports: FetchPorts,
    private readonly part: PartFile,
    private readonly onProgress: (bytes: number, total: number) => void,
  ) {}

  async attempt(signal: AbortSignal): Promise<Downloaded | null> {
    using idle = new IdleWatch(this.ports.clock, IDLE_MS_MAX);
    try {
      return await this.#attempt(AbortSignal.any([signal, idle.signal]), idle);
    } catch (error) {
      if (!(error instanceof TryError)) throw error;
      const isIdle = idle.signal.aborted && !signal.aborted;
      const hasAdvanced = this.part.bytes > this.#furthest;
      this.#furthest = Math.max(this.#furthest, this.part.bytes);
      throw new TryError(
        isIdle ? `nothing came for ${IDLE_MS_MAX / 1000} s` : error.message,
        isIdle || error.isPassing,
        { ...error.hints, hasAdvanced },
      );
    }
  }

  async #attempt(
    signal: AbortSignal,
    idle: IdleWatch,
  ): Promise<Downloaded | null> {
    const { order, part } = this;
    if (this.#rangeValidator === "") await this.#startOver();
    const answer = await get(order.url, order.credentials, {
      // As it is at the registry: what is sent encoded is not decoded then.
      "accept-encoding": "identity",
      ...(part.bytes > 0
        ? {
          range: `bytes=${part.bytes}-`,
          "if-range": this.#rangeValidator,
        }
        : unlessSame(order.known)),
    }, signal);
    idle.touch();
    if (answer.response.status === 304 && part.bytes === 0) {
      await discard(answer.response);
      if (order.known !== null) return null;
    }
    await this.#begin(answer);
    await this.#read(answer.response, idle);
    if (this.#total > 0 && part.bytes !== this.#total) {
      throw this.#brokenOff();
    }
    const checksums = await this.#onDisk(() => part.finish());
    const verifiedBy = this.#isResumed && isStrong(this.#rangeValidator)
      ? "etag"
      : this.#total > 0
      ? "length"
      : "nothing";
    return {
      ...checksums,
      ...this.#validators,
      bytes: part.bytes,
      verifiedBy,
    };
  }

  /** Looks at what comes: all of it, or what was missing. */
  async #begin(answer: Answer): Promise<void> {
    const { status, headers } = answer.response;
    const { bytes } = this.part;
    if (status === 206 && bytes > 0) {
      const range = readContentRange(headers);
      const { etag } = validatorsOf(headers);
      if (
        range?.from !== bytes ||
        (etag !== "" && etag !== this.#validators.etag) ||
        (this.#total > 0 && range.total > 0 && range.total !== this.#total)
      ) {
        await discard(answer.response);
        await this.#startOver();
        throw new TryError(
          `${answer.url.host} sent another part than it was asked for`,
          true,
        );
      }
      this.#isResumed = true;
      this.#total ||= range.total;
    } else if (status === 200) {
      await this.#startOver();
      this.#validators = validatorsOf(headers);
      this.#rangeValidator = rangeValidatorOf(headers);
      this.#total = Number(headers.get("content-length") ?? 0);
    } else {
      // A range that the server does not have: not of this content, then.
      if (status === 416 && bytes > 0) await this.#startOver();
      const refusal = await refusalOf(answer, this.ports.clock.nowMs());
      throw status === 416 && bytes > 0
        ? new TryError(refusal.message, true)
        : refusal;
    }
    if (this.#total > this.order.bytesMax) {
      await discard(answer.response);
      throw this.#tooLarge();
    }
    this.onProgress(this.part.bytes, this.#total);
  }

  async #read(response: Response, idle: IdleWatch): Promise<void> {
    const { part, order } = this;
    // One buffer goes back and forth: a new one for every read would take
    // tens of MiB before they are collected.
    const reader = response.body?.getReader({ mode: "byob" });
    if (reader === undefined) return;
    let buffer = new Uint8Array(READ_BYTES);
    try {
      while (true) {
        const { value } = await reader.read(buffer)
          .catch(() => {
            throw this.#brokenOff();
          });
        if (value === undefined || value.length === 0) return;
        idle.touch();
        if (part.bytes + value.length > order.bytesMax) throw this.#tooLarge();
        await this.#onDisk(() => part.append(value));
        this.onProgress(part.bytes, this.#total);
        buffer = new Uint8Array(value.buffer);
      }
    } finally {
      // Where the rest is not wanted; it may have broken off by itself.
      await reader.cancel().catch(() => {});
    }
  }

  async #startOver(): Promise<void> {
    if (this.part.bytes > 0) await this.#onDisk(() => this.part.reset());
    this.#rangeValidator = "";
    this.#total = 0;
    this.#isResumed = false;
  }

  async #onDisk<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw new TryError(
        `cannot write ${this.order.path}: ${messageOf(error)}`,
        false,
      );
    }
  }

  #brokenOff(): TryError {
    const total = this.#total > 0 ? ` of ${this.#total}` : "";
    return new TryError(
      `it broke off after ${this.part.bytes}${total} bytes`,
      true,
    );
  }

  #tooLarge(): TryError {
    return new TryError(
      `it has over ${this.order.bytesMax} bytes, the most that package_mib ` +
        "allows",
      false,
    );
  }
}

/** Where a part begins, and what the whole has; 0 = not known. */
function readContentRange(
  headers: Headers,
): { readonly from: number; readonly total: number } | null {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(
    headers.get("content-range") ?? "",
  );
  return match === null
    ? null
    : { from: Number(match[1]), total: Number(match[2]) || 0 };
}
