/**
 * Feeds damaged input to everything that reads what others write.
 *
 * Usage: main.ts [--rounds N] [--seed S]
 *
 * Round n has the seed S + n, so that a failure at one is repeated by
 * `--seed` with that number and `--rounds 1`. Prints a summary as JSON; ends
 * with 1 at the first input that breaks a property.
 */
import process from "node:process";
import { parseArgs } from "../../shared/std/parse_args.ts";
import { Random } from "../support/random.ts";
import { TARGETS } from "./targets.ts";

/** What a run was like. */
export interface Summary {
  readonly seed: number;
  readonly inputs: number;
  /** How many were no mistake after all, by target. */
  readonly accepted: Readonly<Record<string, number>>;
  /** Of one input, of CPU time: how busy the host is does not matter. */
  readonly longestMs: number;
  readonly rssMibBefore: number;
  readonly rssMibMax: number;
}

/** Rounds between two looks at the memory. */
const ROUNDS_PER_LOOK = 500;
const MIB = 2 ** 20;
/** Longest input that is printed, bytes. */
const SHOWN_BYTES_MAX = 100_000;

const encoder = new TextEncoder();

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

async function fuzz(seed: number, rounds: number): Promise<Summary | null> {
  const accepted: Record<string, number> = {};
  const rssMibBefore = Deno.memoryUsage().rss / MIB;
  let rssMibMax = rssMibBefore;
  let longestMs = 0;
  for (let round = 0; round < rounds; round++) {
    for (const target of TARGETS) {
      const random = new Random(seed + round);
      const input = target.make(random);
      const start = process.cpuUsage();
      try {
        const isAccepted = await target.check(input, random);
        accepted[target.name] = (accepted[target.name] ?? 0) +
          Number(isAccepted);
      } catch (error) {
        print(
          `${target.name}: ${error instanceof Error ? error.stack : error}`,
        );
        print(`input: ${input.subarray(0, SHOWN_BYTES_MAX).toHex()}`);
        print(`again: deno task fuzz --seed ${seed + round} --rounds 1`);
        return null;
      }
      const { user, system } = process.cpuUsage(start);
      longestMs = Math.max(longestMs, (user + system) / 1000);
    }
    if (round % ROUNDS_PER_LOOK === 0) {
      rssMibMax = Math.max(rssMibMax, Deno.memoryUsage().rss / MIB);
    }
  }
  return {
    seed,
    inputs: rounds * TARGETS.length,
    accepted,
    longestMs,
    rssMibBefore,
    rssMibMax,
  };
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["rounds", "seed"] });
  const seed = Number(
    flags["seed"] ?? crypto.getRandomValues(new Uint32Array(1))[0],
  );
  print(`seed ${seed}`);
  const summary = await fuzz(seed, Number(flags["rounds"] ?? 20_000));
  if (summary === null) Deno.exit(1);
  print(JSON.stringify(summary));
}
