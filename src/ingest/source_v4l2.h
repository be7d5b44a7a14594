/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * source_v4l2 - a grabber of this machine as a source: frames with the time at which they were
 * taken, and patience with a device that misbehaves.
 *
 * Shape       The device is opened and its stream begun by hf_source_v4l2_open; a
 *             step takes every picture that is there, keeps the newest, and
 *             decodes it if it is wanted by sources[].fps.
 *
 * Numbers     captured_mono is the driver's monotonic timestamp; where it gives
 *             none, or one that cannot be, the moment the picture was found.
 *             number counts the pictures the driver lost as well.
 *
 * Ladder      HF_V4L2_SILENCE_MS without a picture: the stream is stopped and
 *             begun anew; each time with a second more of patience, up to
 *             HF_V4L2_RESTARTS_MAX times, then IO: the process closes it, opens
 *             it again, and if that is no use asks the supervisor to take a
 *             USB device off its bus and on again. No rung is climbed while the
 *             device says that it has no signal: that is no fault of its own.
 *
 * Errors      open: as hf_v4l2_open and hf_v4l2_begin; a device without a signal
 *             opens well. step: AGAIN, IO (the ladder's end), NOENT (unplugged).
 *             info.why says at any time why there are no pictures.
 */
#include "ingest/source.h"
#include "ingest/v4l2_device.h"

enum {
	HF_V4L2_SILENCE_MS = 2000,
	HF_V4L2_PATIENCE_MS = 1000, /* more with each restart: some need long to begin */
	HF_V4L2_RESTARTS_MAX = 3,
	HF_V4L2_SIGNAL_MS = 2000, /* between two questions for the signal */
};

enum hf_code hf_source_v4l2_open_with(const struct hf_source_options *options,
				      const struct hf_v4l2_ops *ops, struct hf_source **ret_source,
				      struct hf_err *err) HF_MUST_CHECK;
