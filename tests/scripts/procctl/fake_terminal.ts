import {
  createTerminal,
  type Terminal,
} from "../../../scripts/procctl/terminal.ts";

/** A terminal whose screen the test reads. */
export class FakeTerminal {
  readonly terminal: Terminal;
  readonly #decoder = new TextDecoder();
  stdout = "";
  stderr = "";

  /** @param columns Width; null = nobody looks. */
  constructor(columns: number | null = null) {
    this.terminal = createTerminal({
      write: (to, bytes) => this[to] += this.#decoder.decode(bytes),
      isInteractive: columns !== null,
      hasColours: columns !== null,
      columns: () => columns ?? 80,
    });
  }
}
