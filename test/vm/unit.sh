# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine: a whole unit, as an unprivileged user, watches a USB grabber that
# hangs, is unplugged, and comes back. What a machine's udev does is done here by hand: the group
# of the video nodes, and the rule that comes with the unit (/rules).
count=0

# check WHAT SECONDS COMMAND...: waits until the command says yes, and tells.
check() {
	what=$1
	left=$(($2 * 2))
	shift 2
	count=$((count + 1))
	until "$@" >/tmp/said 2>&1; do
		left=$((left - 1))
		if [ $left -le 0 ]; then
			echo "not ok $count - $what"
			cat /tmp/said
			tail -n 25 /tmp/log
			return
		fi
		sleep 0.5
	done
	echo "ok $count - $what"
}

# event CLASS TEXT TIMES: so many lines of this class with this text are in the outbox.
event() {
	[ "$(cat /data/outbox/*.jsonl | grep ":\"$1\"" | grep -c -- "$2")" -ge "$3" ]
}

logged() { [ "$(grep -c -- "$1" /tmp/log)" -ge "$2" ]; }

switch_is_ours() { [ "$(stat -c %G:%a /sys/bus/usb/devices/1-1/authorized)" = holdfast:664 ]; }

play_udev() {
	while sleep 0.2; do
		for node in /sys/class/video4linux/*; do
			[ -c "/dev/${node##*/}" ] || continue
			[ "$(stat -c %a "/dev/${node##*/}")" != 660 ] || continue
			path=$(readlink -f "$node")
			sed -n 's/.*RUN+="\/bin\/sh -c .\(.*\).".*/\1/p' /rules |
				sed "s|%p|${path#/sys}|g; s|\\\$\\\$|\$|g" | sh
			chgrp video "/dev/${node##*/}"
			chmod 660 "/dev/${node##*/}"
		done
	done
}

printf 'holdfast:x:100:100::/tmp:/bin/sh\n' >>/etc/passwd
printf 'video:x:44:holdfast\nholdfast:x:100:\n' >>/etc/group
mkdir -p /data /dev/gadget
chown holdfast:holdfast /data
cat >/tmp/unit.yaml <<'YAML'
sources: [{id: dvr, type: v4l2, url: /dev/video0, layout: 1x1, fps: 2}]
cameras: [{id: gate}]
model: {path: /tmp} # none: by emulation it would take minutes to load
infer: {workers: 1}
supervisor: {heartbeat_timeout: 30s}
YAML
: >/tmp/log

modprobe uvcvideo && modprobe dummy_hcd && modprobe gadgetfs && mount -t gadgetfs gadgetfs /dev/gadget ||
	echo "not ok - no grabber can be played"
play_udev 2>/dev/null &
udev=$!
grabber &
grabber=$!
check "the grabber is there" 30 test -c /dev/video0
check "its switch is the service's" 10 switch_is_ours
su holdfast -c 'exec /unit/bin/holdfastd --config /tmp/unit.yaml --data /data' >>/tmp/log 2>&1 &
check "MJPEG is watched" 60 logged 'source_opened.*codec=mjpeg width=640 height=360' 1
check "ingest is in its sandbox" 5 logged 'sandbox.*ingest.v4l2' 1

kill -USR1 $grabber
check "a grabber that hangs is lost, and why is said" 60 event source_lost 'no picture for' 1
check "it is taken off its bus and on again" 120 event usb_reset '"usb_device":"1-1"' 1
check "and gives pictures again" 60 event source_back dvr 1
check "nothing is left in hand" 5 test ! -e /data/run/usb-reset.0

kill -9 $grabber
check "one that is unplugged is lost" 30 event source_lost 'unplugged\|no such device' 1
sleep 3
grabber &
check "one that is plugged in again is watched" 60 event source_back dvr 2

kill -TERM "$(pidof holdfastd)"
check "the unit ends when told to" 30 logged ' stopped' 1
check "every line is whole" 20 su holdfast -c '/unit/bin/holdfast outbox verify /data'
kill $udev $! 2>/dev/null
