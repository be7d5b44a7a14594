#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
#
# rtsp_server - a network camera: GStreamer's RTSP server with clips in the place of sensors.
#
# usage: rtsp_server.py PORT USER:PASSWORD|- PATH=FILE...
# Every client gets the clip from its beginning, in real time. The codec is in the name: .h264.mp4,
# .h265.mp4, .mjpeg.avi. Prints "listening PORT" (0: one that is free). Ends with its stdin.
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

KINDS = {
    ".h264.mp4": "qtdemux ! rtph264pay config-interval=-1",
    ".h265.mp4": "qtdemux ! rtph265pay config-interval=-1",
    ".mjpeg.avi": "avidemux ! rtpjpegpay",
}


def launch_line(file):
    for ending, elements in KINDS.items():
        if file.endswith(ending):
            return f'( filesrc location="{file}" ! {elements} name=pay0 pt=96 )'
    raise SystemExit(f"{file}: none of {', '.join(KINDS)}")


def main():
    port, user, *streams = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    if user != "-":
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        name, password = user.split(":", 1)
        auth.add_digest(name, password, token)
        server.set_auth(auth)
    for stream in streams:
        path, file = stream.split("=", 1)
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch_line(file))
        if user != "-":
            factory.add_role_from_structure(
                Gst.Structure.new_from_string(
                    "viewer, media.factory.access=(boolean)true, "
                    "media.factory.construct=(boolean)true"
                )
            )
        server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        raise SystemExit(f"cannot listen on 127.0.0.1:{port}")
    print(f"listening {server.get_bound_port()}", flush=True)
    loop = GLib.MainLoop()
    GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT, GLib.IO_HUP, lambda *_: loop.quit())
    loop.run()


main()
