/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/respond/respond.h"

#include "base/json.h"

enum {
	STATS_MS = 1000,
	STATS_BYTES_MAX = 8192,
};

static void put_latency(struct hf_json *json, const struct hf_histogram *us)
{
	hf_json_key(json, "latency_ms");
	hf_json_object_open(json);
	if (us->count == 0) {
		hf_json_put_null(json, "p50");
		hf_json_put_null(json, "p99");
		hf_json_put_null(json, "max");
	} else {
		hf_json_put_real(json, "p50", (double)hf_histogram_quantile(us, 0.5) / 1000, 1);
		hf_json_put_real(json, "p99", (double)hf_histogram_quantile(us, 0.99) / 1000, 1);
		hf_json_put_real(json, "max", (double)us->max / 1000, 1);
	}
	hf_json_object_close(json);
}

static void put_cameras(struct hf_json *json, const struct respond *respond, struct hf_mono now)
{
	const struct hf_config *config = hf_worker_config(respond->worker);

	hf_json_key(json, "cameras");
	hf_json_array_open(json);
	for (uint32_t i = 0; i < config->camera_count; i++) {
		const struct hf_tracker *tracker = hf_scene_tracker(respond->scene, i);
		struct hf_mono last = hf_tracker_last_look(tracker);

		hf_json_object_open(json);
		hf_json_put_text(json, "camera", config->cameras[i].id);
		hf_json_put_u64(json, "tracks", hf_tracker_confirmed(tracker));
		hf_json_key(json, "last_look_ms");
		if (last.us == 0)
			hf_json_null(json);
		else
			hf_json_i64(json, hf_mono_diff_us(now, last) / 1000);
		hf_json_object_close(json);
	}
	hf_json_array_close(json);
}

static bool write_stats(struct respond *respond, char *text, bool with_cameras)
{
	const struct hf_config *config = hf_worker_config(respond->worker);
	const struct hf_stays *stays = hf_scene_stays(respond->scene);
	struct hf_json json = hf_json_begin(text, STATS_BYTES_MAX);
	uint64_t tracks = 0, tracks_refused = 0;

	for (uint32_t i = 0; i < config->camera_count; i++) {
		tracks += hf_tracker_confirmed(hf_scene_tracker(respond->scene, i));
		tracks_refused += hf_scene_tracker(respond->scene, i)->refused;
	}
	hf_json_object_open(&json);
	hf_json_put_u64(&json, "tracks", tracks);
	hf_json_put_u64(&json, "tracks_refused", tracks_refused);
	hf_json_put_u64(&json, "stays", hf_stays_open(stays));
	hf_json_put_u64(&json, "stays_evicted", stays->evicted);
	hf_json_put_u64(&json, "events", respond->events);
	/* Held back by a cool-down, and not taken because the queue was full. */
	hf_json_put_u64(&json, "suppressed",
			hf_scene_rules(respond->scene)->held_total + respond->suppressed);
	hf_json_put_u64(&json, "committed", respond->committed);
	hf_json_put_u64(&json, "refused", respond->refused);
	hf_json_put_u64(&json, "put_off", respond->put_off);
	hf_json_put_u64(&json, "pending_offers", respond->offers.count);
	hf_json_put_u64(&json, "unsaved_offers", respond->offers.count - respond->offers.saved);
	hf_json_put_u64(&json, "results", respond->results);
	hf_json_put_u64(&json, "failed_results", respond->results_failed);
	hf_json_put_u64(&json, "late_results", respond->results_late);
	hf_json_put_u64(&json, "stale_results", respond->results_stale);
	hf_json_put_u64(&json, "pixels_missed", respond->pixels_missed);
	put_latency(&json, &respond->latency_us);
	if (with_cameras)
		put_cameras(&json, respond, respond_now());
	hf_json_object_close(&json);
	return hf_json_end(&json, NULL) == HF_OK;
}

void report_when_due(struct respond *respond)
{
	char text[STATS_BYTES_MAX];

	if (hf_mono_before(respond_now(), respond->stats_due))
		return;
	respond->stats_due = hf_mono_add_ms(respond_now(), STATS_MS);
	/* 64 cameras with the longest names are more than one message takes. */
	if (write_stats(respond, text, true) || write_stats(respond, text, false))
		hf_worker_stats(respond->worker, text);
}
