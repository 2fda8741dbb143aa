#!/bin/sh
# The only program that the daemon may run, and the only one with privilege.
#
#   launcher.sh run        start one process, wait for it, record its end
#   launcher.sh signal     send a signal to processes whose identity still holds
#   launcher.sh probe      say what the kernel knows of some pids
#   launcher.sh pidfile    the same of the pid that a pid file names
#   launcher.sh sessions   signal whole sessions, say who is left in them
#   launcher.sh write      write one file of a process, as its owner
#   launcher.sh remove     remove one
#   launcher.sh limit      change the limits of a control group
#   launcher.sh oom        say whether the kernel killed for memory in one
#   launcher.sh ungroup    remove one
#
# A request comes on stdin, line by line, in one fixed order; the answer goes to
# stdout. Nothing received is evaluated, sourced or expanded unquoted. An
# argument list is public, so it holds nothing but the verb. The daemon starts
# this with an empty environment; every tool is called by its absolute path.

# shellcheck disable=SC2015 # "a && b || fail": fail is meant for either

set -uf
umask 077
version=1
tools=/usr/bin
cgroups=/sys/fs/cgroup

# --- Requests -----------------------------------------------------------------

# fail TEXT: the answer to a request that cannot be carried out.
fail() {
  printf 'error %s\n' "$1"
  exit 1
}

# field NAME: reads the line "NAME value" and sets $value.
field() {
  IFS= read -r value || fail "the request ends before \"$1\""
  case $value in
    "$1 "*) value=${value#"$1 "} ;;
    *) fail "the request has no \"$1\" where it must stand" ;;
  esac
}

# number TEXT: succeeds for 1 to 18 digits.
number() {
  case $1 in
    '' | *[!0-9]* | ???????????????????*) return 1 ;;
  esac
}

# --- What the kernel says -----------------------------------------------------

