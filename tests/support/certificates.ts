import type { ServerCertificate } from "./agent_http.ts";

/** A server's certificate, and the file of who signed it. */
export interface TestCertificate extends ServerCertificate {
  /** PEM file of the authority, which nobody else trusts. */
  readonly caFile: string;
}

/** Makes an authority and its certificate for 127.0.0.1, with openssl. */
export async function makeCertificate(dir: string): Promise<TestCertificate> {
  const [ca, server] = [`${dir}/ca`, `${dir}/server`];
  await makePair(ca, "test authority", []);
  await makePair(server, "127.0.0.1", [
    `-CA=${ca}.pem`,
    `-CAkey=${ca}.key`,
    "-addext=subjectAltName=IP:127.0.0.1",
    "-addext=basicConstraints=critical,CA:FALSE",
  ]);
  return {
    cert: await Deno.readTextFile(`${server}.pem`),
    key: await Deno.readTextFile(`${server}.key`),
    caFile: `${ca}.pem`,
  };
}

/** Writes `path`.pem and `path`.key. */
async function makePair(
  path: string,
  name: string,
  more: readonly string[],
): Promise<void> {
  const flags = [
    "-x509",
    "-nodes",
    "-newkey=ec",
    "-pkeyopt=ec_paramgen_curve:prime256v1",
    "-days=2",
    `-subj=/CN=${name}`,
    `-keyout=${path}.key`,
    `-out=${path}.pem`,
    ...more,
  ];
  const { success, stderr } = await new Deno.Command("openssl", {
    // openssl wants a flag and its value apart.
    args: ["req", ...flags.flatMap((flag) => splitOnce(flag))],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function splitOnce(flag: string): string[] {
  const at = flag.indexOf("=");
  return at < 0 ? [flag] : [flag.slice(0, at), flag.slice(at + 1)];
}
