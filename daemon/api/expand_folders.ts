import type {
  ExecRequest,
  ProcessFile,
  ProcessInfo,
} from "../../shared/manager_api/types.ts";

/** What two placeholders in a process definition stand for. */
export interface BaseFolders {
  /** `${work_base_dir}` */
  readonly workBaseDir: string;
  /** `${run_base_dir}` */
  readonly runBaseDir: string;
}

/** Fills the daemon's folders in where paths and commands stand. */
export function expandFolders(
  info: ProcessInfo,
  folders: BaseFolders,
): ProcessInfo {
  const expand = expanderOf(folders);
  const expandOptional = (
    key: "RestartCmd" | "ReloadCmd" | "CheckCmd" | "LogPath",
  ) => {
    const text = info[key];
    return text === undefined ? {} : { [key]: expand(text) };
  };
  return {
    ...info,
    WorkDir: expand(info.WorkDir),
    PidFile: expand(info.PidFile),
    StartCmd: expand(info.StartCmd),
    StopCmd: expand(info.StopCmd),
    KillCmd: expand(info.KillCmd),
    ...expandOptional("RestartCmd"),
    ...expandOptional("ReloadCmd"),
    ...expandOptional("CheckCmd"),
    ...expandOptional("LogPath"),
    Argv: info.Argv?.map(expand) ?? null,
    Envs: info.Envs?.map(expand) ?? null,
    Files: (info.Files ?? []).map((file) => expandFile(file, folders)),
    Uris: info.Uris?.map((uri) => ({
      ...uri,
      OutputDir: expand(uri.OutputDir),
    })) ?? null,
  };
}

/** The same for one path. */
export function expandPath(path: string, folders: BaseFolders): string {
  return expanderOf(folders)(path);
}

/** The same for the path of a file; its content is left as it is. */
export function expandFile(
  file: ProcessFile,
  folders: BaseFolders,
): ProcessFile {
  return { ...file, To: expanderOf(folders)(file.To) };
}

/** The same for a command that is run beside a process. */
export function expandExecRequest(
  request: ExecRequest,
  folders: BaseFolders,
): ExecRequest {
  const expand = expanderOf(folders);
  return {
    ...request,
    Cmd: request.Cmd.map(expand),
    Envs: request.Envs.map(expand),
    WorkDir: expand(request.WorkDir),
  };
}

function expanderOf({ workBaseDir, runBaseDir }: BaseFolders) {
  return (text: string): string =>
    text.replaceAll("${work_base_dir}", workBaseDir)
      .replaceAll("${run_base_dir}", runBaseDir);
}
