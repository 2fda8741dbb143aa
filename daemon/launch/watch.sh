# A part of launcher.sh: looks at processes again and again, for the daemon,
# until that ends its request.
#
#   pids PID PID …   these are looked after from now on
#   look PID PID …   say who of them is not there; and more of these here
#
# Whether anybody has a number is one system call; all else is asked of the
# kernel only about those named, and about who seems to be missing.

# watch: answers each look with lines as probe has them, and "end".
watch() {
  watched=
  same_boot ''
  while IFS= read -r request; do
    numbers=${request#????}
    case $numbers in
      *[!0-9\ ]*) fail "the request has no pid where it must stand" ;;
    esac
    IFS=' '
    case $request in
      pids*) watched=$numbers ;;
      look*)
        printf 'boot %s\n' "$boot"
        for each in $watched; do
          kill -0 "$each" || describe "$each" no
        done
        for each in $numbers; do
          describe "$each" no
        done
        printf 'end\n'
        ;;
      *) fail "there is no such request" ;;
    esac
  done
}
