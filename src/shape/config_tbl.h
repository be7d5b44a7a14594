/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting, once: the struct, the parser, the ranges, the defaults, the
 * example file and the manual page are made from these rows. No include guard.
 *
 * Define HF_INT, HF_REAL, HF_BOOL, HF_TEXT and HF_ENUM, and one of
 * HF_SECTION_UNIT, HF_SECTION_SOURCE, HF_SECTION_CAMERA, HF_SECTION_ZONE,
 * then include.
 *
 * HF_INT (field, key, default, min, max, unit, reader, help)   int64_t; unit "ms" takes 200ms, 5s,
 *                                                              10m, 2h; "bytes" takes 64MiB
 * HF_REAL(field, key, default, min, max, unit, reader, help)   double
 * HF_BOOL(field, key, default, reader, help)
 * HF_TEXT(field, key, default, bytes, reader, help)            char[bytes]
 * HF_ENUM(field, key, default, choices, reader, help)          int32_t: index in "a|b|c"
 *
 * A key "a.b" stands under "a:" in the file. reader names the process that uses it.
 */
#ifdef HF_SECTION_UNIT
HF_TEXT(device_id, "device.id", "", HF_ID_BYTES, "supervisor",
	"Name of this unit at the hub. Empty: the hardware serial, else one is drawn and kept.")
HF_TEXT(device_site, "device.site", "", HF_ID_BYTES, "supervisor",
	"Free text: where the unit stands. Shown at the hub.")

HF_TEXT(time_zone, "time.zone", "", HF_ID_BYTES, "respond",
	"IANA time zone of the site, e.g. Europe/Berlin; the hours below are its. Empty: the machine's.")
HF_TEXT(armed_entry, "armed.entry", "", HF_SCHEDULE_BYTES, "respond",
	"When pre_action_zone_entry is raised, e.g. \"mon-fri 18:00-07:00, sat-sun 00:00-24:00\"; \"22:00-06:00\" is every night. A window may go over midnight; it belongs to the day on which it starts. Empty: always. Also armed, and the event says so, while the clock is not synchronised.")
HF_TEXT(armed_loitering, "armed.loitering", "", HF_SCHEDULE_BYTES, "respond",
	"When loitering_dwell_exceeded is raised, written alike. Who is still inside when the hours begin counts with all the time spent there. Empty: always.")

HF_REAL(motion_threshold, "motion.threshold", 22, 1, 255, "levels", "ingest",
	"Difference of a 4x4 cell's mean grey level from its background that counts as motion.")
HF_INT(motion_cells_min, "motion.cells_min", 6, 1, 1000, "cells", "ingest",
	"Cells that must differ, with their neighbours' vote, before a tile moves.")
HF_INT(motion_full_look_ms, "motion.full_look", 10000, 500, 600000, "ms", "ingest",
	"A tile without motion is looked at this often all the same, so that still people are found.")
HF_INT(motion_occupied_look_ms, "motion.occupied_look", 500, 100, 600000, "ms", "ingest",
	"A tile without motion in which somebody was seen last is looked at this often.")
HF_REAL(mask_top, "mask.top", 0.09, 0, 0.4, "fraction of the tile", "ingest",
	"Band at the top of each tile that motion ignores: name strip, clock, REC dot.")
HF_REAL(mask_bottom, "mask.bottom", 0.0, 0, 0.4, "fraction of the tile", "ingest",
	"Band at the bottom of each tile that motion ignores.")

HF_BOOL(health_watch, "health.watch", true, "ingest",
	"Tell when a camera shows no signal, nothing but black, a frozen picture, or was tampered with.")
HF_INT(health_raise_ms, "health.raise", 30000, 1000, 3600000, "ms", "ingest",
	"A camera's fault that lasts this long is an event.")
HF_INT(health_clear_ms, "health.clear", 10000, 1000, 3600000, "ms", "ingest",
	"A fault is over when the picture has been sound for this long.")
HF_INT(health_frozen_ms, "health.frozen", 55000, 5000, 3600000, "ms", "ingest",
	"A picture without its own noise for this long, while others go on, is frozen.")
HF_INT(health_remind_ms, "health.remind", 3600000, 60000, 86400000, "ms", "ingest",
	"First reminder of a fault that goes on; then once a day.")

HF_TEXT(model_path, "model.path", "", HF_PATH_BYTES, "infer",
	"Folder of the model pack (model.onnx, model.json). Empty: the one that was installed.")
HF_REAL(model_score_min, "model.score", 0, 0, 1, "score", "infer",
	"Detections below this score are not used to start a track. 0: the model pack's own threshold.")
HF_INT(infer_workers, "infer.workers", 2, 1, HF_INFER_WORKERS_MAX, "processes", "supervisor",
	"Detector processes. Each uses one thread and 60 to 100 MB.")