# look PID: sets $pid $state $session $start of a live process; fails if
# there is none. The name in the second field may hold anything, newlines and
# parentheses too, so the fields are counted from the last parenthesis.
look() {
  text=
  while IFS= read -r line; do
    text="$text $line"
  done 2>/dev/null <"/proc/$1/stat"
  pid=${text%%" ("*}
  pid=${pid# }
  text=${text##*") "}
  IFS=' '
  # shellcheck disable=SC2086 # the kernel's numbers, split on purpose; set -f
  set -- $text
  [ $# -ge 20 ] || return 1
  state=$1 session=$4 start=${20}
  case $state in
    Z | X | x) return 1 ;;
  esac
}

# members SID: sets $members to the live processes of a session. One cut asks
# for the fields among which the session is, wherever the name puts it (up to
# 15 characters, spaces and newlines too). Mostly nobody has that number there
# and all is said; else, or if cut could not do its work (1 is a process that
# ended meanwhile), each process is looked at on its own.
members() {
  members=
  set +f
  fields=$("$tools/cut" -d ' ' -f 5-21 /proc/[0-9]*/stat 2>/dev/null)
  case "$?: $fields " in
    [01]:*[!0-9]"$1"[!0-9]* | [!01]*:* | ??*:*)
      for entry in /proc/[0-9]*; do
        look "${entry#/proc/}" && [ "$session" = "$1" ] &&
          members="$members $pid"
      done
      ;;
  esac
  set -f
}

# same_boot ID: succeeds if the host has not been restarted since.
same_boot() {
  IFS= read -r boot </proc/sys/kernel/random/boot_id
  [ "$boot" = "$1" ]
}

# --- Control groups -----------------------------------------------------------

# group: reads the name of a group and sets its folders $cpu and $memory, and
# $kind; that is empty, and $why says why, where the host has no controllers.
group() {
  field group
  case "/$value/" in
    *//* | */./* | */../* | *[!A-Za-z0-9_./-]*)
      fail "the request names no group" ;;
  esac
  group=$value
  if [ -f "$cgroups/memory/memory.limit_in_bytes" ] &&
    [ -f "$cgroups/cpu/cpu.shares" ]; then
    kind=v1 memory=$cgroups/memory/$group cpu=$cgroups/cpu/$group
    return 0
  fi
  kind=v2 memory=$cgroups/$group cpu=$cgroups/$group text=
  IFS= read -r text 2>/dev/null <"$cgroups/cgroup.controllers"
  case " $text / $text " in
    *" cpu "*/*" memory "*) return 0 ;;
  esac
  kind='' why="this host has no cpu and memory controllers in $cgroups"
}

# limits: reads three numbers, -1 = none: cpu shares (1024 = one cpu), cpu time
# in microseconds per 100 ms, and memory in bytes.
limits() {
  field limits
  IFS=' '
  # shellcheck disable=SC2086 # numbers, split on purpose; set -f
  set -- $value
  [ $# -eq 3 ] && number "${1#-}" && number "${2#-}" && number "${3#-}" ||
    fail "the request has no limits where they must stand"
  shares=$1 quota=$2 bytes=$3
}

# put FILE TEXT: the kernel refuses by an error of the write.
put() {
  printf '%s' "$2" >"$1"
} 2>/dev/null

# limit_group: memory first, as only that may be refused: what is used already
# may be more.
limit_group() {
  why="the kernel refuses the limits in $memory"
  if [ "$kind" = v1 ]; then
    put "$memory/memory.limit_in_bytes" "$bytes" || return 1
    [ "$shares" = -1 ] || put "$cpu/cpu.shares" "$shares" || return 1
    put "$cpu/cpu.cfs_period_us" 100000 &&
      put "$cpu/cpu.cfs_quota_us" "$quota"
    return
  fi
  [ "$bytes" != -1 ] || bytes=max
  [ "$quota" != -1 ] || quota=max
  put "$memory/memory.max" "$bytes" || return 1
  # 2 to 262144 shares are a weight of 1 to 10000.
  [ "$shares" = -1 ] ||
    put "$cpu/cpu.weight" $((1 + (shares - 2) * 9999 / 262142)) || return 1
  put "$cpu/cpu.max" "$quota 100000"
}

# is_there: whether there is such a group.
is_there() {
  [ -d "$memory" ] || [ -d "$cpu" ]
}

# make_group: with its limits, before anybody is in it. One that is there is
# another daemon's, or left by one whose data is gone: its count of kills is not
# ours, and new limits could kill who is in it.
make_group() {
  why="somebody is in the group $group already"
  ! is_there || "$tools/rmdir" -- "$memory" "$cpu" 2>/dev/null
  ! is_there || return 1
  why="the daemon may not make a group in $cgroups"
  (umask 022 && exec "$tools/mkdir" -p -- "$memory" "$cpu" 2>/dev/null) ||
    return 1
  above=$cgroups rest=$group
  # Version 2 hands controllers down from folder to folder.
  while [ "$kind" = v2 ]; do
    put "$above/cgroup.subtree_control" "+cpu +memory" || return 1
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
    "$tools/rmdir" -- "$memory" "$cpu" 2>/dev/null
    kind=
  fi
  [ "$1" = may-limit ] || fail "its limits cannot be enforced: $why"
  printf 'unlimited %s\n' "$why"
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
    "$tools/rmdir" -- "$memory" "$cpu" 2>/dev/null
    [ "$tries" -gt 0 ] || fail "the group $group still has processes in it"
    tries=$((tries - 1))
    ! is_there || "$tools/sleep" 0.05
  done
}

# --- run ----------------------------------------------------------------------

# run: this shell stays the parent of one process, outlives the daemon, and
# records the end. Of the request it reads what needs privilege; the rest
# (folder, environment, arguments) is left in the pipe for the last stage.
run() {
  field folder
  case $value in
    /*) ;;
    *) fail "cannot enter the run folder" ;;
  esac
  cd "$value" || fail "cannot enter the run folder"
  field user
  user=$value
  field stdout
  out=$value
  field stderr
  err=$value
  kind=
  IFS= read -r value || value=
  joins=
  case $value in
    must-limit | may-limit)
      grouped "$value"
      IFS= read -r value || value=
      ;;
    join)
      joins=yes
      group
      IFS= read -r value || value=
      ;;
  esac
  [ "$value" = begin ] || fail "the request has no body"
  exec 2>>errors
  as_user
  # Else it could write to its logs, but not open /dev/stderr.
  [ -z "$drop" ] ||
    { "$tools/touch" -- "$out" "$err" &&
      "$tools/chown" -- "$uid" "$out" "$err"; } || fail "cannot make the logs"
  trap '' HUP INT TERM
  look "$$" || fail "cannot read /proc"
  launcher="$$ $start"
  # Copies for the child: 3 the answer, 4 the request, 9 this script.
  exec 3>&1 4<&0 9<"$0"
  begin <&4 >>"$out" 2>>"$err" 4<&- &
  child=$!
  exec </dev/null >/dev/null 3>&- 4<&- 9<&-
  wait "$child"
  status=$?
  # Only of what this launcher started: the folder may have been used before.
  IFS=' ' read -r _ _ value _ <identity && [ "$value" = "$child" ] || {
    [ -z "$kind" ] || "$tools/rmdir" -- "$memory" "$cpu" 2>/dev/null
    exit 1
  }
  record_end "$status"
}

# as_user: sets $drop to the options that make setpriv become $user; empty if
# the process stays who we are. The lookup asks NSS, not /etc/passwd.
as_user() {
  drop=
  [ -n "$user" ] || return 0
  uid=$("$tools/id" -u -- "$user" 2>/dev/null) &&
    gid=$("$tools/id" -g -- "$user" 2>/dev/null) ||
    fail "the user \"$user\" does not exist on this host"
  me=$("$tools/id" -u)
  [ "$uid" = "$me" ] && return 0
  [ "$me" = 0 ] ||
    fail "cannot act as \"$user\": the daemon is uid $me and not root"
  drop="--reuid $uid --regid $gid --init-groups --inh-caps=-all"
}

# begin: in the child. Its pid stays that of the process through every exec.
# The identity is on disk before anything of the workload can run, and only one
# child can ever publish it in a run folder: a link, unlike a rename, refuses
# to replace what is there.
begin() {
  # The daemon may be gone: what it asked for is started all the same.
  trap '' PIPE
  look self || fail "cannot read /proc" >&3
  same_boot ''
  printf '%s %s %s %s %s\n' "$version" "$boot" "$pid" "$start" "$launcher" \
    >"identity.$pid" || fail "cannot write in the run folder" >&3
  "$tools/ln" "identity.$pid" identity ||
    fail "this run folder was used before" >&3
  printf 'identity %s %s %s %s\n' "$boot" "$pid" "$start" "$launcher" \
    >&3 2>/dev/null
  # A group to join may be gone with its process: never mind.
  [ -z "$kind" ] ||
    { put "$cpu/cgroup.procs" 0 && put "$memory/cgroup.procs" 0; } ||
    [ -n "$joins" ] ||
    fail "cannot enter the group $group" >&3
  IFS=' '
  # A session of its own; an empty environment and default signal actions
  # (background jobs of a shell ignore SIGINT and SIGQUIT); then the user.
  # shellcheck disable=SC2086 # $drop is ours: digits and option names
  exec "$tools/setsid" "$tools/env" -i --default-signal \
    ${drop:+"$tools/setpriv" $drop} /bin/sh /proc/self/fd/9 become
}

# record_end STATUS: a shell reports signal 9 and exit code 137 alike; its list
# of jobs tells them apart (dash, busybox; bash does not keep it, there every
# status above 128 counts as a signal).
record_end() {
  jobs >ended
  IFS= read -r value <ended || value=
  case $value in
    *Done*) how=exited code=$1 ;;
    *) if [ "$1" -gt 128 ]; then
      how=signalled code=$(($1 - 128))
    else
      how=exited code=$1
    fi ;;
  esac
  # A group that still answers has survivors; else the session is searched.
  left=yes
  if ! kill -0 "-$child" 2>/dev/null; then
    members "$child"
    [ -n "$members" ] || left=no
  fi
  oom=
  [ -z "$kind" ] || ! killed_for_memory || oom=' oom'
  printf '%s %s %s %s%s\n' "$version" "$how" "$code" "$left" "$oom" >exit.new
  exec "$tools/mv" exit.new exit
}

# --- become: the last stage, already the target user ---------------------------

# refuse CODE TEXT: told to the daemon and, should it be away, to the log.
refuse() {
  printf 'error %s\n' "$2" >&3 2>/dev/null
  printf 'bcs-process: %s\n' "$2" >&2
  exit "$1"
}

# item: reads one value: a line "=text" and "+text" for each line after it.
# $pending holds the line that was read ahead.
item() {
  case $pending in
    =*) value=${pending#=} ;;
    *) refuse 125 "the request has no value where it must stand" ;;
  esac
  while IFS= read -r pending; do
    case $pending in
      +*) value="$value
${pending#+}" ;;
      *) return 0 ;;
    esac
  done
  refuse 125 "the request was cut"
}

# program NAME PATH: sets $command to the program. A name without a slash is
# looked for in the folders of PATH (absolute ones: the shell's own search would
# take what happens to lie in the work folder); empty if it is in none.
program() {
  command=$1
  case $1 in
    */*) return 0 ;;
  esac
  IFS=:
  for command in $2; do
    command=$command/$1
    case $command in
      /*) [ -f "$command" ] && [ -x "$command" ] && return 0 ;;
    esac
  done
  command=
}

# become: environment and arguments are gathered as positional parameters and
# exported at the very end, when no variable of this script matters any more:
# no name that the workload uses can reach a step before it.
become() {
  trap '' PIPE
  field dir
  dir=$value
  field env
  number "$value" || refuse 125 "the request has no number of variables"
  left=$value
  path=$tools:/bin
  set --
  IFS= read -r pending || refuse 125 "the request was cut"
  while [ "$left" -gt 0 ]; do
    item
    # What the shell itself keeps there, it would refuse or replace.
    case ${BASH_VERSION:+bash }${value%%=*} in
      "bash BASH_ENV") ;;
      OPTIND | "bash "BASH* | "bash "[EPU]*ID | "bash "SHELLOPTS | \
        "bash "OPTIND | "bash "*RANDOM | "bash "*SECONDS | "bash "EPOCH* | \
        "bash "LINENO | "bash "GROUPS | "bash "DIRSTACK | "bash "FUNCNAME | \
        "bash "PIPESTATUS)
        refuse 125 "the environment variable ${value%%=*} is the shell's own" ;;
    esac
    case ${value%%=*} in
      '' | "$value" | [0-9]* | *[!A-Za-z0-9_]*)
        refuse 125 "an environment variable has no valid name" ;;
      PATH) path=${value#PATH=} ;;
    esac
    set -- "$@" "$value"
    left=$((left - 1))
  done
  set -- "$@" --
  case $pending in
    "argv "*) left=${pending#argv } ;;
    *) refuse 125 "the request has no arguments" ;;
  esac
  number "$left" && [ "$left" -gt 0 ] || refuse 125 "there is no command"
  IFS= read -r pending || refuse 125 "the request was cut"
  item
  program "$value" "$path"
  set -- "$@" "$command"
  while [ "$left" -gt 1 ]; do
    item
    set -- "$@" "$value"
    left=$((left - 1))
  done
  [ "$pending" = end ] || refuse 125 "the request was cut"
  exec </dev/null 9<&-
  cd "$dir" || refuse 126 "cannot enter the work folder $dir"
  [ -n "$command" ] || refuse 127 "there is no such program in PATH"
  [ -e "$command" ] || refuse 127 "the command $command does not exist"
  [ -f "$command" ] && [ -x "$command" ] ||
    refuse 126 "the command $command is not an executable file"
  umask 022
  printf 'exec\n' >&3 2>/dev/null
  exec 3>&-
  trap - PIPE
  unset PWD OLDPWD SHLVL PATH IFS
  while [ "$1" != -- ]; do
    # shellcheck disable=SC2163 # the text is NAME=value, its name was checked
    export "$1"
    shift
  done
  shift
  exec "$@"
}

# --- Requests about running processes -----------------------------------------

# identity: reads "identity BOOT PID START" and sets $id_boot $id_pid $id_start;
# fails at "end".
identity() {
  IFS= read -r value || fail "the request was cut"
  [ "$value" = end ] && return 1
  case $value in
    "identity "*" "*" "*) ;;
    *) fail "the request has no identity where it must stand" ;;
  esac
  value=${value#identity }
  id_boot=${value%% *}
  value=${value#* }
  id_pid=${value%% *}
  id_start=${value#* }
  number "$id_pid" && number "$id_start" && [ "$id_pid" -gt 1 ] ||
    fail "an identity needs a pid above 1 and a start time"
}

# holds: succeeds if the identity last read is that of a live process.
holds() {
  same_boot "$id_boot" && look "$id_pid" && [ "$start" = "$id_start" ]
}

# signal_name: reads the signal to send into $name, such as TERM; 0 sends none.
signal_name() {
  field signal
  case $value in
    '' | *[!A-Z0-9]*) fail "the request names no signal" ;;
  esac
  name=$value
}

# signal: check and kill stand side by side, in this one process.
signal() {
  signal_name
  while identity; do
    if holds && kill -s "$name" "$id_pid" 2>/dev/null; then
      printf 'sent %s\n' "$id_pid"
    else
      printf 'gone %s\n' "$id_pid"
    fi
  done
}

# describe PID WITH_EXE: one line of facts.
describe() {
  if look "$1"; then
    exe=
    [ "$2" = no ] || exe=$("$tools/readlink" "/proc/$1/exe")
    exe=${exe%" (deleted)"}
    case $exe in
      *"
"*) exe= ;; # It could pose as another line of the answer.
    esac
    printf 'process %s %s %s %s %s\n' \
      "$pid" "$state" "$start" "$session" "${exe##*/}"
  else
    printf 'gone %s\n' "$1"
  fi
}

