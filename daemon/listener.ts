import { AppError, messageOf } from "../shared/errors.ts";

/**
 * Clears the way for a listener: a socket that nobody answers on is what a
 * daemon left that was killed; a live one is never taken over.
 *
 * @throws {AppError} FAILED_PRECONDITION if somebody listens there, or the
 * file is no socket.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) {
      throw new AppError(
        "FAILED_PRECONDITION",
        `Cannot listen on ${path} as it is a file of another kind`,
      );
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) {
      return await Deno.remove(path);
    }
    throw new AppError(
      "FAILED_PRECONDITION",
      `Cannot listen on ${path}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  throw new AppError(
    "FAILED_PRECONDITION",
    `Cannot listen on ${path} as another daemon answers there`,
  );
}
