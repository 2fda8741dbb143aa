import { assertEquals, assertThrows } from "@std/assert";
import { InvalidInputError } from "../../shared/errors.ts";
import { ObjectReader } from "../../shared/json_reader.ts";

Deno.test("ObjectReader matches keys as Go's encoding/json does", () => {
  const reader = new ObjectReader({ NAME: "a", name: "b", Name: null, x: 1 });
  assertEquals(reader.string("Name"), "b");
  assertEquals(reader.has("nAmE"), true);
  assertEquals(reader.has("absent"), false);
  assertEquals(reader.problems, []);
});

Deno.test("ObjectReader takes null and absence for the default", () => {
  const reader = new ObjectReader({ a: null });
  for (const key of ["a", "b"]) {
    assertEquals(reader.string(key), "");
    assertEquals(reader.string(key, { default: "d" }), "d");
    assertEquals(reader.integer(key, { default: 3, min: 1 }), 3);
    assertEquals(reader.number(key), 0);
    assertEquals(reader.boolean(key, true), true);
    assertEquals(reader.oneOf(key, ["x", "y"], "y"), "y");
    assertEquals(reader.object(key), undefined);
    assertEquals(reader.objects(key), undefined);
    assertEquals(reader.strings(key), undefined);
  }
  assertEquals(reader.problems, []);
});

Deno.test("ObjectReader remembers every problem with its path", () => {
  const reader = new ObjectReader({
    text: 1,
    empty: "",
    secret: 424242,
    long: "x".repeat(100),
    fraction: 1.5,
    huge: 2 ** 60,
    low: -1,
    high: 11,
    flag: "yes",
    choice: "z",
    list: "A=424242",
    texts: ["a", 2],
    hidden: ["a", 424242],
    outer: { inner: { n: "1" }, items: [{ n: 1 }, 424242, { n: [] }] },
  });
  reader.string("text");
  reader.string("empty", { required: true });
  reader.string("secret", { secret: true });
  reader.integer("long");
  reader.integer("fraction");
  reader.integer("huge");
  reader.integer("low", { min: 0 });
  reader.number("high", { max: 10 });
  reader.boolean("flag");
  reader.oneOf("choice", ["x", "y"], "x");
  reader.strings("list");
  assertEquals(reader.strings("texts"), ["a", ""]);
  reader.strings("hidden", { secret: true });
  const outer = reader.object("outer");
  outer?.object("inner")?.integer("n");
  outer?.objects("items")?.map((item) => item.integer("n"));
  assertEquals(reader.problems.map(({ field, rule }) => `${field} ${rule}`), [
    "text must be a string: current value is 1",
    "empty must not be empty",
    "secret must be a string",
    `long must be an integer: current value is "${"x".repeat(59)}…`,
    "fraction must be an integer: current value is 1.5",
    "huge must be an integer: current value is 1152921504606847000",
    "low must be at least 0: current value is -1",
    "high must be at most 10: current value is 11",
    'flag must be true or false: current value is "yes"',
    'choice must be one of x, y: current value is "z"',
    "list must be an array: current value is a string",
    "texts[1] must be a string: current value is 2",
    "hidden[1] must be a string",
    'outer.inner.n must be an integer: current value is "1"',
    "outer.items[1] must be an object: current value is a number",
    "outer.items[2].n must be an integer: current value is an array",
  ]);
  assertThrows(() => reader.throwProblems("test"), InvalidInputError);
});

Deno.test("ObjectReader names the document when it is no object", () => {
  const reader = new ObjectReader(null);
  assertEquals(reader.string("a"), "");
  assertEquals(reader.problems, [{
    field: "(document)",
    rule: "must be an object: current value is null",
  }]);
});
