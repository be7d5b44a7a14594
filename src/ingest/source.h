/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * source - where frames come from: a file, a grabber, or a network camera, behind the
 * same few calls.
 *
 * Shape       open, then step again and again. A step does one small piece of
 *             work (reads one packet, decodes one frame) and never sleeps, so
 *             that the process can go on beating and answering in between.
 *
 * Numbers     hf_source_due() is the time before which a step has nothing to
 *             do; in the past when there is more to do at once. In lockstep
 *             nothing is paced, times are the clip's own: captured_mono starts
 *             at HF_SOURCE_LOCKSTEP_START_US, captured_wall at the time of
 *             recording the file names, else at its time of modification.
 *             A source that can be polled is stepped when its descriptor is
 *             ready, too, however far away its due time is.
 *
 * Owners      One thread. The configuration is copied.
 *
 * Errors      open: NOENT (no such file), DENIED, INVALID (not a picture that
 *             can be used, or a type that is not built yet), CORRUPT (begins
 *             like one, cannot be read).
 *             step: OK with a frame; AGAIN without one yet; CLOSED at the end of
 *             a file that is not looped; CORRUPT when not one frame of it could
 *             be decoded; NOENT when a looped file was taken away; IO. A network
 *             camera is connected to in step, so that every code of open may come
 *             from there. After anything but OK and AGAIN the source is spent:
 *             close it.
 *             A frame that cannot be decoded is counted and passed over.
 *             No text has a secret of an address in it.
 */
#include "base/err.h"
#include "ingest/frame.h"
#include "shape/config.h"

#define HF_SOURCE_LOCKSTEP_START_US INT64_C(1000000)

enum {
	HF_SOURCE_FPS_MAX = 15, /* unless the configuration asks for more */
};

struct hf_source_info {
	uint32_t width, height;
	double fps;        /* frames a second that will be looked at; 0: not known */
	double duration_s; /* of a recording; 0: not known, or there is no end */
	bool still;        /* a single picture, not a video */
	char codec[32];
	uint64_t frames; /* handed out so far */
	uint64_t decode_errors;
	int64_t skew_us; /* arrival of the last picture against its time stamp; -1: not known */
	bool slow; /* something is wrong with the medium: the next step may take as long as open */
	char why[160]; /* why it gives no pictures at the moment; empty: not known */
};

struct hf_source_options {
	const struct hf_config_source *config;
	const struct hf_clock *clock;
	bool lockstep; /* unpaced, read once, on the clip's own time */
};

struct hf_source;
struct pollfd;

/* What a kind of source fills in. A struct hf_source is the first member of its own. */
struct hf_source_ops {
	enum hf_code (*step)(struct hf_source *source, struct hf_frame *ret_frame,
			     struct hf_err *err);
	struct hf_mono (*due)(const struct hf_source *source);
	bool (*poll)(const struct hf_source *source, struct pollfd *ret_poll); /* NULL: cannot */
	void (*info)(const struct hf_source *source, struct hf_source_info *ret_info);
	void (*close)(struct hf_source *source);
};

struct hf_source {
	const struct hf_source_ops *ops;
};

/* May block for as long as the medium does: announce it. */
enum hf_code hf_source_open(const struct hf_source_options *options, struct hf_source **ret_source,
			    struct hf_err *err) HF_MUST_CHECK;
void hf_source_close(struct hf_source *source); /* NULL is fine */

enum hf_code hf_source_step(struct hf_source *source, struct hf_frame *ret_frame,
			    struct hf_err *err) HF_MUST_CHECK;
struct hf_mono hf_source_due(const struct hf_source *source);
/* What to wait for besides the due time. False: nothing; the due time tells all. */
bool hf_source_poll(const struct hf_source *source, struct pollfd *ret_poll);
struct hf_source_info hf_source_info(const struct hf_source *source);

/* source_file.c */
enum hf_code hf_source_file_open(const struct hf_source_options *options,
				 struct hf_source **ret_source, struct hf_err *err) HF_MUST_CHECK;
/* source_v4l2.c */
enum hf_code hf_source_v4l2_open(const struct hf_source_options *options,
				 struct hf_source **ret_source, struct hf_err *err) HF_MUST_CHECK;
/* source_rtsp.c: returns at once; what comes of it is told by step. */
enum hf_code hf_source_rtsp_open(const struct hf_source_options *options,
				 struct hf_source **ret_source, struct hf_err *err) HF_MUST_CHECK;
