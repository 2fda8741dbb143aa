import type { Problem } from "../../shared/errors.ts";
import type { ProcessDefinition } from "./definition.ts";

/** Ports from `begin` to `end`, both included. */
export interface PortRange {
  readonly begin: number;
  readonly end: number;
}

/** The ports of one process. */
export interface AssignedPorts {
  /** Port number by name, in the definition's order. */
  readonly assigned: ReadonlyMap<string, number>;
  /** Those that came from the offer. */
  readonly taken: readonly number[];
}

/** Hands out an agent's offered ports, lowest first. */
export class PortPool {
  readonly #end: number;
  #next: number;

  constructor({ begin, end }: PortRange) {
    this.#next = begin;
    this.#end = end;
  }

  /** Gives each port of the process its number; 0 takes one of the offer. */
  assign(process: ProcessDefinition, problems: Problem[]): AssignedPorts {
    const assigned = new Map<string, number>();
    const taken: number[] = [];
    process.ports.forEach(({ name, hostPort }, index) => {
      const field = `${process.path}.ports[${index}]`;
      if (assigned.has(name)) {
        const rule = `must be unique: current value is "${name}"`;
        problems.push({ field: `${field}.name`, rule });
      }
      if (hostPort !== 0) {
        assigned.set(name, hostPort);
      } else if (this.#next <= this.#end) {
        assigned.set(name, this.#next);
        taken.push(this.#next++);
      } else {
        const rule = "must be a free port: the offer has none left";
        problems.push({ field: `${field}.hostPort`, rule });
        assigned.set(name, 0);
      }
    });
    return { assigned, taken };
  }
}

/**
 * Replaces the template variables of one process. What is not a variable
 * stays as it is: `${work_base_dir}`, `${run_base_dir}` and the shell's own.
 */
export class TextRenderer {
  readonly #path: string;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #problems: Problem[];
  readonly #variables: Map<string, string>;

  /**
   * @param path Path of the process in the definition, for problems.
   * @param ports What `${ports.NAME}` stands for.
   * @param problems List to add to.
   * @param variables All other variables.
   */
  constructor(
    path: string,
    ports: ReadonlyMap<string, number>,
    problems: Problem[],
    variables: Readonly<Record<string, string>>,
  ) {
    this.#path = path;
    this.#ports = ports;
    this.#problems = problems;
    this.#variables = new Map(Object.entries(variables));
  }

  /** Adds a variable for what is rendered from now on. */
  define(name: string, value: string): void {
    this.#variables.set(name, value);
  }

  /**
   * Renders one text.
   *
   * @param text What may hold variables.
   * @param key Where in the process it stands, for problems.
   */
  render(text: string, key: string): string {
    return text.replace(/\$\{([^{}]+)\}/g, (whole, name: string) => {
      if (!name.startsWith("ports.")) return this.#variables.get(name) ?? whole;
      const port = this.#ports.get(name.slice("ports.".length));
      if (port !== undefined) return String(port);
      this.#problems.push({
        field: `${this.#path}.${key}`,
        rule: `must use ports of the process only: "${whole}" is none`,
      });
      return whole;
    });
  }
}
