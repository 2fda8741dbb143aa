import { KeyedTurns } from "../../shared/keyed_turns.ts";
import type { FilePlace, Launcher, UnpackRequest, UserIds } from "../ports.ts";
import type { HeldPackage } from "./package_source.ts";

/** How much larger than itself a package may become ... */
const RATIO_MAX = 200;
/** ... unless it is less than this, bytes. */
const RATIO_FREE_BYTES = 64 * 1024 * 1024;

/** A shared tree, and one that is not finished, or never will be. */
const TREE = /^([0-9a-f]{64})-\d+$/;
const DRAFT = /^\.bcs-process\.unpack\.\d+$/;

/** What unpacking takes. */
export interface TreePorts {
  readonly launcher: Pick<
    Launcher,
    "unpack" | "linkTree" | "hasTree" | "discardTree" | "discardLink"
  >;
  /** Holds the trees that processes share; the daemon's own. */
  readonly folder: string;
  /** Most that a package may unpack to. */
  readonly unpackedBytes: number;
}

/** A package, and who wants it. */
export interface Wanted {
  readonly held: HeldPackage;
  /** Whose the tree will be; null = the daemon's own. */
  readonly owner: UserIds | null;
  /** Who unpacks; null = the daemon itself, which must not be root. */
  readonly unpacker: UserIds | null;
  /** What it is called if it is no archive. */
  readonly fileName: string;
}

/**
 * Unpacked packages. Those that processes share are named by their content and
 * their user, `<sha256>-<uid>`, and nothing ever changes them: they are made in
 * one step and removed when nobody uses them.
 */
export class Trees {
  readonly #turns = new KeyedTurns();

  constructor(private readonly ports: TreePorts) {}

  /** Absolute path of a shared tree. */
  pathOf(tree: string): string {
    return `${this.ports.folder}/${tree}`;
  }

  /**
   * Unpacks a package to be shared, unless it is there.
   *
   * @param use Done with the tree's name, before anybody can remove it.
   */
  async share(
    { held, ...wanted }: Wanted,
    signal: AbortSignal,
    use: (tree: string) => Promise<void>,
  ): Promise<void> {
    const { sha256 } = held;
    await this.#turns.take(sha256, async () => {
      const tree = await this.ports.launcher.unpack(
        this.#request({ held, ...wanted }, {
          kind: "tree",
          root: this.ports.folder,
          sha256,
        }),
        signal,
        () => true,
      );
      await use(tree);
    });
  }

  /**
   * Uses a shared tree that was unpacked before.
   *
   * @returns Whether it is there.
   */
  async reuse(tree: string, use: () => Promise<void>): Promise<boolean> {
    return await this.#turns.take(contentOf(tree), async () => {
      const isThere = await this.ports.launcher.hasTree(this.#placeOf(tree));
      if (isThere) await use();
      return isThere;
    });
  }

  /**
   * Unpacks a package for one process alone.
   *
   * @param aside Name for what is there already, beside; "" = nothing may be.
   * @param mayAppear Asked before it is there.
   */
  async copy(
    wanted: Wanted,
    { place, aside }: { readonly place: FilePlace; readonly aside: string },
    signal: AbortSignal,
    mayAppear: () => boolean,
  ): Promise<void> {
    const request = this.#request(wanted, { kind: "copy", place, aside });
    await this.ports.launcher.unpack(request, signal, mayAppear);
  }

  /** Makes a link to a shared tree. */
  async link(place: FilePlace, tree: string): Promise<void> {
    await this.ports.launcher.linkTree(place, this.pathOf(tree));
  }

  /** Removes a link, if it leads to that shared tree. */
  async unlink(place: FilePlace, tree: string): Promise<void> {
    await this.ports.launcher.discardLink(place, this.pathOf(tree));
  }

  /** Whether a copy is there. */
  async hasCopy(place: FilePlace): Promise<boolean> {
    return await this.ports.launcher.hasTree(place);
  }

  /** Removes a copy, or what it was before. */
  async removeCopy(place: FilePlace): Promise<void> {
    await this.ports.launcher.discardTree(place);
  }

  /** Removes every shared tree that nobody uses, and what killed launchers left. */
  async collect(isUsed: (tree: string) => boolean): Promise<void> {
    const { launcher, folder } = this.ports;
    let draft = "";
    for await (const { name } of Deno.readDir(folder)) {
      if (DRAFT.test(name)) draft = name;
      if (!TREE.test(name)) continue;
      await this.#turns.take(contentOf(name), async () => {
        if (isUsed(name)) return;
        await launcher.discardTree(this.#placeOf(name));
      });
    }
    // Some may be at work: the launcher knows, and each request has it tidy up.
    if (draft !== "") await launcher.hasTree(this.#placeOf(draft));
  }

  #placeOf(name: string): FilePlace {
    return { root: this.ports.folder, folders: [], name };
  }

  #request(
    { held, owner, unpacker, fileName }: Wanted,
    target: UnpackRequest["target"],
  ): UnpackRequest {
    const { unpackedBytes } = this.ports;
    return {
      archive: held.path,
      owner,
      unpacker,
      bytesMax: Math.min(
        unpackedBytes,
        Math.max(RATIO_FREE_BYTES, held.bytes * RATIO_MAX),
      ),
      fileName,
      target,
    };
  }
}

function contentOf(tree: string): string {
  return TREE.exec(tree)?.[1] ?? tree;
}

/** What a package is called in its registry; "package" if it has no name. */
export function fileNameOf(address: string): string {
  const path = URL.parse(address)?.pathname ?? "";
  let name = path.slice(path.lastIndexOf("/") + 1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // Not encoded: it is called so.
  }
  // deno-lint-ignore no-control-regex -- they are what no name may hold
  return /^\.{0,2}$|[/\x00-\x1f\x7f]/.test(name) ? "package" : name;
}

/** An address as it may be shown: without user, password and query. */
export function shownAddress(address: string): string {
  const url = URL.parse(address);
  return url === null ? "" : `${url.origin}${url.pathname}`;
}
