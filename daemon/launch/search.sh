# Searching: the part of launcher.sh that says of which sessions somebody is left.
# shellcheck shell=sh

# search: of many sessions at once, since to look through all of /proc for each
# would take the square of how many end at the same time. It is given their
# leaders' identities and answers "left PID" for each that has live members, and
# "end". One whose number is another leader's by now counts as well: who kills
# looks closer. In status, unlike in stat, no name can pose as another line; and
# grep, unlike mawk, does not mind who ends before he was read.
search() {
  cd /proc || fail "cannot read /proc"
  same_boot ''
  set +f
  # shellcheck disable=SC2016 # the program is awk's
  {
    "$tools/cat"
    "$tools/grep" -hsE '^(State|NSsid):' [0-9]*/status
    # 2: somebody ended before he was read. One that was killed has not seen all.
    [ "$?" -le 2 ] && printf 'searched\n'
  } | "$tools/awk" -v "boot=$boot" '
    !hasEnded && $1 == "identity" && NF == 4 && $3 ~ /^[0-9]+$/ {
      if ($2 == boot) asked[$3] = 1
      next
    }
    !hasEnded && $1 == "end" && NF == 1 {
      hasEnded = 1
      next
    }
    !hasEnded { exit }
    $1 == "State:" {
      isLive = $2 !~ /[ZXx]/
      next
    }
    $1 == "searched" {
      isSearched = 1
      next
    }
    { hasSessions = 1 }
    isLive && $2 in asked {
      delete asked[$2]
      printf "left %s\n", $2
    }
    END {
      if (!hasEnded) {
        printf "error the request has no identity where it must stand\n"
        exit 1
      }
      if (!isSearched) {
        printf "error the search was cut\n"
        exit 1
      }
      if (!hasSessions) {
        printf "error the kernel does not tell sessions\n"
        exit 1
      }
      printf "end\n"
    }
  '
}
