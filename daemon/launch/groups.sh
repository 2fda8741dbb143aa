# Control groups: the part of launcher.sh that makes, limits and removes them.
# shellcheck shell=sh
# shellcheck disable=SC2015 # as in launcher.sh, which reads this

# group: reads the name of a group and sets its folders $cpu, $memory and $pids
# (empty where that controller is missing), and $kind; that is empty, and $why
# says why, where the host has no controllers.
group() {
  field group
  case "/$value/" in
    *//* | */./* | */../* | *[!A-Za-z0-9_./-]*)
      fail "the request names no group" ;;
  esac
  group=$value pids=
  if [ -f "$cgroups/memory/memory.limit_in_bytes" ] &&
    [ -f "$cgroups/cpu/cpu.shares" ]; then
    kind=v1 memory=$cgroups/memory/$group cpu=$cgroups/cpu/$group
    [ ! -f "$cgroups/pids/cgroup.procs" ] || pids=$cgroups/pids/$group
    return 0
  fi
  kind=v2 memory=$cgroups/$group cpu=$cgroups/$group text=
  IFS= read -r text 2>/dev/null <"$cgroups/cgroup.controllers"
  case " $text " in
    *" pids "*) pids=$memory ;;
  esac
  case " $text / $text " in
    *" cpu "*/*" memory "*) return 0 ;;
  esac
  kind='' why="this host has no cpu and memory controllers in $cgroups"
}

# limits: reads four numbers, -1 = none: cpu shares (1024 = one cpu), cpu time
# in microseconds per 100 ms, memory in bytes, and processes and threads.
limits() {
  field limits
  IFS=' '
  # shellcheck disable=SC2086 # numbers, split on purpose; set -f
  set -- $value
  [ $# -eq 4 ] && number "${1#-}" && number "${2#-}" && number "${3#-}" &&
    number "${4#-}" ||
    fail "the request has no limits where they must stand"
  shares=$1 quota=$2 bytes=$3 count=$4
}

# limit_group: memory first, as only that may be refused: what is used already
# may be more. A group without a limit of processes need not count them.
limit_group() {
  why="the kernel refuses the limits in $memory"
  if [ "$kind" = v1 ]; then
    limit_memory || return 1
    [ "$shares" = -1 ] || put "$cpu/cpu.shares" "$shares" || return 1
    put "$cpu/cpu.cfs_period_us" 100000 &&
      put "$cpu/cpu.cfs_quota_us" "$quota" || return 1
  else
    [ "$bytes" != -1 ] && swap=0 || bytes=max swap=max
    put "$memory/memory.max" "$bytes" || return 1
    # Where the host has swap, and kernels from 4.19: these are there or not.
    put "$memory/memory.swap.max" "$swap"
    put "$memory/memory.oom.group" 1
    # 2 to 262144 shares are a weight of 1 to 10000.
    [ "$shares" = -1 ] ||
      put "$cpu/cpu.weight" $((1 + (shares - 2) * 9999 / 262142)) || return 1
    [ "$quota" != -1 ] || quota=max
    put "$cpu/cpu.max" "$quota 100000" || return 1
  fi
  [ -d "$pids" ] || return 0
  [ "$count" != -1 ] || count=max
  # What cannot be written there limits nothing.
  put "$pids/pids.max" "$count" || [ "$count" = max ]
}

# limit_memory: of version 1, where memory with swap (if that is counted) can
# never be limited to less than memory alone: it goes first when there is to be
# more, and last when less. Refused, all is as it was.
limit_memory() {
  IFS= read -r before 2>/dev/null <"$memory/memory.limit_in_bytes"
  swap=$memory/memory.memsw.limit_in_bytes
  [ ! -f "$swap" ] || put "$swap" "$bytes"
  put "$memory/memory.limit_in_bytes" "$bytes" || return 1
  [ ! -f "$swap" ] || put "$swap" "$bytes" || {
    put "$memory/memory.limit_in_bytes" "$before"
    return 1
  }
}

# is_there: whether there is such a group.
is_there() {
  [ -d "$memory" ] || [ -d "$cpu" ] || [ -d "$pids" ]
}

# remove_group: fails nothing while somebody is in it.
remove_group() {
  "$tools/rmdir" -- "$memory" "$cpu" ${pids:+"$pids"} 2>/dev/null
}

# make_group: with its limits, before anybody is in it. One that is there is
# another daemon's, or left by one whose data is gone: its count of kills is not
# ours, and new limits could kill who is in it.
make_group() {
  why="somebody is in the group $group already"
  ! is_there || remove_group
  ! is_there || return 1
  if [ "$count" != -1 ] && [ -z "$pids" ]; then
    why="this host has no pids controller in $cgroups"
    return 1
  fi
  why="the daemon may not make a group in $cgroups"
  # To enter one of version 1 takes long: that of pids only if it is needed.
  [ "$count" != -1 ] && wanted=$pids || wanted=
  (umask 022 &&
    exec "$tools/mkdir" -p -- "$memory" "$cpu" ${wanted:+"$wanted"} \
      2>/dev/null) || return 1
  above=$cgroups rest=$group
  # Version 2 hands controllers down from folder to folder.
  while [ "$kind" = v2 ]; do
    put "$above/cgroup.subtree_control" "+cpu +memory${pids:+ +pids}" ||
      return 1
    above=$above/${rest%%/*}
    case $rest in
      */*) rest=${rest#*/} ;;
      *) break ;;
    esac
  done
  limit_group
}

