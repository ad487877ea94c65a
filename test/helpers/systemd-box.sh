#!/bin/bash
# Boots the machine's own systemd as PID 1 of private namespaces, over a throw-away copy of /, and says `up PID` once it is.
# What it is given on standard input is ignored; when that ends, however it does, the box ends with all that is in it.
# usage: systemd-box.sh [SOURCE:TARGET[:ro]]...   what is to be seen in the box at another place, or at all
#
# It has a network namespace with nothing but lo, so there is no way out; /sys and the settings of the kernel that are not
# of a network namespace are read-only; and it may load no module, set no clock and stop no machine.
set -eu
here=$(readlink -f "$0")

boot() { # in the namespaces: as https://systemd.io/CONTAINER_INTERFACE has it
  local box=$1 root=$1/root bind
  shift
  mount --make-rprivate /
  mount -t tmpfs -o mode=755,size=1g box "$box"
  mkdir "$root" "$box/upper" "$box/work"
  mount -t overlay -o "lowerdir=/,upperdir=$box/upper,workdir=$box/work" box "$root"
  for bind; do
    IFS=: read -r source target options <<<"$bind"
    if [ -d "$source" ]; then mkdir -p "$root$target"; else
      mkdir -p "$(dirname "$root$target")"
      [ -e "$root$target" ] || : >"$root$target"
    fi
    mount --bind "$source" "$root$target"
    [ "$options" != ro ] || mount -o remount,bind,ro "$root$target"
  done

  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$root/sys"
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
  for device in null zero full random urandom tty net/tun; do
    [ -e "/dev/$device" ] || continue
    mkdir -p "$(dirname "$root/dev/$device")"
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mkdir "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "$root/dev/${number#*:}"; done
  for place in run:755 tmp:1777 dev/shm:1777; do
    mount -t tmpfs -o "mode=${place#*:},nosuid,nodev" tmpfs "$root/${place%:*}"
  done

  # Nothing of what this machine starts at its boot: the basic system, and what a test starts.
  local units=$root/etc/systemd/system
  rm -rf "$units" "$root/etc/machine-id" "$root/etc/fstab" "$root/var/log/journal"
  mkdir -p "$units"
  printf '%s\n' '[Unit]' Requires=basic.target After=basic.target AllowIsolate=yes >"$units/box.target"
  ln -s box.target "$units/default.target"
  for unit in systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service systemd-networkd.service \
    systemd-resolved.service systemd-timesyncd.service systemd-logind.service dev-hugepages.mount dev-mqueue.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
    proc-sys-fs-binfmt_misc.automount; do
    ln -s /dev/null "$units/$unit"
  done
  mkdir -p "$root/etc/systemd"
  printf '%s\n' '[Journal]' Storage=volatile ReadKMsg=no ForwardToSyslog=no RateLimitIntervalSec=0 >"$root/etc/systemd/journald.conf"
  : >"$root/etc/fstab"
  : >"$root/etc/machine-id"
  ip link set lo up

  cd "$root"
  pivot_root . .
  umount -l .
  mount --make-rshared / # as it is on a machine that systemd has booted
  local -r drop=-sys_time,-sys_module,-sys_boot,-syslog,-mac_admin,-mac_override,-sys_rawio,-wake_alarm
  exec env -i container=egressd-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    setpriv --bounding-set "$drop" --inh-caps "$drop" \
    /lib/systemd/systemd --system --log-target=journal --show-status=no </dev/null
}

if [ "${1:-}" = --boot ]; then
  shift
  boot "$@"
fi

# A hierarchy of cgroups for it, below our own: wherever that is mounted, and if it is not.
if [ "${1:-}" != --private ]; then exec unshare --mount --propagation private "$here" --private "$@"; fi
shift
box=$(mktemp -d)
mkdir "$box/cgroup" "$box/box"
mount -t cgroup2 cgroup2 "$box/cgroup"
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
group=$box/cgroup$own/egressd-box-$$
mkdir "$group"

starter=
end() {
  if [ -n "$starter" ]; then
    kill -KILL "$starter" 2>/dev/null || true # and its child with it, which is PID 1 of all that is in the box
    wait "$starter" 2>/dev/null || true
  fi
  for _ in {1..600}; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
    sleep 0.05
  done
  umount "$box/cgroup"
  rm -rf "$box"
}
trap end EXIT
trap 'exit 1' TERM INT HUP

(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec unshare --pid --fork --kill-child --mount --net --uts --ipc --cgroup "$here" --boot "$box/box" "$@" </dev/null >&2
) &
starter=$!

state=
for _ in {1..600}; do
  kill -0 "$starter" 2>/dev/null || { echo 'the box ended while it booted' >&2 && exit 1; }
  pid=$(tr -d ' ' <"/proc/$starter/task/$starter/children")
  if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = systemd ]; then
    state=$(nsenter --target "$pid" --all --root --wd systemctl is-system-running 2>/dev/null || true)
    case $state in running | degraded) break ;; esac
  fi
  sleep 0.05
done
[ -n "$state" ] || { echo 'the box did not boot in time' >&2 && exit 1; }
echo "up $pid $state"
cat >/dev/null
