#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# disk_log - keeper in a virtual machine whose disk keeps a record of its writes and flushes;
# then that record replayed up to every flush (test/crash/disk_log.c).
#
# Usage    test/vm/disk_log.sh KEEPER HOLDFAST DISK_LOG LOGGED_LOAD FAST_DAYS.so
# Output   a line a file system; exit 0 good, 1 not, 77 cannot be run here
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
keeper=$1 holdfast=$2 disk_log=$3 logged_load=$4 fast_days=$5
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-disk-log-XXXXXX")
trap 'rm -rf "$work"' EXIT
seed=$(date +%s)
events=${EVENTS:-400}
skipped=0

# one KIND COMMIT MIB EVERY: a file system of that size; each EVERYth flush is replayed.
one() {
	local kind=$1 commit=$2 mib=$3 every=$4 how=0
	if ! command -v "mkfs.$kind" >/dev/null; then
		echo "  $kind skipped: no mkfs.$kind"
		skipped=$((skipped + 1))
		return
	fi
	echo "$kind $commit $((mib << 20)) $seed $events" >"$work/logged"
	VM_LOGGED=$work:$((mib + 16)) "$here/run" "$here/logged.sh" "$logged_load" "$keeper" \
		"$fast_days" "$(command -v "mkfs.$kind")" "logged=$work/logged" \
		virtio_pci.ko virtio_blk.ko crc32c_generic.ko "$kind.ko" >"$work/said" 2>&1 || how=$?
	if [ $how != 0 ]; then
		cat "$work/said"
		exit $how
	fi
	"$disk_log" "$keeper" "$holdfast" "$work/log" "$kind" "$commit" $((mib << 20)) \
		"$seed" "$events" "$every" || exit $?
	rm -f "$work/log" "$work/disk"
}

echo "a disk's record of its writes, replayed up to every flush, seed $seed"
for commit in ring file; do
	one ext4 $commit 64 1
	one xfs $commit 304 3
done
[ $skipped -lt 4 ] || exit 77
