#!/usr/bin/setsid /bin/sh
# shellcheck shell=sh
# The only program that the daemon may run, and the only one with privilege.
#
#   launcher.sh run        start one process, wait for it, record its end
#   launcher.sh signal     send a signal to processes whose identity still holds
#   launcher.sh probe      say what the kernel knows of some pids
#   launcher.sh watch      the same again and again, of those that are missing
#   launcher.sh pidfile    the same of the pid that a pid file names
#   launcher.sh sessions   signal whole sessions, say who is left in them
#   launcher.sh search     say in which of many sessions somebody is left
#   launcher.sh write      write one file of a process, as its owner
#   launcher.sh remove     remove one
#   launcher.sh folder     make a folder of a process, and links in it
#   launcher.sh unlink     remove such links
#   launcher.sh user       say what the host knows of a user
#   launcher.sh unpack     unpack a package, as a user without rights
#   launcher.sh link       show an unpacked package where a process wants it
#   launcher.sh has        say whether a package is there
#   launcher.sh discard    remove one, or such a link
#   launcher.sh limit      change the limits of a control group
#   launcher.sh oom        say whether the kernel killed for memory in one
#   launcher.sh ungroup    remove one
#   launcher.sh usage      say what processes use
#   launcher.sh punch      give the blocks of a log's oldest part back
#
# A request comes on stdin, line by line, in one fixed order; the answer goes to
# stdout. Nothing received is evaluated, sourced or expanded unquoted. An
# argument list is public, so it holds nothing but the verb. The daemon starts
# this with an empty environment; every tool is called by its absolute path.
# A session of its own, so that what ends the daemon's does not end this; not
# made by the daemon, whose memory would have to be forked for that.

# shellcheck disable=SC2015 # "a && b || fail": fail is meant for either