HF_INT(infer_deadline_ms, "infer.deadline", 2000, 100, 60000, "ms", "supervisor",
	"A detector that has held one tile for longer is killed; another takes over, tracks stay.")
HF_INT(infer_memory_max, "infer.memory_max", 0, 0, 1099511627776, "bytes", "infer",
	"Memory of its own that a detector may ask for. What it is refused is told, and the smaller model may be taken. 0: no limit.")
HF_INT(latency_objective_ms, "latency.objective", 1000, 50, 60000, "ms", "infer, respond",
	"From a picture to what was found in it: 99 of 100 are to be faster. Beyond it the unit looks less often, beyond twice of it the policy takes the smaller model; what is older, with two pictures' time added, is not acted upon.")

HF_REAL(track_score_high, "track.score_high", 0.5, 0.05, 1, "score", "respond",
	"First association stage: detections at or above this. Never above the model's threshold.")
HF_REAL(track_score_low, "track.score_low", 0.1, 0.01, 1, "score", "respond",
	"Second stage: weaker detections may only continue a track.")
HF_INT(track_lost_ms, "track.lost", 3000, 200, 60000, "ms", "respond",
	"A track without a detection for this long ends.")
HF_INT(track_confirm_hits, "track.confirm_hits", 3, 1, 20, "hits", "respond",
	"Detections within one second before a track counts.")
HF_INT(stay_keep_ms, "stay.keep", 5000, 0, 60000, "ms", "respond",
	"A stay outlives its track by this long, so that another track can inherit it.")
HF_INT(stay_rearm_ms, "stay.rearm", 10000, 0, 600000, "ms", "respond",
	"Time outside the zone after which the same person entering again is a new stay.")

HF_TEXT(hub_url, "hub.url", "", HF_PATH_BYTES, "uplink",
	"Where events go, e.g. https://hub.example.org. Empty: nothing is sent, the outbox grows.")
HF_BOOL(hub_insecure, "hub.insecure", false, "uplink",
	"Allow plain http:// to a host that is not this machine. Events then travel in the clear.")
HF_TEXT(hub_ca_file, "hub.ca_file", "", HF_PATH_BYTES, "uplink",
	"Certificates to trust for the hub instead of the system's.")
HF_TEXT(hub_token_file, "hub.token_file", "", HF_PATH_BYTES, "uplink",
	"File (mode 0600) with the bearer token for the hub.")
HF_INT(hub_connect_ms, "hub.connect_timeout", 5000, 100, 60000, "ms", "uplink",
	"Time for name look-up, connection and TLS.")
HF_INT(hub_total_ms, "hub.total_timeout", 30000, 500, 600000, "ms", "uplink",
	"Time for one request as a whole.")
HF_INT(hub_batch_max, "hub.batch_max", 100, 1, 1000, "events", "uplink",
	"Events in one request while behind.")
HF_INT(hub_backoff_min_ms, "hub.backoff_min", 5000, 100, 600000, "ms", "uplink",
	"First wait after a failed attempt; doubles with each, with jitter.")
HF_INT(hub_backoff_max_ms, "hub.backoff_max", 300000, 100, 3600000, "ms", "uplink",
	"Longest wait between attempts.")
HF_BOOL(hub_thumbs, "hub.thumbs", true, "uplink",
	"Send thumbnails too, after the events that name them.")

HF_INT(outbox_retention_days, "outbox.retention_days", 30, 1, 3650, "days", "keeper",
	"Delivered day files older than this are removed. Undelivered ones never are.")
HF_ENUM(outbox_commit, "outbox.commit", 0, "ring|file", "keeper",
	"Where an event is made safe: in a small ring beside the day file, which is kinder to flash, or in the file itself.")

HF_TEXT(policy_path, "policy.path", "", HF_PATH_BYTES, "supervisor",
	"File with the rules of recovery; `holdfast policy` explains and checks one. Empty: the one that was installed.")

HF_TEXT(actuation_command, "actuation.command", "", HF_PATH_BYTES, "actuate",
	"Program that switches the output of the unit, a relay or a siren: it is called with \"on\" or \"off\", without a shell, with HOLDFAST_CAMERA, HOLDFAST_ZONE and HOLDFAST_EVENT in its environment. Empty: none.")
HF_TEXT(actuation_gpio, "actuation.gpio", "", HF_ID_BYTES, "actuate",
	"The same by a line of this machine, e.g. gpiochip0:17 (chip and line, as gpioinfo lists them); active is high. Empty: none.")
HF_INT(actuation_hold_ms, "actuation.hold", 10000, 100, 3600000, "ms", "actuate",
	"How long the output stays on; a further event begins that time anew.")
