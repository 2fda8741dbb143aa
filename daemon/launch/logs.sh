# Logs of processes: the part of launcher.sh that gives their blocks back.
# shellcheck shell=sh
# shellcheck disable=SC2015 # as in launcher.sh, which reads this

# punch: makes a hole of the oldest bytes of a log; its size stays as it is.
# In a folder where nobody else can write, a name stays what it was found to be.
punch() {
  field folder
  case $value in
    /*) ;;
    *) fail "the request has no folder of the logs" ;;
  esac
  cd -P -- "$value" 2>/dev/null || fail "the folder $value cannot be entered"
  is_ours . || fail "others may write in the folder $value"
  field file
  name=$value
  plain
  case $name in
    *.stdout | *.stderr) ;;
    *) fail "the request names no log" ;;
  esac
  [ -f "./$name" ] && [ ! -L "./$name" ] || fail "there is no log $name"
  field bytes
  number "$value" && [ "$value" -gt 0 ] ||
    fail "the request has no number of bytes"
  # What the tool says ends with the kernel's reason.
  text=$("$tools/fallocate" --punch-hole --offset 0 --length "$value" \
    "./$name" 2>&1) ||
    fail "cannot make a hole in $name: ${text##*: }"
  printf 'punched\n'
}
