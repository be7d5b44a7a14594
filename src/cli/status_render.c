/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status_render.h"

#include "base/auto.h"
#include "cli/pen.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

enum {
	CELL_BYTES = 96,
	CAMERA_WIDTH = 20,
};

/* NULL when it is not there or not a text. */
static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const char *text_or_dash(const json_t *object, const char *key)
{
	const char *text = text_of(object, key);

	return text != NULL && *text != '\0' ? text : "-";
}

/* NaN when it is not there or not a number. */
static double number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void count_cell(const json_t *object, const char *key, char ret_cell[CELL_BYTES])
{
	double value = number_of(object, key);

	if (isnan(value))
		(void)snprintf(ret_cell, CELL_BYTES, "-");
	else
		(void)snprintf(ret_cell, CELL_BYTES, "%.0f", value);
}

/* "41 ms", "2.3 s", "12 s", "3m 20s", "5h 02m", "3d 04h". */
static void duration_cell(double ms, char ret_cell[CELL_BYTES])
{
	if (isnan(ms) || ms < 0 || ms > 1e15) {
		(void)snprintf(ret_cell, CELL_BYTES, "-");
		return;
	}
	int64_t seconds = (int64_t)(ms / 1000);

	if (ms < 9.95)
		(void)snprintf(ret_cell, CELL_BYTES, "%.1f ms", ms);
	else if (ms < 1000)
		(void)snprintf(ret_cell, CELL_BYTES, "%.0f ms", ms);
	else if (ms < 9950)
		(void)snprintf(ret_cell, CELL_BYTES, "%.1f s", ms / 1000);
	else if (seconds < 60)
		(void)snprintf(ret_cell, CELL_BYTES, "%" PRId64 " s", seconds);
	else if (seconds < 3600)
		(void)snprintf(ret_cell, CELL_BYTES, "%" PRId64 "m %02" PRId64 "s", seconds / 60,
			       seconds % 60);
	else if (seconds < 86400)
		(void)snprintf(ret_cell, CELL_BYTES, "%" PRId64 "h %02" PRId64 "m", seconds / 3600,
			       seconds / 60 % 60);
	else
		(void)snprintf(ret_cell, CELL_BYTES, "%" PRId64 "d %02" PRId64 "h", seconds / 86400,
			       seconds / 3600 % 24);
}

static void put_duration(const struct hf_pen *pen, double ms, int width)
{
	char cell[CELL_BYTES];

	duration_cell(ms, cell);
	hf_pen_put(pen, cell, width);
}

static void put_count(const struct hf_pen *pen, const json_t *object, const char *key, int width)
{
	char cell[CELL_BYTES];

	count_cell(object, key, cell);
	hf_pen_put(pen, cell, width);
}

/* "p50 17 ms, p99 21 ms". */
static void put_quantiles(const struct hf_pen *pen, const json_t *times_ms)
{
	(void)fputs("p50 ", pen->out);
	put_duration(pen, number_of(times_ms, "p50"), 0);
	(void)fputs(", p99 ", pen->out);
	put_duration(pen, number_of(times_ms, "p99"), 0);
}

