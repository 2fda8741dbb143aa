/** Kinds of a field that hold one value without an inner structure. */
export type ScalarKind =
  | "string"
  | "bytes"
  | "bool"
  | "double"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64";

/** An enum: its name, and the number of each value. */
export interface EnumSchema {
  /** Name without the package, such as `TaskState`. */
  readonly name: string;
  /** Number of each value, by name, in the order of the .proto file. */
  readonly values: Readonly<Record<string, number>>;
}

/** What a field holds. */
export type FieldType =
  | { readonly kind: ScalarKind }
  | { readonly kind: "enum"; readonly of: EnumSchema }
  | { readonly kind: "message"; readonly of: MessageSchema }
  /** A map from strings to messages. */
  | { readonly kind: "map"; readonly of: MessageSchema }
  /**
   * A message that is carried unread: bytes on the wire (an embedded message
   * and a `bytes` field look the same), any value in JSON.
   */
  | { readonly kind: "opaque" };

/** One field of a message. */
export type Field = FieldType & {
  /** Field number on the wire. */
  readonly number: number;
  /** Name in the .proto file, which is also the JSON key. */
  readonly name: string;
  /** Label of the field; a map counts as optional. */
  readonly rule: "required" | "optional" | "repeated";
};

/**
 * A message: enough to check, encode and decode it.
 *
 * @typeParam T In-memory form of the message: Mesos' JSON mapping.
 */
export interface MessageSchema<T = unknown> {
  /** Name without the package and dots, such as `CommandInfoURI`. */
  readonly name: string;
  /** The fields that are looked into, by rising number. */
  readonly fields: readonly Field[];
  /** Carries the type only, never set. */
  readonly type?: T;
}
