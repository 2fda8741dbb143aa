/**
 * Mounts a disk that is full: folders and empty files can be made there, but
 * nothing can be written. Needs root.
 *
 * @param folder Exists and is empty.
 */
export async function fullDisk(folder: string): Promise<AsyncDisposable> {
  await run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=4k", "full", folder);
  await Deno.writeFile(`${folder}/filler`, new Uint8Array(4096));
  return {
    [Symbol.asyncDispose]: () => run("/usr/bin/umount", "--lazy", folder),
  };
}

/** Makes a full disk larger. @param size Such as `64k`. */
export async function widenDisk(folder: string, size: string): Promise<void> {
  await run("/usr/bin/mount", "-o", `remount,size=${size}`, folder);
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
