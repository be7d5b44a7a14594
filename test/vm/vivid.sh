# SPDX-License-Identifier: Apache-2.0
# Inside the virtual machine: the source against vivid. Two devices: one with a webcam, an HDMI
# and an S-Video input (two bits each) and a node for metadata, and one that is multi-planar.
modprobe vivid n_devs=2 multiplanar=1,2 node_types=0x20001,0x1 num_inputs=3,1 input_types=0x2c,0x0 \
	vid_cap_nr=0,2 meta_cap_nr=1 || echo "not ok - vivid does not load"
CMOCKA_MESSAGE_OUTPUT=TAP vivid_test /dev/video0 /dev/video1 /dev/video2 || echo "not ok - vivid_test: $?"
