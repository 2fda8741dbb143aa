import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../scripts/procctl/command.ts";
import { readCommandLine } from "../../../scripts/procctl/command_line.ts";
import { COMMANDS } from "../../../scripts/procctl/commands.ts";

function read(text: string) {
  const line = readCommandLine(text.split(" ").filter(Boolean));
  if (line.action !== "run") throw new Error("It only wants help");
  return line;
}

Deno.test("readCommandLine() takes flags before and after words", () => {
  for (
    const text of [
      "logs p -n 5 -f --stream=stderr",
      "logs -f --lines=5 --stream stderr p",
    ]
  ) {
    const { command, words } = read(text);
    assertEquals(command, COMMANDS["logs"]);
    assertEquals(words.words, ["p"]);
    assertEquals(words.has("follow"), true);
    assertEquals(words.has("help"), false);
    assertEquals([words.get("lines"), words.get("stream")], ["5", "stderr"]);
    assertEquals(words.get("bytes"), undefined);
  }
});

Deno.test("readCommandLine() takes the socket anywhere before --", () => {
  assertEquals(read("ps").socket, "/var/run/process.sock");
  assertEquals(read("--socket /s ps").socket, "/s");
  assertEquals(read("ps --socket=/s").socket, "/s");
});

Deno.test("readCommandLine() leaves the words of a command of exec alone", () => {
  const { words } = read("exec -e A=1 --env=B=2 p -- ls -l --help 007");
  assertEquals(words.words, ["p", "ls", "-l", "--help", "007"]);
  assertEquals(words.all("env"), ["A=1", "B=2"]);
});

for (
  const [text, part] of [
    ["", "a command is missing"],
    ["nope", 'there is no command "nope"'],
    ["help nope", 'there is no command "nope"'],
    ["toString", 'there is no command "toString"'],
    ["ps --nope", "there is no flag --nope"],
    ["--nope ps", "there is no flag --nope"],
    ["ps -x", "there is no flag -x"],
    ["stop", "stop takes: ID..."],
    ["explain a b", "explain takes: ID"],
    ["health x", "health takes: nothing"],
    ["signal a", "signal takes: ID SIGNAL"],
  ] as const
) {
  Deno.test(`readCommandLine() refuses "${text}"`, () => {
    const error = assertThrows(() => read(text), UsageError);
    assertStringIncludes(error.message, part);
  });
}

Deno.test("readCommandLine() has help for every command", () => {
  const help = (...args: readonly string[]) => {
    const line = readCommandLine(args);
    return line.action === "help" ? line.text : "";
  };
  for (const [name, { summary, flags = [] }] of Object.entries(COMMANDS)) {
    assertStringIncludes(help("--help"), summary);
    const text = help("help", name);
    for (const { name: flag } of flags) assertStringIncludes(text, `--${flag}`);
    assertEquals(help(name, "--help"), text);
    assertEquals(help(name, "a", "-h"), text);
  }
  assertEquals(help("help"), help("-h"));
});
