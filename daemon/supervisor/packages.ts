import { AppError, messageOf } from "../../shared/errors.ts";
import { KeyedTurns } from "../../shared/keyed_turns.ts";
import type { Logger } from "../../shared/logger.ts";
import type { PackageStatus, Uri } from "../../shared/manager_api/types.ts";
import type { PlacedPackage, ProcessRecord } from "../lifecycle/record.ts";
import type { PackageSource } from "../package/package_source.ts";
import {
  fileNameOf,
  shownAddress,
  type Trees,
  type Wanted,
} from "../package/trees.ts";
import type { FilePlace } from "../ports.ts";
import { findPlace, ruleOfRoots, toPlain } from "./file_place.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Users } from "./users.ts";

/** What packages of processes take. */
export interface PackagesPorts {
  readonly source: PackageSource;
  readonly trees: Trees;
  readonly users: Pick<Users, "find" | "admit">;
  /** Who unpacks, if the daemon is root. */
  readonly unpacker: string;
  readonly logger: Logger;
  /** Folders below which packages may be placed. */
  readonly fileDirs: readonly string[];
  /** Every process of the daemon. */
  readonly runners: () => readonly ProcessRunner[];
  /** Whether those are all: else no tree is called unused. */
  readonly areAllKnown: boolean;
}

/** A package could not be put in place; its message names it and says why. */
export class PackageError extends AppError {
  override readonly name = "PackageError";