# killed_for_memory: fails as well where nobody counted.
killed_for_memory() {
  [ "$kind" = v1 ] && text=$memory/memory.oom_control || text=$memory/memory.events
  while IFS=' ' read -r key value; do
    [ "$key" = oom_kill ] && [ "$value" != 0 ] && return 0
  done 2>/dev/null <"$text"
  return 1
}

# grouped HOW: makes the group of a process that is about to start.
grouped() {
  group
  limits
  if [ -n "$kind" ]; then
    make_group && return
    remove_group
    kind=
  fi
  [ "$1" = may-limit ] || fail "its limits cannot be enforced: $why"
  printf 'unlimited %s\n' "$why"
}

# enter: moves this process into the group, before anything of the workload.
enter() {
  put "$memory/cgroup.procs" 0 || return 1
  [ "$kind" = v1 ] || return 0
  put "$cpu/cgroup.procs" 0 || return 1
  [ ! -d "$pids" ] || put "$pids/cgroup.procs" 0
}

# fits: version 1 refuses a limit below what is used and cannot be taken back;
# version 2 would kill.
fits() {
  [ "$kind" = v2 ] && [ "$bytes" != -1 ] || return 0
  used=0
  for try in 1 2; do
    IFS= read -r used 2>/dev/null <"$memory/memory.current"
    number "$used" && [ "$used" -le "$bytes" ] && return 0
    [ "$try" = 2 ] || put "$memory/memory.reclaim" $((used - bytes))
  done
  return 1
}

limit() {
  group
  limits
  [ -n "$kind" ] || fail "$why"
  [ -d "$memory" ] || fail "the group $group does not exist"
  [ "$count" = -1 ] || [ -f "$pids/pids.max" ] ||
    fail "it was started without a limit of processes, stop it first"
  fits || fail "it uses $used bytes of memory already"
  limit_group || fail "$why"
}

oom() {
  group
  ! killed_for_memory || printf 'oom\n'
}

# ungroup: what is just ending may still count for a moment.
ungroup() {
  group
  [ -n "$kind" ] || return 0
  tries=20
  while is_there; do
    remove_group
    [ "$tries" -gt 0 ] || fail "the group $group still has processes in it"
    tries=$((tries - 1))
    ! is_there || "$tools/sleep" 0.05
  done
}
