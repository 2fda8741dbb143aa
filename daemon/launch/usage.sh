# Measuring: the part of launcher.sh that says what processes use.
# shellcheck shell=sh

# usage: all asked processes in one go, by one awk, which opens each file of
# /proc by itself: so its end is known, whatever a process calls itself. Of a
# process "process NUMBER" comes first, then "group NAME", which tells of all
# that is in it, or else its sessions, "session BOOT PID START". The answer is
# "at SECONDS", since the boot, and for each process that is there
# "usage NUMBER MICROSECONDS BYTES PEAK-BYTES PROCESSES", a peak of 0 = unknown.
usage() {
  cd /proc || fail "cannot read /proc"
  set +f
  # shellcheck disable=SC2016 # the program is awk's
  exec "$tools/awk" -v "cgroups=$cgroups" '
    BEGIN {
      for (count = 0; count < ARGC - 1; count++) all[count] = ARGV[count + 1]
      ARGC = 1
    }

    # refuse TEXT: the answer to a request that cannot be carried out.
    function refuse(text) {
      printf "error %s\n", text
      hasFailed = 1
      exit 1
    }

    $1 == "process" && NF == 2 && $2 ~ /^[0-9]+$/ {
      asked[++asks] = $2
      next
    }
    $1 == "group" && NF == 2 && asks && $2 ~ /^[A-Za-z0-9_.\/-]+$/ &&
      $2 !~ /(^|\/)\.\.?(\/|$)/ {
      groups[asks] = $2
      next
    }
    $1 == "session" && NF == 4 && asks && $3 ~ /^[0-9]+$/ && $4 ~ /^[0-9]+$/ {
      if (boot == "") boot = first("/proc/sys/kernel/random/boot_id")
      if ($2 != boot) next
      owners[$3] = asks
      starts[$3] = $4
      hasSessions = 1
      next
    }
    $1 == "end" && NF == 1 {
      hasEnded = 1
      next
    }
    { refuse("the request has no process to measure where it must stand") }

    END {
      if (hasFailed) exit 1
      if (!hasEnded) {
        printf "error the request was cut\n"
        exit 1
      }
      split(first("/proc/uptime"), fields, " ")
      printf "at %s\n", fields[1]
      for (ask in groups) measureGroup(ask, groups[ask])
      for (i = 0; hasSessions && i < count; i++) measureMember(all[i])
      for (session in live) {
        if (session in strange) continue
        ask = owners[session]
        cpu[ask] += sessionCpu[session]
        memory[ask] += sessionMemory[session]
        peak[ask] += sessionPeak[session]
        processes[ask] += live[session]
      }
      for (ask = 1; ask <= asks; ask++) {
        if (!processes[ask]) continue
        printf "usage %s %.0f %.0f %.0f %.0f\n", asked[ask], cpu[ask],
          memory[ask], peak[ask], processes[ask]
      }
    }

    # first FILE: its first line; empty if there is none.
    function first(file, line) {
      line = ""
      getline line <file
      close(file)
      return line
    }

    # look PID: fills fields with those of its stat that follow its name, which
    # may hold anything, newlines and parentheses too.
    function look(pid, file, line, text, at) {
      file = "/proc/" pid "/stat"
      text = ""
      while ((getline line <file) > 0) text = text " " line
      close(file)
      while ((at = index(text, ") ")) > 0) text = substr(text, at + 2)
      return split(text, fields, " ") >= 22
    }

    # used: CPU time of who was looked at and of its children that ended, in
    # microseconds: the kernel tells hundredths of seconds (USER_HZ).
    function used() {
      return (fields[12] + fields[13] + fields[14] + fields[15]) * 10000
    }

    function measureMember(pid, session, file, line, words) {
      if (!look(pid)) return
      session = fields[4]
      if (!(session in owners)) return
      if (pid == session && fields[20] != starts[session]) strange[session] = 1
      # Nobody has waited for a zombie yet, so nobody else has its time.
      sessionCpu[session] += used()
      if (fields[1] ~ /[ZXx]/) return
      live[session]++
      file = "/proc/" pid "/status"
      while ((getline line <file) > 0) {
        if (line !~ /^Vm(HWM|RSS):/) continue
        split(line, words, " ")
        if (words[1] == "VmHWM:") {
          sessionPeak[session] += words[2] * 1024
        } else {
          sessionMemory[session] += words[2] * 1024
          break
        }
      }
      close(file)
    }

    # measureGroup: by the kernel, which forgets nobody who ended. In version 1
    # it counts CPU time only where cpu is mounted together with cpuacct.
    function measureGroup(ask, group, folder, procs, file, line, time) {
      folder = cgroups "/memory/" group
      memory[ask] = first(folder "/memory.usage_in_bytes")
      if (memory[ask] != "") {
        peak[ask] = first(folder "/memory.max_usage_in_bytes")
        time = first(cgroups "/cpu/" group "/cpuacct.usage")
        if (time != "") cpu[ask] = time / 1000
      } else {
        folder = cgroups "/" group
        memory[ask] = first(folder "/memory.current")
        peak[ask] = first(folder "/memory.peak")
        file = folder "/cpu.stat"
        while ((getline line <file) > 0) {
          if (line ~ /^usage_usec /) time = cpu[ask] = substr(line, 12)
        }
        close(file)
      }
      procs = folder "/cgroup.procs"
      while ((getline line <procs) > 0) {
        processes[ask]++
        if (time == "" && look(line)) cpu[ask] += used()
      }
      close(procs)
    }
  ' [0-9]*
}
