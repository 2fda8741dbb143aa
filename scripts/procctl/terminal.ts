/** Colours, by their ANSI numbers. */
const COLOURS = { red: 31, green: 32, yellow: 33, grey: 90 } as const;

/** Name of a colour. */
export type Colour = keyof typeof COLOURS;

/** Where a command writes to. */
export interface Terminal {
  /** Whether somebody looks at stdout, and not a program. */
  readonly isInteractive: boolean;
  /** Width of a line; Infinity if nobody looks. */
  readonly columns: number;
  /** Writes a line to stdout. */
  print(line: string): void;
  /** Writes a line to stderr. */
  warn(line: string): void;
  /** Writes what a process wrote, as it is. */
  write(to: "stdout" | "stderr", text: string | Uint8Array): void;
  /** Writes over the line that was written like this before. */
  overwrite(line: string): void;
  /** Empties the screen. */
  clear(): void;
  /** Colours a text if colours are shown. */
  paint(text: string, colour: Colour): string;
}

/** What a terminal is made of. */
export interface TerminalPorts {
  readonly write: (to: "stdout" | "stderr", bytes: Uint8Array) => void;
  readonly isInteractive: boolean;
  /** Whether colours are wanted. */
  readonly hasColours: boolean;
  readonly columns: () => number;
}

/** Makes a terminal out of two streams. */
export function createTerminal(ports: TerminalPorts): Terminal {
  const { isInteractive } = ports;
  const encoder = new TextEncoder();
  let isOverwriting = false;
  const write = (to: "stdout" | "stderr", text: string | Uint8Array) => {
    const bytes = typeof text === "string" ? encoder.encode(text) : text;
    ports.write(to, bytes);
  };
  const end = () => {
    if (isOverwriting) write("stdout", "\n");
    isOverwriting = false;
  };
  return {
    isInteractive,
    get columns() {
      // A terminal that was never told its width says 0.
      return isInteractive && ports.columns() || Infinity;
    },
    print(line) {
      end();
      write("stdout", `${line}\n`);
    },
    warn(line) {
      end();
      write("stderr", `procctl: ${line}\n`);
    },
    write,
    overwrite(line) {
      write("stdout", `\r\x1b[K${line}`);
      isOverwriting = true;
    },
    clear: () => write("stdout", "\x1b[H\x1b[2J"),
    paint: (text, colour) =>
      isInteractive && ports.hasColours
        ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m`
        : text,
  };
}

/**
 * A text of which a terminal does nothing but show it: what a process or a
 * definition says must not move an operator's cursor.
 */
export function toPlain(text: string): string {
  return text.replaceAll(UNPRINTABLE, " ");
}

/** Control characters, line ends, and what turns the writing direction. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;
