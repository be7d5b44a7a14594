# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine: keeper on a file system on the logged disk. /logged says which one,
# and the rest: KIND COMMIT OFFSET SEED EVENTS.
read -r kind commit offset seed events </logged
modprobe virtio_pci
modprobe virtio_blk
# What ext4 and XFS ask for by name when they are mounted.
modprobe crc32c_generic
modprobe "$kind"
mkdir /fs
case $kind in
ext4) mkfs.ext4 -q -F -b 4096 /dev/vda 16384 ;; # blocks: 64 MiB
xfs) mkfs.xfs -q -f -K -d size=304m /dev/vda ;;
esac
if busybox mount -t "$kind" /dev/vda /fs; then
	logged_load /bin/keeper /fs/data /tmp/keeper /dev/vda "$offset" "$seed" "$events" \
		/bin/libfast-days.so "$commit"
else
	echo "not ok 1 - mount $kind"
fi
# No unmount: nobody is told that the power goes.
