import { assertEquals, assertStringIncludes } from "@std/assert";
import { LAUNCHER_SHELLS } from "../../support/launcher_shells.ts";
import { tempDir, writeProgram } from "../../support/temp_dir.ts";

const SCRIPT = decodeURIComponent(
  new URL("../../../scripts/procctl/procctl.sh", import.meta.url).pathname,
);

for (const { name, path } of LAUNCHER_SHELLS) {
  Deno.test({
    name: `procctl is started with its permissions and none more, ${name}` +
      (path === null ? " (skipped: it is missing)" : ""),
    ignore: path === null,
    async fn() {
      await using dir = await tempDir();
      const home = dir.path;
      await Deno.copyFile(SCRIPT, `${home}/procctl`);
      await writeProgram(`${home}/deno`, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
      const run = async (env: Record<string, string>, ...words: string[]) => {
        const { code, stdout, stderr } = await new Deno.Command(path ?? name, {
          args: [
            ...(name === "busybox" ? ["sh"] : []),
            `${home}/procctl`,
            ...words,
          ],
          clearEnv: true,
          env,
        }).output();
        const decoder = new TextDecoder();
        return {
          code,
          out: decoder.decode(stdout).trimEnd().split("\n"),
          err: decoder.decode(stderr),
        };
      };
      const socket = "/run/it's *$(id).sock";
      const { code, out } = await run(
        { BCS_PROCESS_SOCKET: socket },
        "stop",
        "a b",
      );
      assertEquals(code, 0);
      assertEquals(out, [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        `--allow-net=unix:${socket},127.0.0.1:2`,
        `--allow-read=${socket},.`,
        `--allow-write=${socket}`,
        `${home}/operator/main.js`,
        `--socket=${socket}`,
        "stop",
        "a b",
      ]);
      const usual = await run({});
      assertEquals(usual.out.at(-1), "--socket=/var/run/process.sock");
      for (
        const words of [
          ["--socket", "/a", "ps"],
          ["ps", "--socket=/b", "--socket", "/a"],
          ["exec", "--socket=/a", "p", "--", "x", "--socket=/b"],
        ]
      ) {
        const { out } = await run({}, ...words);
        assertEquals(out[4], "--allow-net=unix:/a,127.0.0.1:2");
        assertEquals(out.slice(-words.length - 1), ["--socket=/a", ...words]);
      }
      for (const wrong of ["rel", "/a,/b"]) {
        const { code, err } = await run({ BCS_PROCESS_SOCKET: wrong });
        assertEquals(code, 2);
        assertStringIncludes(err, "the socket must be");
      }
    },
  });
}