set -uf
umask 077
version=1
tools=/usr/bin
cgroups=/sys/fs/cgroup
# Processes from which on a host has so many that one search serves all who end.
crowd=1000
# The other parts, each read only by the requests that need it.
home=${0%/*}

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

# put FILE TEXT: the kernel refuses by an error of the write.
put() {
  printf '%s' "$2" >"$1"
} 2>/dev/null

# --- What the kernel says -----------------------------------------------------

# look PID: sets $pid $state $session $priority $start of a live process; fails
# if there is none. The name in the second field may hold anything, newlines and
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
  state=$1 session=$4 priority=${17} start=${20}
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

# crowded: succeeds on a host of many processes.
crowded() {
  set +f
  set -- /proc/[0-9]*
  set -f
  [ $# -ge "$crowd" ]
}

# owner PID: sets $owner to the real user of a process.
owner() {
  owner=
  while IFS=' 	' read -r key owner rest; do
    [ "$key" = Uid: ] && return 0
  done 2>/dev/null <"/proc/$1/status"
  return 1
}

# is_ours FOLDER: whether nobody else can exchange what is in there. Being
# sticky does not keep others from making what we were about to.
is_ours() {
  [ -O "$1" ] && text=$("$tools/stat" -L -c %A -- "$1") || return 1
  case $text in
    ?????w* | ????????w*) return 1 ;;
  esac
}

# same_boot ID: succeeds if the host has not been restarted since.
same_boot() {
  IFS= read -r boot </proc/sys/kernel/random/boot_id
  [ "$boot" = "$1" ]
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
  as_user
  field stdout
  out=$value
  field stderr
  err=$value
  settings
  kind=
  IFS= read -r value || value=
  joins=
  case $value in
    must-limit | may-limit)
      # shellcheck source=groups.sh
      . "$home/groups.sh"
      grouped "$value"
      IFS= read -r value || value=
      ;;
    join)
      joins=yes
      # shellcheck source=groups.sh
      . "$home/groups.sh"
      group
      IFS= read -r value || value=
      ;;
  esac
  [ "$value" = begin ] || fail "the request has no body"
  exec 2>>errors
  [ -z "$drop" ] || hand_logs
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
    [ -z "$kind" ] || remove_group
    exit 1
  }
  record_end "$status"
}

# hand_logs: makes the logs its user's: else it could write to them, but not
# open /dev/stderr. A link that he put in their place would lead root away.
hand_logs() {
  for folder in "${out%/*}" "${err%/*}"; do
    [ "$folder" = "${checked-}" ] || is_ours "$folder" ||
      fail "others may write in the folder $folder, where its logs are to be"
    checked=$folder
  done
  { true >>"$out" && true >>"$err"; } &&
    "$tools/chown" -- "$uid" "$out" "$err" || fail "cannot make the logs"
}

# id TEXT: succeeds for what may be a uid or gid. The largest number of 32 bits
# means "as it is" to the kernel, and so would be who we are: root.
id() {
  number "$1" && [ "$1" -le 4294967294 ]
}

# as_user: reads "user UID GID", or "user " for who we are, and sets $drop to the
# options that make setpriv become that user; empty if we are he.
as_user() {
  field user
  drop=
  [ -n "$value" ] || return 0
  IFS=' '
  # shellcheck disable=SC2086 # numbers, split on purpose; set -f
  set -- $value
  [ $# -eq 2 ] && id "$1" && id "$2" ||
    fail "the request has no user where it must stand"
  uid=$1 gid=$2
  owner "$$" || fail "cannot read /proc"
  [ "$uid" = "$owner" ] && return 0
  [ "$owner" = 0 ] ||
    fail "cannot act as uid $uid: the daemon is uid $owner and not root"
  drop="--reuid $uid --regid $gid --init-groups --inh-caps=-all"
}

# settings: reads what the process has of its own: its nice value, the
# adjustment of its OOM score, and how many files it may have open, bytes a core
# file, and processes its user ("-" = as we have it, "max" = no limit). Sets
# $nice $score, and $bounds to options of prlimit.
settings() {
  field settings
  IFS=' '
  # shellcheck disable=SC2086 # numbers, split on purpose; set -f
  set -- $value
  [ $# -eq 5 ] && number "${1#-}" && number "${2#-}" ||
    fail "the request has no settings where they must stand"
  nice=$1 score=$2 bounds=
  bound nofile "$3"
  bound core "$4"
  bound nproc "$5"
}

# bound NAME VALUE: adds to $bounds. Of open files the kernel has no "no limit",
# and the shell that starts the process needs some itself.
bound() {
  case $2 in
    -) return 0 ;;
    max) bound=unlimited ;;
    *) number "$2" && bound=$2 || fail "the request has no limit for $1" ;;
  esac
  if [ "$1" = nofile ]; then
    # Not by read: sysctls answer nobody who asks byte by byte.
    most=$("$tools/cat" /proc/sys/fs/nr_open) || fail "cannot read /proc"
    [ "$bound" != unlimited ] || bound=$most
    [ "$bound" -le "$most" ] ||
      fail "Rlimits.NoFile must be at most $most, the host's fs.nr_open"
    [ "$bound" -ge 64 ] ||
      fail "Rlimits.NoFile must be at least 64: less will not start a program"
  fi
  bounds="$bounds --$1=$bound:$bound"
}

# settle: in the child, with the privilege that this may take: gives it its
# settings. Mostly they are so already: then nothing is forked. A nice value or
# score of 0 is only what is usual: where it cannot be had, it stays as it is.
settle() {
  [ "$priority" = "$nice" ] ||
    "$tools/renice" -n "$nice" -p "$pid" >/dev/null 2>&1 || [ "$nice" = 0 ] ||
    fail "the daemon may not set Nice to $nice"
  IFS= read -r value </proc/self/oom_score_adj || value=
  [ "$value" = "$score" ] || put /proc/self/oom_score_adj "$score" ||
    [ "$score" = 0 ] || fail "the daemon may not set OomScoreAdj to $score"
  IFS=' '
  # shellcheck disable=SC2086 # $bounds is ours: numbers and option names
  [ -z "$bounds" ] ||
    text=$("$tools/prlimit" --pid "$pid" $bounds 2>&1) ||
    fail "cannot set Rlimits: ${text#prlimit: }"
}

# begin: in the child. Its pid stays that of the process through every exec.
# The identity is on disk before anything of the workload can run, and only one
# child can ever publish it in a run folder: a link, unlike a rename, refuses
# to replace what is there.
begin() {
  # The daemon may be gone: what it asked for is started all the same.
  trap '' PIPE
  look self || fail "cannot read /proc" >&3
  settle >&3
  same_boot ''
  printf '%s %s %s %s %s\n' "$version" "$boot" "$pid" "$start" "$launcher" \
    >"identity.$pid" || fail "cannot write in the run folder" >&3
  "$tools/ln" "identity.$pid" identity ||
    fail "this run folder was used before" >&3
  printf 'identity %s %s %s %s\n' "$boot" "$pid" "$start" "$launcher" \
    >&3 2>/dev/null
  # A group to join may be gone with its process: never mind.
  [ -z "$kind" ] || enter || [ -n "$joins" ] ||
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
  # A group that still answers has survivors; else the session is searched, in a
  # crowd by the daemon: each who looked through all would take all of the time.
  left=yes
  if ! kill -0 "-$child" 2>/dev/null; then
    if crowded; then
      left=unknown
    else
      members "$child"
      [ -n "$members" ] || left=no
    fi
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
    # Which exec would take for options of its own.
    -*/*) command=./$1 && return 0 ;;
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
  # stdout is the process's own by now.
  fail() { refuse 125 "$1"; }
  trap '' PIPE
  field dir
  dir=$value
  field umask
  case $value in
    [0-7][0-7][0-7]) mask=$value ;;
    *) refuse 125 "the request has no umask where it must stand" ;;
  esac
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
        "bash "PIPESTATUS | "bash "HISTCMD)
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
  umask "$mask"
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