static const char *state_colour(const char *state)
{
	static const struct {
		const char *state;
		const char *code;
	} colours[] = {
		{ "healthy", "1;32" },   { "degraded", "1;33" },    { "recovering", "1;33" },
		{ "safe_mode", "1;31" }, { "rolled_back", "1;35" }, { "running", "32" },
		{ "starting", "33" },    { "waiting", "31" },       { "stopped", "31" },
		{ "up", "32" },          { "down", "33" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(colours); i++)
		if (strcmp(colours[i].state, state) == 0)
			return colours[i].code;
	return "0";
}

static void put_state(const struct hf_pen *pen, const char *state, int width)
{
	hf_pen_colour(pen, state_colour(state));
	hf_pen_put(pen, state, width);
	hf_pen_colour(pen, "0");
}

static void render_state(const struct hf_pen *pen, const json_t *root)
{
	const json_t *reasons = json_object_get(root, "reasons");
	const char *promise = text_of(root, "promise");
	size_t i;
	json_t *reason;

	hf_pen_label(pen, "state");
	put_state(pen, text_or_dash(root, "state"), 0);
	(void)fputs(" for ", pen->out);
	put_duration(pen, number_of(root, "since_ms"), 0);
	if (promise != NULL) {
		(void)fputs(": ", pen->out);
		hf_pen_put(pen, promise, 0);
	}
	(void)fputc('\n', pen->out);
	json_array_foreach(reasons, i, reason)
	{
		hf_pen_label(pen, i == 0 ? "because" : "");
		hf_pen_put(pen, json_is_string(reason) ? json_string_value(reason) : "?", 0);
		(void)fputc('\n', pen->out);
	}
}

static void render_unit(const struct hf_pen *pen, const json_t *root)
{
	const char *site = text_of(root, "site");
	const char *clock = text_of(root, "clock");

	hf_pen_label(pen, "unit");
	hf_pen_put(pen, text_or_dash(root, "device_id"), 0);
	if (site != NULL && *site != '\0') {
		(void)fputs(", ", pen->out);
		hf_pen_put(pen, site, 0);
	}
	(void)fputs("; release ", pen->out);
	hf_pen_put(pen, text_or_dash(root, "release"), 0);
	(void)fputs("; boot ", pen->out);
	put_count(pen, root, "boot", 0);
	(void)fputs(", run ", pen->out);
	put_count(pen, root, "run", 0);
	(void)fputs("; up ", pen->out);
	put_duration(pen, number_of(root, "uptime_ms"), 0);
	if (clock != NULL) {
		(void)fputs("; clock ", pen->out);
		hf_pen_put(pen, clock, 0);
	}
	(void)fputc('\n', pen->out);
	hf_pen_label(pen, "files");
	hf_pen_put(pen, text_or_dash(root, "config"), 0);
	(void)fputs("; data in ", pen->out);
	hf_pen_put(pen, text_or_dash(root, "data"), 0);
	(void)fputc('\n', pen->out);
}

static void heading(const struct hf_pen *pen, const char *text)
{
	(void)fputc('\n', pen->out);
	hf_pen_colour(pen, "2");
	hf_pen_put(pen, text, 0);
	hf_pen_colour(pen, "0");
	(void)fputc('\n', pen->out);
}

static void render_worker(const struct hf_pen *pen, const json_t *worker)
{
	const char *last_exit = text_of(worker, "last_exit");
	double restart_in_ms = number_of(worker, "restart_in_ms");
	char name[CELL_BYTES], index[CELL_BYTES];

	count_cell(worker, "index", index);
	(void)snprintf(name, sizeof name, "%.40s %.20s", text_or_dash(worker, "role"), index);
	hf_pen_put(pen, name, 12);
	put_state(pen, text_or_dash(worker, "state"), 10);
	put_count(pen, worker, "pid", 9);
	put_duration(pen, number_of(worker, "up_ms"), 9);
	put_duration(pen, number_of(worker, "beat_age_ms"), 9);
	put_count(pen, worker, "restarts", last_exit != NULL || !isnan(restart_in_ms) ? 10 : 0);
	if (!isnan(restart_in_ms)) {
		(void)fputs("again in ", pen->out);
		put_duration(pen, restart_in_ms, 0);
		(void)fputs(last_exit != NULL ? "; " : "", pen->out);
	}
	if (last_exit != NULL) {
		(void)fputs("last: ", pen->out);
		hf_pen_put(pen, last_exit, 0);
	}
	(void)fputc('\n', pen->out);
}

static void render_workers(const struct hf_pen *pen, const json_t *workers)
{
	size_t i;
	json_t *worker;

	if (json_array_size(workers) == 0)
		return;
	heading(pen, "PROCESS     STATE     PID      UP       BEAT     RESTARTS");
	json_array_foreach(workers, i, worker) render_worker(pen, worker);
}

/* The statistics of the first worker of a role that has sent some; NULL when none has. */
static const json_t *stats_of(const json_t *workers, const char *role)
{
	size_t i;
	json_t *worker;

	json_array_foreach(workers, i, worker)
	{
		const char *its_role = text_of(worker, "role");
		const json_t *stats = json_object_get(worker, "stats");

		if (its_role != NULL && strcmp(its_role, role) == 0 && json_is_object(stats))
			return stats;
	}
	return NULL;
}

/* What respond says of a camera; NULL when it says nothing. */
static const json_t *camera_of(const json_t *respond, const char *name)
{
	const json_t *cameras = json_object_get(respond, "cameras");
	size_t i;
	json_t *camera;

	json_array_foreach(cameras, i, camera)
	{
		const char *its_name = text_of(camera, "camera");

		if (its_name != NULL && strcmp(its_name, name) == 0)
			return camera;
	}
	return NULL;
}

static void render_source(const struct hf_pen *pen, const json_t *stats)
{
	double fps = number_of(stats, "fps");

	(void)fputc('\n', pen->out);
	hf_pen_label(pen, "source");
	hf_pen_put(pen, text_or_dash(stats, "source"), 0);
	(void)fputs("; ", pen->out);
	if (json_is_false(json_object_get(stats, "open")))
		put_state(pen, "down", 0);
	else if (isnan(fps))
		(void)fputs("-", pen->out);
	else
		(void)fprintf(pen->out, "%.1f frames a second", fps);
	(void)fputs("; layout ", pen->out);
	hf_pen_put(pen, text_or_dash(stats, "layout"), 0);
	(void)fputs("; frames ", pen->out);
	put_duration(pen, number_of(stats, "frame_age_ms"), 0);
	(void)fputs(" old\n", pen->out);
	hf_pen_label(pen, "");
	(void)fputs("tiles dropped ", pen->out);
	put_count(pen, stats, "jobs_dropped", 0);
	(void)fputs(", lost ", pen->out);
	put_count(pen, stats, "jobs_lost", 0);
	(void)fputs("; a moving tile is looked at every ", pen->out);
	put_duration(pen, number_of(stats, "moving_gap_p95_ms"), 0);
	(void)fputs(" (p95)\n", pen->out);
}

static void render_tile(const struct hf_pen *pen, const json_t *tile, const json_t *respond)
{
	const char *name = text_or_dash(tile, "camera");
	const json_t *camera = camera_of(respond, name);
	double looks = number_of(tile, "looks_per_s");
	char cell[CELL_BYTES] = "-";

	hf_pen_put(pen, name, CAMERA_WIDTH);
	(void)fputc(' ', pen->out);
	put_count(pen, tile, "tile", 6);
	hf_pen_put(pen, json_is_true(json_object_get(tile, "moving")) ? "yes" : "no", 8);
	if (!isnan(looks))
		(void)snprintf(cell, sizeof cell, "%.1f", looks);
	hf_pen_put(pen, cell, 9);
	put_duration(pen, number_of(tile, "look_age_ms_p95"), 9);
	put_duration(pen, number_of(camera, "last_look_ms"), 11);
	put_count(pen, camera, "tracks", 0);
	(void)fputc('\n', pen->out);
}

static void render_sources(const struct hf_pen *pen, const json_t *workers)
{
	const json_t *respond = stats_of(workers, "respond");
	size_t i, j;
	json_t *worker, *tile;

	json_array_foreach(workers, i, worker)
	{
		const char *role = text_of(worker, "role");
		const json_t *stats = json_object_get(worker, "stats");
		const json_t *tiles = json_object_get(stats, "tiles");

		if (role == NULL || strcmp(role, "ingest") != 0 || !json_is_object(stats))
			continue;
		render_source(pen, stats);
		if (json_array_size(tiles) > 0)
			heading(pen, "CAMERA               TILE  MOVING  LOOKS/S  DELAY    LAST "
				     "LOOK  TRACKS");
		json_array_foreach(tiles, j, tile) render_tile(pen, tile, respond);
	}
}

static void render_model(const struct hf_pen *pen, const json_t *workers)
{
	size_t i;
	json_t *worker;

	json_array_foreach(workers, i, worker)
	{
		const char *role = text_of(worker, "role");
		const json_t *stats = json_object_get(worker, "stats");

		if (role == NULL || strcmp(role, "infer") != 0 || !json_is_object(stats))
			continue;
		hf_pen_label(pen, "detector");
		hf_pen_put(pen, text_or_dash(stats, "model"), 0);
		(void)fputs("; ", pen->out);
		put_count(pen, stats, "jobs", 0);
		(void)fputs(" tiles, ", pen->out);
		put_count(pen, stats, "failed", 0);
		(void)fputs(" failed; inference ", pen->out);
		put_quantiles(pen, json_object_get(stats, "inference_ms"));
		(void)fputc('\n', pen->out);
	}
}

static void render_events(const struct hf_pen *pen, const json_t *workers)
{
	const json_t *respond = stats_of(workers, "respond");
	const json_t *keeper = stats_of(workers, "keeper");

	if (respond != NULL) {
		hf_pen_label(pen, "events");
		put_count(pen, respond, "events", 0);
		(void)fputs(" raised, ", pen->out);
		put_count(pen, respond, "suppressed", 0);
		(void)fputs(" held back, ", pen->out);
		put_count(pen, respond, "pending_offers", 0);
		(void)fputs(" not yet stored; from frame to disk ", pen->out);
		put_quantiles(pen, json_object_get(respond, "latency_ms"));
		(void)fputc('\n', pen->out);
	}
	if (keeper != NULL) {
		hf_pen_label(pen, "outbox");
		(void)fputs("last number ", pen->out);
		put_count(pen, keeper, "local_seq", 0);
		(void)fputs("; in ", pen->out);
		hf_pen_put(pen, text_or_dash(keeper, "file"), 0);
		(void)fputs("; commit by ", pen->out);
		hf_pen_put(pen, text_or_dash(keeper, "commit"), 0);
		(void)fputc(' ', pen->out);
		put_quantiles(pen, json_object_get(keeper, "commit_ms"));
		(void)fputc('\n', pen->out);
	}
}

static void render_hub(const struct hf_pen *pen, const json_t *root, const json_t *workers)
{
	const json_t *uplink = stats_of(workers, "uplink");
	const char *hub = text_of(root, "hub");
	double attempts = number_of(uplink, "attempts");

	if (hub != NULL) {
		hf_pen_label(pen, "hub");
		hf_pen_put(pen, *hub != '\0' ? hub : "none: events stay here", 0);
		(void)fputc('\n', pen->out);
	}
	if (uplink == NULL)
		return;
	hf_pen_label(pen, "link");
	put_state(pen, text_or_dash(uplink, "link"), 0);
	(void)fputs(", ", pen->out);
	hf_pen_put(pen, text_or_dash(uplink, "state"), 0);
	(void)fputs("; delivered through ", pen->out);
	put_count(pen, uplink, "acked", 0);
	(void)fputs(", ", pen->out);
	put_count(pen, uplink, "pending", 0);
	(void)fputs(" to go", pen->out);
	if (number_of(uplink, "pending") > 0) {
		(void)fputs(", the oldest ", pen->out);
		put_duration(pen, number_of(uplink, "oldest_pending_ms"), 0);
		(void)fputs(" old", pen->out);
	}
	(void)fputc('\n', pen->out);
	if (isnan(attempts) || attempts <= 0)
		return;
	hf_pen_label(pen, "");
	(void)fputs("failed attempts ", pen->out);
	put_count(pen, uplink, "attempts", 0);
	(void)fputs(", next in ", pen->out);
	put_duration(pen, number_of(uplink, "retry_in_ms"), 0);
	(void)fputs(": ", pen->out);
	hf_pen_put(pen, text_or_dash(uplink, "last_error"), 0);
	(void)fputc('\n', pen->out);
}

enum hf_code hf_status_render(const char *json_text, bool with_colour, FILE *stream,
			      struct hf_err *err)
{
	const struct hf_pen pen = { stream, with_colour };
	json_error_t why;

	json_t *root = json_loads(json_text, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(root)) {
		json_decref(root);
		return hf_fail(err, HF_E_INVALID, "the status is not a JSON object: %s",
			       root == NULL ? why.text : "something else");
	}
	const json_t *workers = json_object_get(root, "workers");
	render_state(&pen, root);
	render_unit(&pen, root);
	render_workers(&pen, workers);
	render_sources(&pen, workers);
	(void)fputc('\n', stream);
	render_model(&pen, workers);
	render_events(&pen, workers);
	render_hub(&pen, root, workers);
	json_decref(root);
	return HF_OK;
}
