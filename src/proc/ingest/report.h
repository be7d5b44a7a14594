/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * report - what ingest tells about itself once a second, as one JSON object.
 *
 * Shape       {"source":id,"codec":name,"frames":n,"fps":x,"width":n,"height":n,
 *             "duration_s":x (of a recording, where it is known),
 *             "layout":"4x4-std","paused":bool,"decode_errors":n,"frame_age_ms":x,
 *             "jobs_sent":n,"jobs_dropped":n,"jobs_lost":n,"jobs_shed":n,"ticks_dropped":n,
 *             "moving":n,"frame_cpu_us":n,"look_age_p95_ms":x,"moving_gap_p95_ms":x,
 *             "tiles":[{"tile":1,"camera":id,"moving":bool,"looks_per_s":x,
 *             "look_age_ms_p95":x}]}
 *
 * Numbers     Counts since the process started. fps, frame_age_ms (from capture
 *             until its jobs are on their way) and frame_cpu_us (of the whole
 *             process, a frame) over the time since the last report;
 *             looks_per_s over the last ten. Quantiles over the last 30 to 60 s.
 *             look_age: from capture of a frame to its result. moving_gap: from
 *             one looked-at frame of a moving tile to its next.
 */
#include "base/histogram.h"
#include "ingest/dispatch.h"
#include "ingest/source.h"
#include "ingest/view.h"

enum {
	REPORT_BYTES_MAX = 8192,
	REPORT_LOOK_SECONDS = 10,
};

/* The last two stretches of time; the older one is complete. */
struct report_window {
	struct hf_histogram now, before;
};

struct report_tile {
	struct report_window look_age_us;
	struct hf_mono looked_at; /* capture time of the frame looked at last; 0: it was still */
	uint32_t looks[REPORT_LOOK_SECONDS];
};

struct report {
	uint64_t ticks_dropped;
	uint64_t frames;
	uint64_t decode_errors_before; /* of sources that were closed since */
	uint64_t frames_reported;
	uint64_t cpu_us_reported;
	int64_t age_us_sum;
	struct hf_mono reported_at, rotated_at;
	unsigned second; /* of the looks */
	struct report_window look_age_us, moving_gap_us;
	struct report_tile tiles[HF_TILES_MAX];
};

struct report_facts {
	const char *source_id;
	const struct hf_source_info *info; /* NULL: the source is not there */
	const struct hf_dispatch *dispatch;
	const struct hf_view_reading *view;
};

void report_frame(struct report *report, const struct hf_frame *frame,
		  const struct hf_view_reading *view, struct hf_mono now);
void report_done(struct report *report, const struct hf_dispatch_job *job, bool failed,
		 struct hf_mono now);

/* Writes the object and begins the next stretch. HF_E_LIMIT: it does not fit. */
enum hf_code report_write(struct report *report, const struct report_facts *facts,
			  struct hf_mono now, char ret_text[REPORT_BYTES_MAX],
			  struct hf_err *err) HF_MUST_CHECK;
