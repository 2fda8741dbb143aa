import type { FilePlace } from "../ports.ts";

/**
 * Finds a path's place below the innermost allowed folder. By its text alone:
 * the launcher checks where that leads on the host.
 *
 * @param path Absolute.
 * @param roots Absolute, without a slash at the end.
 * @returns null if no root allows it.
 */
export function findPlace(
  path: string,
  roots: readonly string[],
): FilePlace | null {
  const below = (root: string) =>
    path.startsWith(root === "/" ? root : `${root}/`);
  const root = roots.filter(below).toSorted((a, b) => b.length - a.length)[0];
  if (root === undefined) return null;
  const names = path.slice(root.length).split("/").filter((name) => name);
  const name = names.pop();
  const isPlain = [...names, name].every((each) =>
    each !== "." && each !== ".."
  );
  return name === undefined || !isPlain ? null : { root, folders: names, name };
}

/** What decides where something of a process may be made. Absolute paths. */
export interface PlacePolicy {
  /** Folders below which it may. */
  readonly fileDirs: readonly string[];
  /** Files and folders of the daemon's, where it may not. */
  readonly ownPaths: readonly string[];
}

/**
 * The rule that a path breaks, by its text alone; null = none. What is the
 * daemon's own is forbidden below an allowed folder; an operator who allows a
 * folder in there means it.
 *
 * @param path Absolute.
 */
export function ruleOfPlace(
  path: string,
  { fileDirs, ownPaths }: PlacePolicy,
): string | null {
  const place = findPlace(path, fileDirs);
  if (place === null) return ruleOfRoots(fileDirs);
  const own = ownPaths.find((each) =>
    `${toPlain(path)}/`.startsWith(`${each}/`) &&
    each.length > place.root.length
  );
  return own === undefined
    ? null
    : `must not be in ${own}, which is the daemon's own`;
}

/** A path with single slashes, and none at its end. */
export function toPlain(path: string): string {
  return path.replaceAll(/\/+/g, "/").replace(/\/$/, "");
}

/** The rule that a path outside of all allowed folders breaks. */
export function ruleOfRoots(fileDirs: readonly string[]): string {
  return `must be below ${fileDirs.join(" or ")}, which the daemon's ` +
    "configuration allows in file_dirs";
}
