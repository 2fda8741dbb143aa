/**
 * Bundles the services into dist/: what an installation runs. One start of a
 * bundle reads a handful of files instead of dozens and compiles nothing.
 *
 * @module
 */

const PROGRAMS = {
  executor: "executor/main.ts",
  daemon: "daemon/main.ts",
  procctl: "scripts/procctl/main.ts",
} as const;

/**
 * Bundles one program.
 *
 * @param name Which one.
 * @param root Folder of the project.
 * @param out Folder to fill; it is emptied first.
 */
export async function build(
  name: keyof typeof PROGRAMS,
  root: string,
  out: string,
): Promise<void> {
  await removeFolder(out);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      // Only the chosen codec is loaded: it needs a file of its own.
      "--code-splitting",
      `--outdir=${out}`,
      PROGRAMS[name],
    ],
    cwd: root,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  if (name !== "daemon") return;
  await Deno.mkdir(`${out}/launch`);
  await Deno.copyFile(
    `${root}/daemon/launch/launcher.sh`,
    `${out}/launch/launcher.sh`,
  );
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) {
  const root = decodeURIComponent(new URL("..", import.meta.url).pathname);
  for (const name of Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[]) {
    await build(name, root, `${root}dist/${name}`);
  }
}
