#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the clips that the tests of ingest look at, from OpenCV's vtest.avi (Debian: opencv-doc).
# usage: make-clips.sh FOLDER. Makes FOLDER/done last. Without ffmpeg or vtest.avi there are no
# clips, FOLDER/done says so, and those tests are skipped.
set -eu
folder=$1
vtest=${HOLDFAST_VTEST:-/usr/share/doc/opencv-doc/examples/data/vtest.avi}
mkdir -p "$folder"
rm -f "$folder"/*.avi "$folder"/*.mp4 "$folder"/*.jpg "$folder"/*.png "$folder"/*.mjpeg "$folder"/*.h264
if ! command -v ffmpeg >/dev/null || ! [ -r "$vtest" ]; then
	echo missing >"$folder/done"
	exit 0
fi

# screen NAME SIDE WIDTH HEIGHT BORDER TILE_FILTER SCREEN_FILTER: SIDE x SIDE tiles of the one
# clip, each from another time.
screen() {
	name=$1 side=$2 width=$3 height=$4 border=$5 tile_filter=$6 screen_filter=$7
	tw=$((width / side)) th=$((height / side))
	graph='' inputs='' places=''
	i=0
	while [ $i -lt $((side * side)) ]; do
		mirror=''
		[ "$tile_filter" = mirror ] && [ $((i % 2)) = 1 ] && mirror=',hflip'
		extra=''
		[ "$tile_filter" != mirror ] && [ -n "$tile_filter" ] && extra=",$tile_filter"
		graph="$graph[0:v]trim=start_frame=$((i * 40)):end_frame=$((i * 40 + 6))"
		graph="$graph,setpts=PTS-STARTPTS,fps=5,scale=$((tw - border)):$((th - border))"
		graph="$graph$mirror$extra,pad=$tw:$th:0:0:gray[t$i];"
		inputs="$inputs[t$i]"
		places="$places${places:+|}$((i % side * tw))_$((i / side * th))"
		i=$((i + 1))
	done
	ffmpeg -v error -y -i "$vtest" -filter_complex \
		"$graph${inputs}xstack=inputs=$i:layout=$places$screen_filter" \
		-frames:v 3 -c:v mjpeg -q:v 5 -pix_fmt yuvj422p "$folder/$name.avi"
}

dark='eq=brightness=-0.3:contrast=0.3,noise=alls=12:allf=t'
menu=',drawbox=x=iw*0.2:y=ih*0.15:w=iw*0.6:h=ih*0.7:color=navy:t=fill'
for side in 2 3 4; do
	screen "${side}x${side}-plain" $side 1920 1080 0 '' ''
	screen "${side}x${side}-border" $side 1920 1080 2 '' ''
	screen "${side}x${side}-mirror" $side 1920 1080 0 mirror ''
	screen "${side}x${side}-dark" $side 1920 1080 2 "$dark" ''
	screen "${side}x${side}-720" $side 1280 720 0 '' ''
done
screen 4x4-menu 4 1920 1080 2 '' "$menu"

one() {
	ffmpeg -v error -y -i "$vtest" "$@"
}
one -frames:v 5 -c:v mjpeg -q:v 4 -pix_fmt yuvj420p "$folder/1x1-plain.avi"
ffmpeg -v error -y -f lavfi -i color=0x0a1a5a:size=640x480:rate=5 -frames:v 20 -c:v mjpeg -q:v 4 \
	-pix_fmt yuvj420p "$folder/blue.avi"
one -vf scale=320:240 -frames:v 10 -c:v mjpeg -q:v 4 -pix_fmt yuvj420p "$folder/small.avi"
one -vf scale=320:240 -frames:v 30 -c:v mpeg4 -g 10 -bf 2 "$folder/chained.mp4"
# Bare H.264, a NAL unit a picture, as a camera sends it.
bare='-c:v libx264 -preset ultrafast -g 10 -bf 0 -x264-params threads=1:slices=1'
# shellcheck disable=SC2086  # words
one -vf scale=320:240 -frames:v 20 $bare "$folder/small.h264"
# shellcheck disable=SC2086
one -vf scale=642:482 -frames:v 20 -crf 36 $bare "$folder/large.h264"
one -vf scale=323:241 -frames:v 3 -c:v mjpeg -pix_fmt yuvj444p "$folder/odd.avi"
one -frames:v 1 "$folder/still.jpg"
one -vf scale=320:240 -frames:v 1 "$folder/still.png"
one -vf scale=320:240 -frames:v 4 -c:v mjpeg -f mjpeg "$folder/a.mjpeg"
one -vf scale=480:272 -frames:v 4 -c:v mjpeg -f mjpeg "$folder/b.mjpeg"
cat "$folder/a.mjpeg" "$folder/b.mjpeg" >"$folder/resized.mjpeg"

# A recorder that is switched: 4:2:0, then 4:4:4, then grey, and back.
for format in yuvj420p yuvj444p gray; do
	one -vf scale=320:240 -frames:v 3 -c:v mjpeg -pix_fmt "$format" -strict -1 -f mjpeg "$folder/$format.mjpeg"
done
cat "$folder/yuvj420p.mjpeg" "$folder/yuvj444p.mjpeg" "$folder/gray.mjpeg" "$folder/yuvj420p.mjpeg" \
	>"$folder/formats.mjpeg"
one -vf scale=3840:2160 -frames:v 1 -c:v mjpeg -q:v 10 "$folder/uhd.avi"

# Cut in the middle; and with a hole of zeros in the middle of its data.
size=$(wc -c <"$folder/small.avi")
head -c $((size / 2)) "$folder/small.avi" >"$folder/cut.avi"
head -c 600 "$folder/small.avi" >"$folder/head-only.avi"
cp "$folder/small.avi" "$folder/hole.avi"
dd if=/dev/zero of="$folder/hole.avi" bs=1 seek=$((size / 2)) count=3000 conv=notrunc 2>/dev/null
echo made >"$folder/done"
