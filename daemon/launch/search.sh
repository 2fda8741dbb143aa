# Searching: the part of launcher.sh that says of which sessions somebody is left.
# shellcheck shell=sh

# search: of many sessions by one awk, since to look through all of /proc for
# each would take the square of how many end at the same time. It is given their
# leaders' identities and answers "left PID" for each that has live members. One
# whose number is another leader's by now counts as well: who kills looks closer.
search() {
  cd /proc || fail "cannot read /proc"
  set +f
  # shellcheck disable=SC2016 # the program is awk's
  exec "$tools/awk" '
    BEGIN {
      for (count = 0; count < ARGC - 1; count++) all[count] = ARGV[count + 1]
      ARGC = 1
      getline boot <"/proc/sys/kernel/random/boot_id"
    }

    $1 == "identity" && NF == 4 && $3 ~ /^[0-9]+$/ && $4 ~ /^[0-9]+$/ {
      if ($2 == boot) asked[$3] = 1
      next
    }
    $1 == "end" && NF == 1 {
      hasEnded = 1
      next
    }
    { exit }

    END {
      if (!hasEnded) {
        printf "error the request has no identity where it must stand\n"
        exit 1
      }
      for (i = 0; i < count; i++) {
        look(all[i])
        if (fields[1] ~ /^[ZXx]?$/ || !(fields[4] in asked)) continue
        delete asked[fields[4]]
        printf "left %s\n", fields[4]
      }
    }

    # look PID: fills fields with those of its stat that follow its name, which
    # may hold anything, newlines and parentheses too; with none if it is gone.
    function look(pid, file, line, text, at) {
      file = "/proc/" pid "/stat"
      text = ""
      while ((getline line <file) > 0) text = text " " line
      close(file)
      while ((at = index(text, ") ")) > 0) text = substr(text, at + 2)
      split(text, fields, " ")
    }
  ' [0-9]*
}