probe() {
  field exe
  with_exe=$value
  same_boot ''
  printf 'boot %s\n' "$boot"
  while IFS= read -r value && [ "$value" != end ]; do
    number "$value" || fail "the request has no pid where it must stand"
    describe "$value" "$with_exe"
  done
}

# owner PID: sets $uid to the real user of a process.
owner() {
  uid=
  while IFS=' 	' read -r key uid rest; do
    [ "$key" = Uid: ] && return 0
  done 2>/dev/null <"/proc/$1/status"
  return 1
}

# pidfile: a fifo or device would hang the reader (also one that took the place
# of a file that was looked at, hence nonblock), a huge file fill it. Who
# writes the file must not be able to name somebody else's process in it.
pidfile() {
  field user
  user=$value
  field file
  [ -f "$value" ] || fail "there is no pid file $value"
  file=$value
  text=$("$tools/dd" if="$file" bs=64 count=1 iflag=nonblock 2>/dev/null) ||
    fail "cannot read the pid file $file"
  IFS='	
 '
  # shellcheck disable=SC2086 # white space around the number is dropped; set -f
  set -- $text
  [ $# -eq 1 ] && number "$1" && [ "$1" -gt 1 ] ||
    fail "the pid file $file does not hold one pid above 1"
  if [ -n "$user" ]; then
    expected=$("$tools/id" -u -- "$user" 2>/dev/null) ||
      fail "the user \"$user\" does not exist on this host"
    [ "$expected" = 0 ] || ! owner "$1" || [ "$uid" = "$expected" ] ||
      fail "the pid file $file names a process of another user"
  fi
  same_boot ''
  printf 'boot %s\n' "$boot"
  describe "$1" yes
}

# sessions: sends a signal to all members (0 only looks). KILL is repeated,
# since a member may fork, until nothing is left or a second has passed. A
# session whose number now belongs to another leader is not ours: left alone.
sessions() {
  signal_name
  left=
  while identity; do
    same_boot "$id_boot" || continue
    look "$id_pid" && [ "$start" != "$id_start" ] && continue
    tries=50
    members "$id_pid"
    while [ -n "$members" ]; do
      for member in $members; do
        # The search may have taken long: once more, right before.
        [ "$name" != 0 ] && look "$member" && [ "$session" = "$id_pid" ] &&
          kill -s "$name" "$member" 2>/dev/null
      done
      [ "$name" = KILL ] && [ "$tries" -gt 0 ] || break
      "$tools/sleep" 0.02
      tries=$((tries - 1))
      members "$id_pid"
    done
    left="$left$members"
  done
  printf 'left%s\n' "$left"
}

# --- Files of processes -------------------------------------------------------

# write, remove: one file below a folder that the operator allows. Privilege is
# used only in folders that are the daemon's own, where nobody else can exchange
# what was just looked at. From the first that is not, and for the file itself,
# its owner does the rest, so that the kernel decides what he may.
write() {
  field user
  user=$value
  as_user
  field root
  case $value in
    /*) ;;
    *) fail "the request has no folder to begin in" ;;
  esac
  cd -P -- "$value" 2>/dev/null || fail "the folder $value cannot be entered"
  walk
}
remove() { write; }

# walk: enters the folders of the request one by one. The stage of the owner
# takes up where it stands and reads on from the same pipe.
walk() {
  arrive || fail "the folder where the file begins has no path"
  while :; do
    [ -z "$drop" ] || is_ours || as_owner
    IFS= read -r value || fail "the request was cut"
    case $value in
      "folder "*)
        name=${value#folder }
        step
        ;;
      owner) [ -z "$drop" ] || as_owner ;;
      "file "*) break ;;
      *) fail "the request names no file where it must stand" ;;
    esac
  done
  name=${value#file }
  plain
  [ ! -L "./$name" ] && { [ -f "./$name" ] || [ ! -e "./$name" ]; } ||
    fail "$here/$name is there and is no regular file"
  "${verb}_file"
}

# is_ours: whether nobody else can exchange what is in the folder where we are.
# Being sticky does not keep others from making what we were about to.
is_ours() {
  [ -O . ] && text=$("$tools/stat" -c %A .) || return 1
  case $text in
    ?????w* | ????????w*) return 1 ;;
  esac
}

# plain: a name must not lead anywhere else by itself.
plain() {
  case $name in
    '' | . | .. | */*) fail "the request has a path where a name must stand" ;;
  esac
}

