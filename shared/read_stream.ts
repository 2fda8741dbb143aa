/**
 * Reads a stream until it ends or `signal` is aborted, which also closes what
 * feeds it: aborting a fetch does not end a body that is being read.
 */
export async function* readStream<T>(
  stream: ReadableStream<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const reader = stream.getReader();
  const cancel = () => {
    // What is left is nobody's any more, and neither are its errors.
    reader.cancel().catch(() => undefined);
  };
  signal.addEventListener("abort", cancel);
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}
