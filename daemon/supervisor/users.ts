import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { UserPolicy } from "../config.ts";
import type { Account, Launcher } from "../ports.ts";

/** How long an answer of the host's database is believed, ms. */
const KNOWN_MS = 60_000;

/** What users are looked up with. */
export interface UserPorts {
  readonly launcher: Pick<Launcher, "findUser">;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly policy: UserPolicy;
}

/**
 * Who a process runs as: the one place that decides it, before the process is
 * stored. So it stays who it is when the default is changed.
 *
 * @param asked As a definition has it.
 * @returns User name or uid; "" = who the daemon is.
 */
export function effectiveUser(asked: string, { fallback }: UserPolicy): string {
  return asked || fallback;
}

/** The users of this host, and whom processes may run as. */
export class Users {
  readonly #known = new Map<
    string,
    { readonly account: Promise<Account | null>; readonly untilMs: number }
  >();

  constructor(private readonly ports: UserPorts) {}

  /** Who a process runs as, by the daemon's configuration. */
  effectiveUser(asked: string): string {
    return effectiveUser(asked, this.ports.policy);
  }

  /**
   * Looks a user up.
   *
   * @param user Name or uid; "" = who the daemon is.
   * @throws {AppError} INVALID_ARGUMENT if there is none.
   */
  async find(user: string): Promise<Account> {
    const account = await this.#lookUp(user);
    if (account !== null) return account;
    throw new AppError(
      "INVALID_ARGUMENT",
      `the user "${user}" does not exist on this host`,
    );
  }

  /**
   * The same of one that processes may run as.
   *
   * @throws {AppError} INVALID_ARGUMENT if there is none, or he may not.
   */
  async admit(user: string): Promise<Account> {
    const account = await this.find(user);
    if (await this.#isAllowed(user, account)) return account;
    const { allowed } = this.ports.policy;
    throw new AppError(
      "INVALID_ARGUMENT",
      `the user "${account.name}" is none of ${allowed.join(", ")}, which ` +
        "the daemon's configuration allows in allowed_users",
    );
  }

  /** What of the configuration is no user of this host. */
  async findMissing(): Promise<readonly string[]> {
    const { fallback, allowed } = this.ports.policy;
    const names = [...new Set(["", fallback, ...allowed])];
    const accounts = await Promise.all(names.map((name) => this.#lookUp(name)));
    return names.filter((_, index) => accounts[index] === null);
  }

  async #isAllowed(user: string, { name, uid }: Account): Promise<boolean> {
    const { allowed } = this.ports.policy;
    if (allowed.length === 0) return true;
    // Mostly it is there as it is written: then the others do not matter.
    if (allowed.some((each) => each === user || each === name)) return true;
    // A name and its uid are the same user, and so are two names of one uid.
    const others = await Promise.all(allowed.map((each) => this.#lookUp(each)));
    return others.some((other) => other?.uid === uid);
  }

  /** Who the daemon is does not change; whom the host does not know may come. */
  #lookUp(user: string): Promise<Account | null> {
    const nowMs = this.ports.clock.monotonicMs();
    const known = this.#known.get(user);
    if (known !== undefined && nowMs < known.untilMs) return known.account;
    for (const [name, { untilMs }] of this.#known) {
      if (nowMs >= untilMs) this.#known.delete(name);
    }
    const account = this.ports.launcher.findUser(user);
    const untilMs = user === "" ? Infinity : nowMs + KNOWN_MS;
    const entry = { account, untilMs };
    this.#known.set(user, entry);
    const forget = () => {
      if (this.#known.get(user) === entry) this.#known.delete(user);
    };
    account.then((found) => found === null && forget(), forget);
    return account;
  }
}