HF_TEXT(actuation_on, "actuation.on", "", HF_SCHEDULE_BYTES, "respond",
	"The classes of events that switch it on, e.g. \"pre_action_zone_entry, loitering_dwell_exceeded\". Empty: every event of a zone's rule.")

HF_INT(heartbeat_timeout_ms, "supervisor.heartbeat_timeout", 1500, 300, 60000, "ms", "supervisor",
	"A worker silent for longer (and not announced as busy) is overdue; the policy says what is done about it.")
HF_TEXT(reboot_command, "supervisor.reboot_command", "", HF_PATH_BYTES, "supervisor",
	"What restarts the machine when the policy wants that, e.g. \"systemctl reboot\"; words, no shell. Empty: it is never done.")
#endif
#ifdef HF_SECTION_SOURCE
HF_TEXT(id, "id", "", HF_ID_BYTES, "all", 
	"Name of the source; cameras refer to it. Empty: \"main\", where there is only one.")
HF_ENUM(type, "type", 0, "file|v4l2|rtsp", "ingest", 
	"What kind of source it is: a video file, a grabber of this machine, or a network camera.")
HF_TEXT(url, "url", "", HF_PATH_BYTES, "ingest",
	"Path of the file or device, or rtsp://USER:PASSWORD@HOST:PORT/PATH of a camera; in a password / is %2F and @ is %40.")
HF_REAL(fps, "fps", 0, 0, 60, "frames a second", "ingest",
	"Frames a second to look at. 0: the source's own rate, at most 15.")
HF_BOOL(loop, "loop", false, "ingest", "Start a file again when it ends (demos, soak tests).")
HF_INT(timeout_ms, "timeout", 5000, 500, 60000, "ms", "ingest",
	"A network source that takes longer to connect, or for its next picture, is given up and opened again.")
HF_ENUM(transport, "transport", 0, "tcp|udp", "ingest", "How an rtsp source sends its pictures.")
HF_ENUM(pixels, "pixels", 0, "auto|mjpeg|yuyv", "ingest",
	"What a v4l2 source is asked for. auto: MJPEG where it has it, which is faster with most.")
HF_INT(width, "width", 1920, 0, 4096, "pixels", "ingest",
	"Picture width a v4l2 source is asked for. 0: as it stands.")
HF_INT(height, "height", 1080, 0, 2304, "pixels", "ingest",
	"Picture height a v4l2 source is asked for. 0: as it stands.")
HF_BOOL(usb_reset, "usb_reset", true, "supervisor",
	"Take a USB grabber that stays silent off its bus and on again, after milder means.")
HF_ENUM(layout, "layout", 0, "auto|1x1|2x2|3x3|4x4", "ingest",
	"How the screen is divided. auto: recognised by its seams, and again when it changes.")
#endif
#ifdef HF_SECTION_CAMERA
HF_TEXT(id, "id", "", HF_ID_BYTES, "all", "Name that zones refer to.")
HF_TEXT(name, "name", "", HF_ID_BYTES, "all", "What people call it. Empty: the id.")
HF_TEXT(source_id, "source", "", HF_ID_BYTES, "all", "Id of the source. Empty: the only one.")
HF_INT(tile, "tile", 1, 1, HF_TILES_MAX, "position", "ingest",
	"Position on the screen, counted from 1 at the top left, row by row.")
HF_INT(priority, "priority", 5, 1, 9, "rank", "ingest",
	"1 is looked at last when there is too much to do, 9 first.")
#endif
#ifdef HF_SECTION_ZONE
HF_TEXT(id, "id", "", HF_ID_BYTES, "respond", "Name of the zone, as stored in events.")
HF_TEXT(camera_id, "camera", "", HF_ID_BYTES, "respond", "Id of the camera it lies in.")
HF_BOOL(entry, "entry", true, "respond",
	"Raise pre_action_zone_entry when somebody comes into the zone.")
HF_TEXT(armed_entry, "armed_entry", "", HF_SCHEDULE_BYTES, "respond",
	"When entry is raised from this zone. Empty: as armed.entry of the unit.")
HF_TEXT(armed_loitering, "armed_loitering", "", HF_SCHEDULE_BYTES, "respond",
	"When loitering is raised from this zone. Empty: as armed.loitering of the unit.")
HF_INT(cooldown_ms, "cooldown", 60000, 0, 86400000, "ms", "respond",
	"After an event: no other of this class from this zone for this long; the next one says how many were held back.")
#endif
#undef HF_INT
#undef HF_REAL
#undef HF_BOOL
#undef HF_TEXT
#undef HF_ENUM
#undef HF_SECTION_UNIT
#undef HF_SECTION_SOURCE
#undef HF_SECTION_CAMERA
#undef HF_SECTION_ZONE
