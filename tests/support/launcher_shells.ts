import { writeProgram } from "./temp_dir.ts";

/** A shell that launcher.sh has to run under. */
export interface LauncherShell {
  readonly name: "dash" | "busybox" | "bash";
  /** Where it is installed; null if it is not. */
  readonly path: string | null;
}

/** Every shell that launcher.sh is tested with. */
export const LAUNCHER_SHELLS: readonly LauncherShell[] = [
  { name: "dash", path: find("dash") },
  { name: "busybox", path: find("busybox") },
  { name: "bash", path: find("bash") },
];

/** The launcher as it is delivered. */
export const LAUNCHER_PATH = decodeURIComponent(
  new URL("../../daemon/launch/launcher.sh", import.meta.url).pathname,
);

/** The launcher and its parts. */
const LAUNCHER_SCRIPTS: readonly string[] = listScripts();

/**
 * Copies the launcher so that one shell runs all of its stages.
 *
 * @param shell Must be installed.
 * @param folder Gets the copy, and a link named `sh` to the shell, by which
 * busybox knows what it is to be.
 * @returns Path of the copy.
 */
export async function installLauncher(
  shell: LauncherShell,
  folder: string,
): Promise<string> {
  if (shell.path === null) throw new Error(`${shell.name} is not installed`);
  const sh = `${folder}/sh`;
  await Deno.symlink(shell.path, sh);
  return await copyLauncher(
    folder,
    (script) => script.replaceAll("/bin/sh", sh),
  );
}

/**
 * Copies the launcher and the scripts beside it, changed for a test.
 *
 * @returns Path of launcher.sh in there.
 */
export async function copyLauncher(
  folder: string,
  change: (script: string) => string,
): Promise<string> {
  for (const path of LAUNCHER_SCRIPTS) {
    const name = path.slice(path.lastIndexOf("/"));
    await writeProgram(
      `${folder}${name}`,
      change(await Deno.readTextFile(path)),
    );
  }
  return `${folder}/launcher.sh`;
}

function listScripts(): string[] {
  const folder = LAUNCHER_PATH.slice(0, LAUNCHER_PATH.lastIndexOf("/"));
  return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
    .filter((path) => path.endsWith(".sh")).sort();
}

function find(name: string): string | null {
  for (const folder of ["/usr/bin", "/bin"]) {
    try {
      return Deno.realPathSync(`${folder}/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}
