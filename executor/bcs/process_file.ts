import type { ProcessFile } from "../../shared/manager_api/types.ts";
import type {
  BcsMessage,
  LocalFile,
  RemoteSource,
  TaskMessageType,
} from "./bcs_message.ts";

/**
 * Makes the daemon's request for the file that a message is about.
 *
 * @returns null if the message is about a variable.
 */
export function toProcessFile(
  message: BcsMessage<TaskMessageType>,
): ProcessFile | null {
  switch (message.Type) {
    case 1: {
      const { Base64 } = message.Local;
      return { ...toTarget(message.Local), Base64, Remote: null };
    }
    case 4:
      return {
        ...toTarget(message.Remote),
        Base64: null,
        Remote: toRemoteSource(message.Remote),
      };
    case 5: {
      const { Name, Value, Type } = message.Secret;
      // The original's are root's: here a process need not be root to read one.
      const target = { To: Name, Right: "r", User: "" } as const;
      return Type === 2 ? { ...target, Base64: Value, Remote: null } : null;
    }
    case 3:
    case 7:
      return null;
  }
}

/** Drops the scheme, which the address begins with. */
export function toRemoteSource(
  { From, RemoteUser, RemotePasswd }: RemoteSource,
): Omit<RemoteSource, "Type"> {
  return { From, RemoteUser, RemotePasswd };
}

function toTarget(
  { To, Right, User }: Pick<LocalFile, "To" | "Right" | "User">,
): Pick<ProcessFile, "To" | "Right" | "User"> {
  return { To, Right: Right === "rw" ? "rw" : "r", User };
}