# arrive: sets $here to where the kernel says that we are. $PWD will not do: bash
# works it out before it goes there, and a link may take the place meanwhile.
arrive() {
  here=$("$tools/pwd" -P 2>/dev/null) && here=${here%/}
}

# step: a link shows by where it led.
step() {
  plain
  if [ ! -e "./$name" ] && [ ! -L "./$name" ]; then
    [ "$verb" = write ] || exit 0
    "$tools/mkdir" -m 755 -- "./$name" 2>/dev/null &&
      { [ -z "$drop" ] || "$tools/chown" -- "$uid:$gid" "./$name"; } ||
      fail "cannot make the folder $here/$name"
  fi
  above=$here
  cd -P -- "./$name" 2>/dev/null && arrive && [ "$here" = "$above/$name" ] ||
    fail "$above/$name is a link, no folder, or closed to the file's owner"
}

# as_owner: goes on as the file's owner, in the folder where we are.
as_owner() {
  exec 9<"$0"
  IFS=' '
  # shellcheck disable=SC2086 # $drop is ours: digits and option names
  exec "$tools/setpriv" $drop /bin/sh /proc/self/fd/9 "owner-$verb"
}

# write_file: under a name of its own first, then in one step over the old one.
# "new" is waited for by the daemon, which remembers it before the file exists.
write_file() {
  field mode
  case $value in
    440 | 660) mode=$value ;;
    *) fail "the request has no mode that a file may have" ;;
  esac
  field size
  number "$value" || fail "the request has no size"
  size=$value
  if [ -e "./$name" ]; then printf 'old\n'; else printf 'new\n'; fi
  draft=.bcs-process.$$
  "$tools/rm" -f -- "./$draft"
  [ ! -e "./$draft" ] && [ ! -L "./$draft" ] ||
    fail "$here/$draft is in the way and cannot be removed"
  # It goes as well when nobody is there any more to hear of a failure.
  trap '' PIPE
  trap '"$tools/rm" -f -- "./$draft"' EXIT
  # What the shell or a tool says ends with the kernel's reason.
  text=$( (set -C && fill 8>"./$draft") 2>&1) ||
    fail "cannot write in ${here:-/}: ${text##*: }"
  "$tools/mv" -fT -- "./$draft" "./$name" || fail "cannot write $here/$name"
  printf 'written\n'
}

# fill: the draft has no name here, as somebody else may exchange what bears it.
# It is new if it is a file: that is all that noclobber (set -C) sees to.
fill() {
  new=/proc/self/fd/8
  [ -f "$new" ] || { printf 'it was exchanged' && return 1; }
  "$tools/base64" -d >&8 || return 1
  [ "$("$tools/stat" -L -c %s "$new")" -eq "$size" ] ||
    { printf 'the content was cut' && return 1; }
  "$tools/chmod" "$mode" "$new"
}

remove_file() {
  "$tools/rm" -f -- "./$name" 2>/dev/null || fail "cannot remove $here/$name"
}

verb=${1-}
case $verb in
  become) become ;;
  owner-*)
    verb=${verb#owner-} drop=
    walk
    ;;
  run | signal | probe | pidfile | sessions | write | remove | limit | oom | ungroup)
    # Whatever else the caller had open stays out of the workload's reach.
    exec 3>&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
    IFS= read -r value && [ "$value" = "bcs-launcher $version" ] ||
      fail "the request is not of version $version"
    "$verb"
    ;;
  *) fail "there is no such request" ;;
esac
