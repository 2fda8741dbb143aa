import { AppError } from "../../shared/errors.ts";
import type { Uri } from "../../shared/manager_api/types.ts";
import { type Credentials, withoutSecrets } from "../fetch/get.ts";
import { entryKeyOf } from "./address_index.ts";
import { givenChecksums, type Wanted } from "./checksums.ts";

/** A package that is asked for. */
export interface PackageOrder {
  readonly url: URL;
  readonly credentials: Credentials;
  readonly key: string;
  readonly given: Wanted;
  /** Whether the registry is asked even for what is here. */
  readonly isAlways: boolean;
}

/**
 * Reads what a definition asks for.
 *
 * @throws {AppError} FAILED_PRECONDITION if it cannot be fetched ever.
 */
export function readOrder(uri: Uri): PackageOrder {
  const refuse = (rule: string) =>
    new AppError("FAILED_PRECONDITION", `cannot fetch a package: ${rule}`);
  const url = URL.parse(uri.Value);
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw refuse("its address must be an http or https URL");
  }
  if (url.username !== "" || url.password !== "") {
    throw refuse("its address must not hold a user: give User and Pwd");
  }
  if (uri.User.includes(":")) {
    throw refuse("its User must not hold a colon (RFC 7617)");
  }
  const credentials = { user: uri.User, password: uri.Pwd };
  return {
    url,
    credentials,
    key: entryKeyOf(url, credentials),
    given: givenChecksums(uri),
    isAlways: uri.PullPolicy === "Always",
  };
}

/** Says why an order was not fulfilled. */
export function failureOf({ url }: PackageOrder, reason: string): AppError {
  return new AppError(
    "FAILED_PRECONDITION",
    `cannot fetch ${withoutSecrets(url)}: ${reason}`,
  );
}