# pidfile: reads "user UID", whose process it has to be ("user " = anybody's),
# and the file. A fifo or device would hang the reader (also one that took the
# place of a file that was looked at, hence nonblock), a huge file fill it. Who
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
  [ -z "$user" ] || [ "$user" = 0 ] || ! owner "$1" || [ "$owner" = "$user" ] ||
    fail "the pid file $file names a process of another user"
  same_boot ''
  printf 'boot %s\n' "$boot"
  describe "$1" yes
}

# sessions: sends a signal to all members (0 only looks). KILL is repeated,
# since a member may fork, until nothing is left or a second has passed. Those
# who fork faster than they are killed are brought to a stop first: whoever is
# stopped forks no more and keeps its place in a limit of processes. A session
# whose number now belongs to another leader is not ours: left alone.
sessions() {
  signal_name
  left=
  while identity; do
    same_boot "$id_boot" || continue
    look "$id_pid" && [ "$start" != "$id_start" ] && continue
    tries=50 how=$name
    members "$id_pid"
    while [ -n "$members" ]; do
      forks=
      for member in $members; do
        # The search may have taken long: once more, right before.
        [ "$name" != 0 ] && look "$member" && [ "$session" = "$id_pid" ] &&
          kill -s "$how" "$member" 2>/dev/null || continue
        [ "$state" = T ] || forks=yes
      done
      [ "$name" = KILL ] && [ "$tries" -gt 0 ] || break
      [ -n "$forks" ] && how=STOP || how=KILL
      "$tools/sleep" 0.02
      tries=$((tries - 1))
      members "$id_pid"
    done
    left="$left$members"
  done
  printf 'left%s\n' "$left"
}

# user: what the database of users, which may be on another host, has of one;
# "user " is who we are, who need not be in there. Of a number getent would take
# the lowest 32 bits, so that it could mean root.
user() {
  field user
  who=$value
  case $who in
    '') owner "$$" && who=$owner || fail "cannot read /proc" ;;
    *[!0-9\ +-]*) ;;
    *) id "$who" || return 0 ;;
  esac
  entry=$("$tools/getent" passwd -- "$who" 2>/dev/null)
  case $? in
    0) ;;
    2) entry= ;;
    *) fail "cannot ask for users with $tools/getent" ;;
  esac
  [ -n "$entry$value" ] ||
    entry=$who:x:$who:$("$tools/id" -g)::/:/bin/sh
  IFS=:
  # shellcheck disable=SC2086 # split on purpose; set -f
  set -- $entry
  [ $# -ge 4 ] && id "$3" && id "$4" || return 0
  printf 'account %s %s\nname %s\nhome %s\nshell %s\n' \
    "$3" "$4" "$1" "${6:-/}" "${7:-/bin/sh}"
}

verb=${1-}
case $verb in
  become) become ;;
  owner-*)
    verb=${verb#owner-} drop=
    # shellcheck source=files.sh
    . /proc/self/fd/8
    walk
    ;;
  unpacker)
    # shellcheck source=unpack.sh
    . /proc/self/fd/8
    unpacker
    ;;
  run | signal | probe | watch | pidfile | sessions | search | write | remove | \
    folder | unlink | user | unpack | link | has | discard | limit | oom | ungroup | \
    usage | punch)
    # What else the caller had open stays out of the workload's reach. There is
    # no closing of more than one digit in sh: the daemon opens nothing that it
    # would hand on.
    exec 3>&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
    IFS= read -r value && [ "$value" = "bcs-launcher $version" ] ||
      fail "the request is not of version $version"
    case $verb in
      watch)
        # shellcheck source=watch.sh
        . "$home/watch.sh"
        ;;
      search)
        # shellcheck source=search.sh
        . "$home/search.sh"
        ;;
      write | remove | folder | unlink)
        # shellcheck source=files.sh
        . "$home/files.sh"
        ;;
      unpack | link | has | discard)
        # shellcheck source=files.sh
        . "$home/files.sh"
        # shellcheck source=unpack.sh
        . "$home/unpack.sh"
        ;;
      limit | oom | ungroup)
        # shellcheck source=groups.sh
        . "$home/groups.sh"
        ;;
      usage)
        # shellcheck source=usage.sh
        . "$home/usage.sh"
        ;;
      punch)
        # shellcheck source=files.sh
        . "$home/files.sh"
        # shellcheck source=logs.sh
        . "$home/logs.sh"
        ;;
    esac
    "$verb"
    ;;
  *) fail "there is no such request" ;;
esac