  constructor(address: string, outputDir: string, cause: unknown) {
    super(
      "FAILED_PRECONDITION",
      `package ${shownAddress(address)} for ${outputDir}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Puts the packages of processes in place. A link leads to a tree that is
 * shared by all who have the same content and user; a copy is one process's.
 */
export class Packages {
  /** How far they are; what is not here was finished by an earlier daemon. */
  readonly #progress = new WeakMap<ProcessRunner, PackageStatus[]>();
  /** Processes that are being deleted. */
  readonly #leaving = new WeakSet<ProcessRunner>();
  /** One thing after the other in each OutputDir. */
  readonly #turns = new KeyedTurns();

  constructor(private readonly ports: PackagesPorts) {}

  /** How far the packages of a process are, in the order of its `Uris`. */
  statusOf(runner: ProcessRunner): readonly PackageStatus[] {
    return this.#progress.get(runner) ?? toStatuses(runner.record);
  }

  /**
   * Brings, unpacks and places all packages of a process. May be repeated:
   * what is in place is used again.
   *
   * @throws {PackageError}
   */
  async prepare(runner: ProcessRunner, signal: AbortSignal): Promise<void> {
    const uris = runner.record.info.Uris ?? [];
    if (uris.length === 0) return;
    const statuses = uris.map(toWaiting);
    this.#progress.set(runner, statuses);
    for (const [index, uri] of uris.entries()) {
      if (signal.aborted) return;
      const report = (change: Partial<PackageStatus>) => {
        statuses[index] = { ...toWaiting(uri), ...statuses[index], ...change };
      };
      try {
        const placed = await this.#place(runner, uri, signal, report);
        report({ State: "ready", ...resultOf(placed) });
      } catch (error) {
        report({ State: "failed" });
        if (!(error instanceof AppError)) throw error;
        throw new PackageError(uri.Value, uri.OutputDir, error);
      }
    }
  }

  /** Removes what a process alone used of its packages. */
  async discard(runner: ProcessRunner): Promise<void> {
    this.#leaving.add(runner);
    const { packages = [] } = runner.record;
    for (const placed of packages) {
      await this.#guard(
        runner.record.id,
        placed.outputDir,
        () =>
          this.#turns.take(
            placed.outputDir,
            () => this.#remove(runner, placed),
          ),
      );
    }
    if (packages.length > 0) {
      await this.#guard(runner.record.id, "", () => this.collect());
    }
  }

  /** A delete has failed after all. */
  keep(runner: ProcessRunner): void {
    this.#leaving.delete(runner);
  }

  /** Removes what an earlier daemon did not get to remove. */
  async tidy(): Promise<void> {
    await this.#guard("", "", () => this.collect());
  }

  /** Removes the shared trees that no process uses, whatever its state is. */
  async collect(): Promise<void> {
    const { trees, areAllKnown } = this.ports;
    if (!areAllKnown) return;
    await trees.collect((tree) =>
      this.#staying().some(({ record }) =>
        record.packages?.some((placed) => placed.tree === tree)
      )
    );
  }

  async #place(
    runner: ProcessRunner,
    uri: Uri,
    signal: AbortSignal,
    report: (change: Partial<PackageStatus>) => void,
  ): Promise<PlacedPackage> {
    const outputDir = toPlain(uri.OutputDir);
    const place = findPlace(outputDir, this.ports.fileDirs);
    if (place === null) {
      // The configuration may have been another one when it was accepted.
      throw new AppError(
        "FAILED_PRECONDITION",
        ruleOfRoots(this.ports.fileDirs),
      );
    }
    const isLink = uri.Mode !== "copy";
    const earlier = runner.record.packages?.find((placed) =>
      placed.outputDir === outputDir && (placed.tree !== null) === isLink
    );
    if (earlier !== undefined && uri.PullPolicy !== "Always") {
      const isThere = earlier.tree === null
        ? await this.ports.trees.hasCopy(place)
        : await this.ports.trees.reuse(
          earlier.tree,
          () => this.#link(runner, place, earlier),
        );
      if (isThere) return earlier;
    }
    report({ State: "downloading" });
    const held = await this.ports.source.hold(
      uri,
      signal,
      (Bytes, Total) => report({ Bytes, Total }),
    );
    try {
      const { sha256, bytes, verifiedBy } = held;
      let placed: PlacedPackage = {
        outputDir,
        tree: null,
        sha256,
        bytes,
        verifiedBy,
      };
      report({ State: "unpacking", ...resultOf(placed) });
      const wanted: Wanted = {
        held,
        fileName: fileNameOf(uri.Value),
        ...await this.#whoFor(runner.record.info.User),
      };
      if (isLink) {
        await this.ports.trees.share(wanted, signal, async (tree) => {
          placed = { ...placed, tree };
          await this.#link(runner, place, placed);
        });
        return placed;
      }
      await this.#turns.take(outputDir, async () => {
        refuse(this.#findRefusal(runner, placed));
        // It may hold what the process has written there.
        const isSame = earlier?.sha256 === sha256 &&
          await this.ports.trees.hasCopy(place);
        if (isSame) return;
        const aside = earlier === undefined ? "" : asideOf(runner, place).name;
        let refusal: string | null = null;
        const mayAppear = () => {
          refusal = this.#remember(runner, placed);
          return refusal === null;
        };
        await this.ports.trees.copy(wanted, { place, aside }, signal, mayAppear)
          .catch((error) => refuse(refusal, error));
      });
      return placed;
    } finally {
      held.release();
    }
  }

  async #whoFor(user: string): Promise<Pick<Wanted, "owner" | "unpacker">> {
    const { users, unpacker } = this.ports;
    const { uid } = await users.find("");
    return {
      owner: user === "" ? null : await users.admit(user),
      // Nobody but root can become somebody else, and root must.
      unpacker: uid === 0 ? await users.find(unpacker) : null,
    };
  }

  async #link(
    runner: ProcessRunner,
    place: FilePlace,
    placed: PlacedPackage,
  ): Promise<void> {
    await this.#turns.take(placed.outputDir, async () => {
      refuse(this.#remember(runner, placed));
      await this.ports.trees.link(place, placed.tree ?? "");
    });
  }

  /**
   * Before it is there: whatever happens then, it is removed with its process.
   *
   * @returns Why it must not be there; null = it may.
   */
  #remember(runner: ProcessRunner, placed: PlacedPackage): string | null {
    const refusal = this.#findRefusal(runner, placed);
    if (refusal === null) runner.dispatch({ type: "packagePlaced", ...placed });
    return refusal;
  }

  /**
   * An OutputDir is one process's, or shared as long as it is a link to one and
   * the same tree. A link whose process is stopped gives way: it holds nothing.
   * What lies in a copy would go with that.
   */
  #findRefusal(
    runner: ProcessRunner,
    { outputDir, tree }: PlacedPackage,
  ): string | null {
    if (runner.record.phase.state !== "staging") {
      return "nobody wants it any more";
    }
    for (const other of this.#staying()) {
      if (other === runner) continue;
      for (const theirs of other.record.packages ?? []) {
        const isFree = theirs.tree !== null && tree !== null &&
          (theirs.tree === tree || other.record.phase.state === "stopped");
        const where = theirs.outputDir === outputDir && !isFree
          ? "is"
          : theirs.tree === null && outputDir.startsWith(`${theirs.outputDir}/`)
          ? "is in"
          : null;
        if (where === null) continue;
        return `its OutputDir ${where} that of process ${other.record.id}: ` +
          "delete that, or choose another OutputDir";
      }
    }
    return null;
  }

  async #remove(runner: ProcessRunner, placed: PlacedPackage): Promise<void> {
    const { outputDir, tree } = placed;
    const place = findPlace(outputDir, this.ports.fileDirs);
    if (place === null) return;
    const { trees } = this.ports;
    if (tree === null) {
      await trees.removeCopy(place);
      await trees.removeCopy(asideOf(runner, place));
      return;
    }
    const isShared = this.#staying().some(({ record }) =>
      record.packages?.some((theirs) =>
        theirs.outputDir === outputDir && theirs.tree === tree
      )
    );
    if (!isShared) await trees.unlink(place, tree);
  }

  #staying(): readonly ProcessRunner[] {
    return this.ports.runners().filter((each) => !this.#leaving.has(each));
  }

  /** What stays is the lesser evil beside a process that does. */
  async #guard(
    id: string,
    outputDir: string,
    act: () => Promise<void>,
  ): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.ports.logger.warn("package not removed", {
        id,
        outputDir,
        reason: error.message,
      });
    }
  }
}

/** @param otherwise What is thrown if nothing was refused. @default nothing */
function refuse(refusal: string | null, otherwise?: unknown): void {
  if (refusal !== null) throw new AppError("FAILED_PRECONDITION", refusal);
  if (otherwise !== undefined) throw otherwise;
}

/** Where the copy of before goes: the number of a process is its alone. */
function asideOf({ record }: ProcessRunner, place: FilePlace): FilePlace {
  return { ...place, name: `${place.name}.previous.${record.number}` };
}

function toWaiting(uri: Uri): PackageStatus {
  return {
    Value: shownAddress(uri.Value),
    State: "waiting",
    Bytes: 0,
    Total: 0,
    Sha256: "",
    VerifiedBy: "",
  };
}

function toStatuses({ info, packages = [] }: ProcessRecord): PackageStatus[] {
  return (info.Uris ?? []).map((uri) => {
    const placed = packages.find(({ outputDir }) =>
      outputDir === toPlain(uri.OutputDir)
    );
    return placed === undefined
      ? toWaiting(uri)
      : { ...toWaiting(uri), State: "ready", ...resultOf(placed) };
  });
}

function resultOf({ sha256, bytes, verifiedBy }: PlacedPackage) {
  return {
    Bytes: bytes,
    Total: bytes,
    Sha256: sha256,
    VerifiedBy: verifiedBy,
  };
}
