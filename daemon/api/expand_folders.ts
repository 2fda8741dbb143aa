import type { ProcessInfo } from "../../shared/manager_api/types.ts";

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
  { workBaseDir, runBaseDir }: BaseFolders,
): ProcessInfo {
  const expand = (text: string) =>
    text.replaceAll("${work_base_dir}", workBaseDir)
      .replaceAll("${run_base_dir}", runBaseDir);
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
    Uris: info.Uris?.map((uri) => ({
      ...uri,
      OutputDir: expand(uri.OutputDir),
    })) ?? null,
  };
}
