import { SIMPLE } from "./definitions.ts";
import { readRssMib } from "./proc.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

const MIB = 1024 * 1024;
/** Packages, bytes. */
const MIDDLE = 200 * MIB;
const LARGE = 1024 * MIB;
/** Time between two looks at a package, ms. */
const LOOK_MS = 10;

/**
 * Measures a package on its way to a process: the memory that it takes, and
 * its speed beside that of a plain download.
 *
 * @param program Folder of the bundled daemon.
 * @param root Empty folder; needs 4 GiB.
 * @param runs How many samples of each figure.
 */
export async function benchPackages(
  program: string,
  root: string,
  runs: number,
): Promise<Record<string, Figure>> {
  const served = `${root}/served`;
  await Deno.mkdir(served);
  await makePackage(served, "middle.tar", MIDDLE);
  await makePackage(served, "large.tar", LARGE);
  const server = await serve(root, served);
  const deltas: number[] = [];
  const ratios: number[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      // Of its own, as a package that is here is not fetched again.
      const place = `${root}/${run}`;
      await Deno.mkdir(place);
      const daemon = new BenchDaemon(program, place, [server.host]);
      await daemon.start();
      const middle = await fetchPackage(daemon, server.host, "middle.tar");
      deltas.push(middle.rssDeltaMib);
      const large = await fetchPackage(daemon, server.host, "large.tar");
      const curlMs = await timeCurl(server.host, place);
      ratios.push(curlMs / large.fetchMs);
      await daemon.endAll();
      await daemon.stop();
      await Deno.remove(place, { recursive: true });
    }
  } finally {
    await server.stop();
  }
  return {
    package_rss_delta_mib: summarize(deltas, "MiB"),
    package_vs_curl_ratio: summarize(ratios, ""),
  };
}

/** A tar file with one file of noise: what is to be had for most games. */
async function makePackage(
  folder: string,
  name: string,
  bytes: number,
): Promise<void> {
  const path = `${folder}/content`;
  using file = await Deno.open(path, { write: true, create: true });
  const noise = new Uint8Array(MIB);
  for (let filled = 0; filled < MIB; filled += 65_536) {
    crypto.getRandomValues(noise.subarray(filled, filled + 65_536));
  }
  for (let written = 0; written < bytes; written += MIB) {
    await file.write(noise);
  }
  await run("/usr/bin/tar", [
    "-C",
    folder,
    "-cf",
    `${folder}/${name}`,
    "content",
  ]);
  await Deno.remove(path);
}

/** Serves a folder on loopback as a registry's front end does. */
async function serve(
  root: string,
  served: string,
): Promise<{ host: string; stop: () => Promise<void> }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await Deno.writeTextFile(
    `${root}/nginx.conf`,
    `daemon off; pid ${root}/nginx.pid; error_log ${root}/nginx.log; user root;
     events {}
     http {
       access_log off; sendfile on;
       server { listen 127.0.0.1:${port}; root ${served}; }
     }`,
  );
  const nginx = new Deno.Command("/usr/sbin/nginx", {
    args: ["-c", `${root}/nginx.conf`, "-e", `${root}/nginx.log`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const host = `127.0.0.1:${port}`;
  while (true) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  return {
    host,
    async stop() {
      nginx.kill("SIGQUIT");
      await nginx.status;
    },
  };
}

/** Starts a process with a package; resolves once it runs. */
async function fetchPackage(
  daemon: BenchDaemon,
  host: string,
  name: string,
): Promise<{ fetchMs: number; rssDeltaMib: number }> {
  const id = name.replace(".tar", "");
  const beforeMib = await readRssMib(daemon.pid);
  let mostMib = beforeMib;
  let fetchMs: number | null = null;
  const startMs = performance.now();
  await daemon.client.create({
    ...SIMPLE,
    Id: id,
    Uris: [{
      Value: `http://${host}/${name}`,
      User: "",
      Pwd: "",
      OutputDir: `${daemon.root}/workspace/work_dir/${id}`,
      ExtractDir: "",
      PackagesFile: "",
    }],
  });
  while (true) {
    const { Status, Message, Packages } = await daemon.client.status(id);
    const [fetched] = Packages ?? [];
    const isHere = fetched === undefined
      ? Status === "running"
      : fetched.State === "unpacking" || fetched.State === "ready";
    if (isHere) fetchMs ??= performance.now() - startMs;
    mostMib = Math.max(mostMib, await readRssMib(daemon.pid));
    if (Status === "stopped") throw new Error(Message);
    if (Status === "running" && fetchMs !== null) {
      return { fetchMs, rssDeltaMib: mostMib - beforeMib };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** The same download by curl, ms. */
async function timeCurl(host: string, place: string): Promise<number> {
  const startMs = performance.now();
  await run("/usr/bin/curl", [
    "--silent",
    "--fail",
    "--output",
    `${place}/curl`,
    `http://${host}/large.tar`,
  ]);
  return performance.now() - startMs;
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
