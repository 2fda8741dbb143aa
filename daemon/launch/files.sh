# Files and folders of processes: the part of launcher.sh that makes and removes
# them.
# shellcheck shell=sh
# shellcheck disable=SC2015 # as in launcher.sh, which reads this

# write, remove: one file; folder: a folder, and links in it; unlink: the links;
# all below a folder that the operator allows. Privilege is used only in folders
# that are the daemon's own, where nobody else can exchange what was just looked
# at. From the first that is not, and for the file itself, its owner does the
# rest, so that the kernel decides what he may.
write() {
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
folder() { write; }
unlink() { write; }

# walk: enters the folders of the request one by one. The stage of the owner
# takes up where it stands and reads on from the same pipe.
walk() {
  arrive || fail "the folder where the file begins has no path"
  while :; do
    [ -z "$drop" ] || is_ours . || as_owner
    IFS= read -r value || fail "the request was cut"
    case $value in
      "folder "*)
        name=${value#folder }
        step
        ;;
      owner) [ -z "$drop" ] || as_owner ;;
      "file "*)
        name=${value#file }
        one_file
        return
        ;;
      "link "*)
        name=${value#link }
        one_link
        ;;
      *)
        [ "$value" = end ] && makes_links && return
        fail "the request names no file where it must stand"
        ;;
    esac
  done
}

# makes_links: whether the request is about a folder and links in it.
makes_links() {
  [ "$verb" = folder ] || [ "$verb" = unlink ]
}

# one_file: what bears the name $name is a regular file, or nothing.
one_file() {
  plain
  ! makes_links || fail "the request names a file where none can stand"
  [ ! -L "./$name" ] && { [ -f "./$name" ] || [ ! -e "./$name" ]; } ||
    fail "$here/$name is there and is no regular file"
  "${verb}_file"
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
    case $verb in
      write | folder | unpack | link) ;;
      *) exit 0 ;;
    esac
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
  exec 8<"$home/files.sh" 9<"$0"
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
  text=$( (set -C && fill 7>"./$draft") 2>&1) ||
    fail "cannot write in ${here:-/}: ${text##*: }"
  "$tools/mv" -fT -- "./$draft" "./$name" || fail "cannot write $here/$name"
  printf 'written\n'
}

# fill: the draft has no name here, as somebody else may exchange what bears it.
# It is new if it is a file: that is all that noclobber (set -C) sees to.
fill() {
  new=/proc/self/fd/7
  [ -f "$new" ] || { printf 'it was exchanged' && return 1; }
  "$tools/base64" -d >&7 || return 1
  [ "$("$tools/stat" -L -c %s "$new")" -eq "$size" ] ||
    { printf 'the content was cut' && return 1; }
  "$tools/chmod" "$mode" "$new"
}

remove_file() {
  "$tools/rm" -f -- "./$name" 2>/dev/null || fail "cannot remove $here/$name"
}

# one_link: reads where the link $name leads. What bears that name and is not
# ours stays. Ours lead into the one folder of logs; one of an earlier process
# gives way, which keeps its log.
one_link() {
  plain
  makes_links || fail "the request names a link where none can stand"
  field to
  text=
  [ ! -L "./$name" ] || text=$("$tools/readlink" -- "./$name")
  if [ "$verb" = unlink ]; then
    [ "$text" != "$value" ] || "$tools/rm" -f -- "./$name" 2>/dev/null ||
      fail "cannot remove $here/$name"
    return 0
  fi
  [ "$text" != "$value" ] || return 0
  if [ -e "./$name" ] || [ -L "./$name" ]; then
    [ "${text%/*}" = "${value%/*}" ] ||
      fail "$here/$name is there and is no link to a log of a process"
  fi
  text=$("$tools/ln" -sfT -- "$value" "./$name" 2>&1) ||
    fail "cannot make the link $here/$name: ${text##*: }"
}
