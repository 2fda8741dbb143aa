/**
 * The demo's game server: `deno serve --host=… --port=… server.ts`. It answers
 * every request with its process id, so that one can see which process of
 * which generation answered.
 */
export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    return Response.json({ pid: Deno.pid, path: pathname, healthy: true });
  },
} satisfies Deno.ServeDefaultExport;
