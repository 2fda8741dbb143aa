import { killAll, livingIn } from "../daemon/support/proc.ts";

/** A folder of one test; removed with everything that still lives in it. */
export interface TempDir extends AsyncDisposable {
  /** Absolute path, without symbolic links. */
  readonly path: string;
}

/**
 * Makes a folder: `await using dir = await tempDir()`.
 *
 * At the end every process whose working folder is inside is killed first, so
 * that a failed test leaves nothing behind.
 */
export async function tempDir(): Promise<TempDir> {
  const path = await Deno.realPath(await Deno.makeTempDir());
  return {
    path,
    async [Symbol.asyncDispose]() {
      await killAll(() => livingIn(path));
      await Deno.remove(path, { recursive: true });
    },
  };
}

/**
 * Writes a program or script that can be executed at once. Another process
 * does the writing: a file that this one, which runs several tests, has open
 * for writing may be passed on for a moment and cannot be executed then.
 */
export async function writeProgram(
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  const source = `${path}.source`;
  await Deno.writeFile(
    source,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
  const { success } = await new Deno.Command("/usr/bin/install", {
    args: ["-m", "755", "--", source, path],
  }).output();
  if (!success) throw new Error(`Cannot write ${path}`);
  await Deno.remove(source);
}
