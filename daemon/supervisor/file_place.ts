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

/** The rule that a path outside of all allowed folders breaks. */
export function ruleOfRoots(fileDirs: readonly string[]): string {
  return `must be below ${fileDirs.join(" or ")}, which the daemon's ` +
    "configuration allows in file_dirs";
}
