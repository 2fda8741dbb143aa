# Packages of processes: the part of launcher.sh that unpacks and places them.
# shellcheck shell=sh
# shellcheck disable=SC2015 # as in launcher.sh, which reads this

# Most files, folders and links of one package.
entries_most=200000
# Most memory of each program that unpacks, bytes.
unpacker_memory=2147483648
nl='
'

# bounds: reads the most that a package may unpack to.
bounds() {
  field bytes
  number "$value" || fail "the request has no size"
  bytes=$value
  too_large="it unpacks to more than $bytes bytes, all that \
package_unpacked_mib and its packed size allow"
}

# own_place: enters the folders of the request. All have to be the daemon's own:
# nobody else can exchange what is looked at, or come in before it is finished.
# Leaves the line after them in $value.
own_place() {
  drop='' me=$("$tools/id" -u)
  field root
  case $value in
    /*) ;;
    *) fail "the request has no folder to begin in" ;;
  esac
  cd -P -- "$value" 2>/dev/null || fail "the folder $value cannot be entered"
  arrive || fail "the folder of the package has no path"
  while :; do
    is_ours . ||
      fail "${here:-/} is not the daemon's own, or others may write there"
    IFS= read -r value || fail "the request was cut"
    case $value in
      "folder "*)
        name=${value#folder }
        step
        ;;
      *) break ;;
    esac
  done
  draft=.bcs-process.unpack.$$
  tidy
}

# tidy: removes what launchers left here that were killed at their work.
tidy() {
  set +f
  for left in ./.bcs-process.unpack.*; do
    [ "${left##*.}" != "$$" ] && look "${left##*.}" || wipe "$left"
  done
  set -f
}

# wipe PATH: removes a tree. Who was killed at work in it may need a moment.
wipe() {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    [ -e "$1" ] || [ -L "$1" ] || return 0
    [ "$me" = 0 ] || "$tools/chmod" -R u+rwX -- "$1" 2>/dev/null
    "$tools/rm" -rf -- "$1" 2>/dev/null && return 0
    "$tools/sleep" "0.$try"
  done
  return 1
}

# in_the_way: what is there and was not made by the daemon is never replaced.
in_the_way() {
  fail "$here/$name is there and was not made for this package: \
remove it, or choose another OutputDir"
}

# --- unpack -------------------------------------------------------------------

# unpack: in a folder that nobody can reach, as a user without rights; then the
# tree is looked through, given to the user of the process, and renamed.
unpack() {
  me=$("$tools/id" -u)
  as_user
  [ -n "$value" ] || { uid=$me gid=$("$tools/id" -g); }
  heir=$uid heirs=$gid
  # The second one is who unpacks.
  as_user
  [ "$me" != 0 ] || [ -n "$drop" ] ||
    fail "packages must not be unpacked by root: name another package_user"
  by=${drop:+$uid} by_drop=$drop
  field archive
  archive=$value
  [ -f "$archive" ] && [ -r "$archive" ] || fail "there is no file $archive"
  bounds
  field file
  file=$value name=$value
  plain
  own_place
  destination
  worker='' watcher=''
  trap '' PIPE
  trap 'abandon' EXIT
  trap 'exit 1' TERM
  wipe "./$draft" && "$tools/mkdir" -m 700 "./$draft" "./$draft/tree" \
    2>/dev/null &&
    { [ -z "$by" ] || "$tools/chown" "$by" "./$draft/tree"; } ||
    fail "cannot make a folder in ${here:-/}"
  for_zip
  work
  text=$(cd "./$draft/tree" && look_through && hand_over) || fail "$text"
  [ -z "$aside" ] || [ ! -e "./$name" ] ||
    { wipe "./$aside" && "$tools/mv" -T -- "./$name" "./$aside"; } ||
    fail "cannot put $here/$name aside as $aside"
  printf 'ready %s\n' "$name"
  # Whoever asked remembers it before it is there.
  IFS= read -r value && [ "$value" = publish ] || exit 1
  "$tools/mv" -nT -- "./$draft/tree" "./$name" 2>/dev/null
  if [ -e "./$draft/tree" ]; then
    # A tree of that name has just this content, whoever was quicker; a folder
    # that came in the place of a copy is somebody's.
    [ ! -e "./$name" ] || { [ -z "$copy" ] && [ -d "./$name" ]; } || in_the_way
    [ -d "./$name" ] || fail "cannot make $here/$name"
  fi
  printf 'placed\n'
}

# destination: "tree SUM" is named by content and user, and good for all who
# want that; "copy NAME" is one process's, and what it was is put aside.
destination() {
  aside='' copy=''
  case $value in
    "tree "*)
      name=${value#tree }-$heir
      plain
      [ ! -d "./$name" ] || {
        printf 'there %s\n' "$name"
        exit 0
      }
      ;;
    "copy "*)
      field_name copy
      copy=$name
      field aside
      aside=$value
      [ -z "$aside" ] || { name=$aside && plain; }
      name=$copy
      [ ! -e "./$name" ] && [ ! -L "./$name" ] ||
        { [ -n "$aside" ] && [ -d "./$name" ] && [ ! -L "./$name" ]; } ||
        in_the_way
      ;;
    *) fail "the request names no package where it must stand" ;;
  esac
}

# field_name NAME: sets $name to what the line in $value has after NAME.
field_name() {
  case $value in
    "$1 "*) name=${value#"$1 "} ;;
    *) fail "the request has no \"$1\" where it must stand" ;;
  esac
  plain
}

# for_zip: unzip opens its file by name, also by that of a descriptor, and what
# the daemon keeps is closed to the unpacker: it gets a copy.
for_zip() {
  text=$("$tools/od" -A n -t x1 -N 2 -- "$archive")
  [ -n "$by" ] && [ "$text" = ' 50 4b' ] || return 0
  "$tools/cp" --reflink=auto -- "$archive" "./$draft/archive" &&
    "$tools/chown" "$by" "./$draft/archive" ||
    fail "cannot copy the package into ${here:-/}"
  archive=./$draft/archive
}

# work: runs the unpacker in a session of its own, and ends it when whoever
# asked is gone: then the request's pipe ends.
work() {
  # A capability that is of no use here keeps other processes of that user from
  # reaching into this one, and through /proc into its folder.
  guard='--inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service'
  IFS=' '
  # shellcheck disable=SC2086 # option names, split on purpose; set -f
  [ -z "$by" ] || "$tools/setpriv" $guard "$tools/true" 2>/dev/null ||
    guard=--inh-caps=-all
  by_drop=${by_drop% --inh-caps=-all}
  # Room for what the unpacker says: the disk may be full by then.
  printf '%1000s\n' '' 2>/dev/null >"./$draft/said" ||
    fail "cannot write into ${here:-/}: its disk may be full"
  exec 4<&0
  # shellcheck disable=SC2086 # the same
  printf 'bytes %s\nfile %s\n' "$bytes" "$file" | (
    exec 3<"$archive" 4<"$archive" 5<"$archive" 6<"$archive" \
      8<"$home/unpack.sh" 9<"$0"
    cd "./$draft/tree" && exec "$tools/setsid" "$tools/env" -i \
      --default-signal LC_ALL=C \
      ${by:+"$tools/setpriv" $by_drop $guard --no-new-privs} \
      "$tools/prlimit" --fsize="$bytes" --core=0 --as="$unpacker_memory" \
      /bin/sh /proc/self/fd/9 unpacker
  ) 1<>"./$draft/said" 2>/dev/null 4<&- &
  worker=$!
  { read -r _ || kill -s TERM "$$"; } <&4 >/dev/null &
  watcher=$!
  exec 4<&-
  wait "$worker"
  status=$? ended=$worker
  worker=
  kill -s KILL "-$ended" 2>/dev/null
  kill -s KILL "$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null
  watcher=
  [ "$status" -ne 0 ] || return 0
  IFS=' ' read -r text <"./$draft/said" || text=
  fail "${text:-it cannot be unpacked (the unpacker ended with $status)}"
}

# abandon: what is not finished leaves nothing behind.
abandon() {
  trap '' TERM
  [ -z "$watcher" ] || kill -s KILL "$watcher" 2>/dev/null
  [ -z "$worker" ] || kill -s KILL "$worker" "-$worker" 2>/dev/null
  wipe "./$draft"
}

# first: the first of the tree that find's arguments describe, fit to be shown.
first() {
  "$tools/find" -P . -mindepth 1 "$@" -printf '%P' -quit |
    "$tools/tr" -c ' -~' '?' | "$tools/head" -c 200
}

# look_through: what the unpacker left, whatever the archive or it may be.
look_through() {
  text=$(first \( ! -type f ! -type d ! -type l \))
  [ -z "$text" ] ||
    { printf '%s' "it holds \"$text\", no file, folder or link" && return 1; }
  text=$(first ! -type l -perm /7000)
  [ -z "$text" ] ||
    { printf '%s' "\"$text\" has a setuid, setgid or sticky bit" && return 1; }
  text=$(first ! -uid "${by:-$me}")
  [ -z "$text" ] ||
    { printf '%s' "\"$text\" is not the unpacker's" && return 1; }
  # The kernel's own way through links of links, not what their texts say.
  text=$("$tools/find" -P . -type l \( -lname '/*' -printf '%l\0' -o \
    -exec "$tools/realpath" -mz --relative-base=. -- {} + \) |
    "$tools/tr" '\0\n' '\n?' | "$tools/grep" -a -m 1 '^/' |
    "$tools/tr" -c ' -~' '?' | "$tools/head" -c 200)
  [ -z "$text" ] || {
    printf '%s' "it holds a link that leads out of it: \"${text%\?}\""
    return 1
  }
  # Whoever has a file elsewhere too would keep it when it changes hands.
  # shellcheck disable=SC2016 # awk's own $
  "$tools/find" -P . -type f -printf '%i %n %s\n' -o -printf '-\n' |
    "$tools/awk" -v bytes="$bytes" -v most="$entries_most" \
    -v too_large="$too_large" '
      $1 != "-" && !names[$1]++ { links[$1] = $2; size += $3 }
      END {
        for (file in names) if (names[file] != links[file]) bad = 1
        if (bad) print "it shares a file with something else"
        else if (NR - 1 > most) print "it has more than " most " entries"
        else if (size > bytes + 0) print too_large
        else exit 0
        exit 1
      }'
}

# hand_over: with the modes that every package has; on disk before it has its
# name, as it must not be found half empty after a power failure.
hand_over() {
  { "$tools/chmod" -R u=rwX,go=rX . &&
    { [ "$me" != 0 ] || "$tools/chown" -hR "$heir:$heirs" .; } &&
    "$tools/sync" -f .; } 2>/dev/null ||
    { printf '%s' "it cannot be given to its user" && return 1; }
}

# --- unpacker: already the user without rights, in the new folder ---------------

# said TEXT: why it ends.
said() {
  printf '%.900s\n' "$1"
  exit 1
}

# unpacker: 3 to 6 are the package, each at its beginning. Its kind is what it
# begins with, whatever it is called.
unpacker() {
  bounds
  field file
  file=$value
  exec </dev/null
  magic=$("$tools/od" -A n -v -t x1 -N 262 <&6 | "$tools/tr" -d ' \n')
  case $magic in
    1f8b*) packer=gzip ;;
    425a68*) packer=bzip2 ;;
    fd377a585a00*) packer=xz ;;
    28b52ffd*) packer=zstd ;;
    504b0304* | 504b0506*) packer=unzip ;;
    # "ustar" at 257: all that is written since 1988.
    *7573746172) packer=tar ;;
    *) packer=none ;;
  esac
  [ "$packer" != tar ] || [ ${#magic} -eq 524 ] || packer=none
  [ "$packer" = none ] || [ -x "$tools/$packer" ] ||
    said "it needs the program $packer: install that on this host"
  case $packer in
    unzip) unpack_zip ;;
    tar) unpack_tar ;;
    none) keep ;;
    *)
      options=-dc
      [ "$packer" != xz ] || options='-dc -M 1GiB'
      text=$(unpacked <&3 2>/dev/null | "$tools/head" -c 262 |
        "$tools/tail" -c 5 | "$tools/tr" -d '\0')
      [ "$text" != ustar ] || unpack_tar
      # Nothing but a packed file: it stays as it is.
      text=$("$tools/$packer" -t <&4 2>&1 >/dev/null) ||
        said "it is damaged: $packer says: ${text##*"$nl"}"
      keep
      ;;
  esac
}

# unpacked: from stdin to stdout.
unpacked() {
  [ "$packer" != tar ] || exec "$tools/cat"
  IFS=' '
  # shellcheck disable=SC2086 # option names, split on purpose; set -f
  exec "$tools/$packer" $options
}

# keep: what is no archive appears under its own name.
keep() {
  text=$("$tools/cat" <&5 2>&1 >"./$file") ||
    said "cannot write \"$file\": ${text##*: }"
  exit 0
}

# unpack_tar: tar says what it is about to write, and is ended for what must not
# be. Nothing gets out meanwhile: tar goes through no link that leads elsewhere,
# and all that it could reach is closed to this user.
unpack_tar() {
  text=$nl$(tar_stages 2>&1 | "$tools/head" -c 60000)$nl
  case $text in
    *"${nl}refused "*)
      text=${text#*"${nl}refused "}
      said "${text%%"$nl"*}"
      ;;
    *"${nl}end packer 0$nl"* | *"${nl}end packer 141$nl"*) ;;
    *"$packer: "*)
      text=${text##*"$packer: "}
      said "it is damaged: $packer says: ${text%%"$nl"*}"
      ;;
    *) said "it is damaged: $packer cannot read it" ;;
  esac
  case $text in
    *"${nl}end tar 0${nl}end check 0$nl"*) exit 0 ;;
    *"$nl$tools/tar: "*)
      text=${text%%"$nl$tools/tar: Exiting"*}
      text=${text##*"$nl$tools/tar: "}
      said "tar says: ${text%%"$nl"*}"
      ;;
    *) said "it cannot be unpacked" ;;
  esac
}

# tar_stages: each tells on stderr how it ended. What follows the archive is read
# as well: the sum of the packed whole stands at its end.
tar_stages() {
  {
    (unpacked) <&5
    printf 'end packer %s\n' "$?" >&2
  } | {
    "$tools/head" -c "$bytes" &&
      [ "$("$tools/head" -c 1 | "$tools/wc" -c)" -gt 0 ] &&
      printf 'refused %s\n' "$too_large" >&2
  } | {
    "$tools/tar" -x -vv -f - --quoting-style=c --numeric-owner --restrict \
      --no-same-owner --no-same-permissions
    status=$?
    [ "$status" -ne 0 ] || "$tools/cat" >/dev/null
    printf 'end tar %s\n' "$status" >&2
  } | check_tar >&2
  printf 'end check %s\n' "$?" >&2
}

# check_tar: a line of tar is: mode owner size date time "name", and for a link
# the other name; names are quoted as in C, so nothing poses as more of a line.
check_tar() {
  # shellcheck disable=SC2016 # awk's own $
  "$tools/awk" -v bytes="$bytes" -v most="$entries_most" \
    -v too_large="$too_large" '
    function refuse(why) {
      print "refused " why
      exit 1
    }
    function shown(name) {
      return substr(name, 1, 300)
    }
    function leads_away(name) {
      return name ~ /^"\// || name ~ /(^"|\/)\.\.("|\/)/
    }
    {
      if (++count > most) refuse("it has more than " most " entries")
      type = substr($0, 1, 1)
      name = substr($0, index($0, " \"") + 1)
      if ($0 ~ /^d[rwx-]+ +Creating directory: /) next
      other = ""
      if (type == "l") other = "\" -> \""
      if (type == "h") other = "\" link to \""
      if (other != "") {
        at = index(name, other)
        target = substr(name, at + length(other) - 1)
        name = substr(name, 1, at)
      }
      if (type !~ /[-dlh]/ || name !~ /^".*"$/)
        refuse("it holds " shown(name) ", no file, folder or link")
      if (leads_away(name))
        refuse("the name " shown(name) " leads out of it")
      if (substr($1, 2, 9) ~ /[sStT]/)
        refuse(shown(name) " has a setuid, setgid or sticky bit")
      # Of hard links tar makes ones into the tree, or none.
      if (type == "l" && target ~ /^"\//)
        refuse("the link " shown(name) " leads out of it, to " shown(target))
      size += $3
      if (size > bytes + 0) refuse(too_large)
    }'
}

# unpack_zip: unzip neither reads a pipe nor writes one, and believes what sizes
# a package claims to have: how much there is, is looked at meanwhile.
unpack_zip() {
  archive=/proc/self/fd/5
  text=$("$tools/unzip" -Zt "$archive" 2>/dev/null) ||
    said "it is damaged: unzip cannot read its contents"
  IFS=' '
  # shellcheck disable=SC2086 # numbers and words, split on purpose; set -f
  set -- ${text##*"$nl"}
  number "${1-}" && number "${3-}" || said "unzip says: $text"
  [ "$1" -le "$entries_most" ] || said "it has more than $entries_most entries"
  [ "$3" -le "$bytes" ] || said "$too_large"
  text=$("$tools/unzip" -Z1 "$archive" 2>/dev/null |
    "$tools/grep" -aEm 1 '^[/\\]|(^|[/\\])\.\.([/\\]|$)' | "$tools/tr" -c ' -~' '?')
  [ -z "$text" ] || said "the name \"${text%\?}\" leads out of it"
  while "$tools/sleep" 0.3; do
    used=$("$tools/du" -s -B 1 . 2>/dev/null)
    [ "${used%%	*}" -le "$bytes" ] || {
      printf '%s\n' "$too_large"
      kill -s KILL 0
    }
  done &
  # In another locale it would give names that it has not got.
  text=$({
    LC_ALL=C.UTF-8 "$tools/unzip" -oqq "$archive" 2>&1 >/dev/null
    printf '\nend %s\n' "$?"
  } | "$tools/tail" -n 3)
  case $text in
    # 1 is a warning.
    *"${nl}end "[01]) exit 0 ;;
  esac
  text=${text%"$nl"end *}
  said "it is damaged: unzip says: ${text%%"$nl"*}"
}

# --- link, has, discard -------------------------------------------------------

# link: shows a tree under another name, in one step.
link() {
  own_place
  field_name link
  field tree
  [ -d "$value" ] && [ ! -L "$value" ] || fail "there is no tree $value"
  tree=$value
  if [ -L "./$name" ]; then
    case $("$tools/readlink" -- "./$name") in
      "$tree") exit 0 ;;
      "${tree%/*}"/*) ;;
      *) in_the_way ;;
    esac
  elif [ -e "./$name" ]; then
    in_the_way
  fi
  "$tools/ln" -s -- "$tree" "./$draft" &&
    "$tools/mv" -fT -- "./$draft" "./$name" || fail "cannot make $here/$name"
} 2>/dev/null

# has: whether there is such a folder.
has() {
  own_place
  field_name has
  [ ! -d "./$name" ] || [ -L "./$name" ] || printf 'there\n'
}

# discard: removes a link to a tree, or a tree, which loses its name first;
# anything else that has the name stays.
discard() {
  own_place
  case $value in
    "link "*)
      field_name link
      field tree
      [ "$("$tools/readlink" -- "./$name")" != "$value" ] ||
        "$tools/rm" -f -- "./$name" || fail "cannot remove $here/$name"
      ;;
    *)
      field_name tree
      [ -d "./$name" ] && [ ! -L "./$name" ] || exit 0
      "$tools/mkdir" -m 700 -- "./$draft" &&
        "$tools/mv" -T -- "./$name" "./$draft/tree" && wipe "./$draft" ||
        fail "cannot remove $here/$name"
      ;;
  esac
} 2>/dev/null
