/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/ingest/report.h"

#include "base/json.h"

#include <time.h>

enum {
	ROTATE_MS = 30000,
};

static uint64_t cpu_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void add(struct report_window *window, int64_t value)
{
	hf_histogram_add(&window->now, value > 0 ? (uint64_t)value : 0);
}

static double p95_ms(const struct report_window *window)
{
	struct hf_histogram both = window->now;

	both.count += window->before.count;
	both.max = both.max > window->before.max ? both.max : window->before.max;
	for (uint64_t i = 0; i < HF_HISTOGRAM_BUCKETS; i++)
		both.buckets[i] += window->before.buckets[i];
	return (double)hf_histogram_quantile(&both, 0.95) / 1000;
}

static void rotate(struct report_window *window)
{
	window->before = window->now;
	window->now = (struct hf_histogram){ 0 };
}

void report_frame(struct report *report, const struct hf_frame *frame,
		  const struct hf_view_reading *view, struct hf_mono now)
{
	report->frames++;
	report->age_us_sum += hf_mono_diff_us(now, frame->captured_mono);
	for (uint32_t i = 0; i < HF_TILES_MAX; i++) {
		struct report_tile *tile = &report->tiles[i];

		/* A tile that begins to move is owed a look from now on. */
		if ((view->moving_mask >> i & 1) == 0)
			tile->looked_at = (struct hf_mono){ 0 };
		else if (tile->looked_at.us == 0)
			tile->looked_at = frame->captured_mono;
	}
}

void report_done(struct report *report, const struct hf_dispatch_job *job, bool failed,
		 struct hf_mono now)
{
	struct report_tile *tile = &report->tiles[job->tile];

	if (failed)
		return;
	tile->looks[report->second]++;
	add(&tile->look_age_us, hf_mono_diff_us(now, job->captured));
	add(&report->look_age_us, hf_mono_diff_us(now, job->captured));
	if (tile->looked_at.us != 0 && hf_mono_before(tile->looked_at, job->captured)) {
		add(&report->moving_gap_us, hf_mono_diff_us(job->captured, tile->looked_at));
		tile->looked_at = job->captured;
	}
}

static void write_tiles(const struct report *report, const struct hf_view_reading *view,
			struct hf_json *json)
{
	hf_json_key(json, "tiles");
	hf_json_array_open(json);
	for (uint32_t i = 0; i < view->tile_count; i++) {
		const struct report_tile *tile = &report->tiles[i];
		uint32_t looks = 0;

		if (view->tiles[i].camera == NULL)
			continue;
		for (int s = 0; s < REPORT_LOOK_SECONDS; s++)
			looks += tile->looks[s];
		hf_json_object_open(json);
		hf_json_put_u64(json, "tile", i + 1);
		hf_json_put_text(json, "camera", view->tiles[i].camera->id);
		hf_json_put_bool(json, "moving", view->tiles[i].moving);
		hf_json_put_real(json, "looks_per_s", (double)looks / REPORT_LOOK_SECONDS, 1);
		hf_json_put_real(json, "look_age_ms_p95", p95_ms(&tile->look_age_us), 1);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static void begin_next(struct report *report, uint64_t cpu, struct hf_mono now)
{
	report->reported_at = now;
	report->cpu_us_reported = cpu;
	report->frames_reported = report->frames;
	report->age_us_sum = 0;
	report->second = (report->second + 1) % REPORT_LOOK_SECONDS;
	for (int i = 0; i < HF_TILES_MAX; i++)
		report->tiles[i].looks[report->second] = 0;
	if (hf_mono_before(now, hf_mono_add_ms(report->rotated_at, ROTATE_MS)))
		return;
	report->rotated_at = now;
	rotate(&report->look_age_us);
	rotate(&report->moving_gap_us);
	for (int i = 0; i < HF_TILES_MAX; i++)
		rotate(&report->tiles[i].look_age_us);
}

enum hf_code report_write(struct report *report, const struct report_facts *facts,
			  struct hf_mono now, char ret_text[REPORT_BYTES_MAX], struct hf_err *err)
{
	struct hf_json json = hf_json_begin(ret_text, REPORT_BYTES_MAX);
	const struct hf_dispatch *dispatch = facts->dispatch;
	const uint64_t cpu = cpu_us();
	const uint64_t frames = report->frames - report->frames_reported;
	const double seconds = (double)hf_mono_diff_us(now, report->reported_at) / 1e6;
	uint64_t decode_errors = report->decode_errors_before;

	hf_json_object_open(&json);
	hf_json_put_text(&json, "source", facts->source_id);
	hf_json_put_bool(&json, "open", facts->info != NULL);
	if (facts->info != NULL) {
		decode_errors += facts->info->decode_errors;
		hf_json_put_text(&json, "codec", facts->info->codec);
		hf_json_put_u64(&json, "width", facts->info->width);
		hf_json_put_u64(&json, "height", facts->info->height);
		if (facts->info->duration_s > 0)
			hf_json_put_real(&json, "duration_s", facts->info->duration_s, 1);
	}
	hf_json_put_u64(&json, "frames", report->frames);
	hf_json_put_real(&json, "fps", seconds > 0 ? (double)frames / seconds : 0, 2);
	hf_json_put_text(&json, "layout", hf_layout_id(facts->view->layout));
	hf_json_put_bool(&json, "paused", facts->view->paused);
	hf_json_put_u64(&json, "decode_errors", decode_errors);
	hf_json_put_real(&json, "frame_age_ms",
			 frames > 0 ? (double)report->age_us_sum / 1000 / (double)frames : 0, 1);
	hf_json_put_u64(&json, "jobs_sent", dispatch->jobs_sent);
	hf_json_put_u64(&json, "jobs_dropped", dispatch->jobs_dropped);
	hf_json_put_u64(&json, "jobs_lost", dispatch->jobs_lost);
	hf_json_put_u64(&json, "jobs_shed", dispatch->jobs_shed);
	hf_json_put_u64(&json, "ticks_dropped", report->ticks_dropped);
	hf_json_put_u64(&json, "moving", (uint64_t)__builtin_popcount(facts->view->moving_mask));
	hf_json_put_u64(&json, "frame_cpu_us",
			frames > 0 ? (cpu - report->cpu_us_reported) / frames : 0);
	hf_json_put_real(&json, "look_age_p95_ms", p95_ms(&report->look_age_us), 1);
	hf_json_put_real(&json, "moving_gap_p95_ms", p95_ms(&report->moving_gap_us), 1);
	write_tiles(report, facts->view, &json);
	hf_json_object_close(&json);
	begin_next(report, cpu, now);
	return hf_json_end(&json, err);
}
