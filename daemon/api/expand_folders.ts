import type {
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
  const expand = (text: string) => expandText(text, folders);
  const expandOptional = (key: "RestartCmd" | "ReloadCmd" | "CheckCmd") => {
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
    Argv: info.Argv?.map(expand) ?? null,
    Envs: info.Envs?.map(expand) ?? null,
    Files: (info.Files ?? []).map((file) => expandFile(file, folders)),
    Uris: info.Uris?.map((uri) => ({
      ...uri,
      OutputDir: expand(uri.OutputDir),
    })) ?? null,
  };
}

/** The same for the path of a file; its content is left as it is. */
export function expandFile(
  file: ProcessFile,
  folders: BaseFolders,
): ProcessFile {
  return { ...file, To: expandText(file.To, folders) };
}

function expandText(
  text: string,
  { workBaseDir, runBaseDir }: BaseFolders,
): string {
  return text.replaceAll("${work_base_dir}", workBaseDir)
    .replaceAll("${run_base_dir}", runBaseDir);
}
