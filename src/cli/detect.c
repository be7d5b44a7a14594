/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast detect - the detector alone: pictures and clips in, a JSON line a frame out.
 *
 * Method: cli/borrow.h runs the unit's own ingest and infer. ingest may scale a picture down to
 * the detector's size; the job carries both sizes, boxes are scaled back here.
 */
#include "base/auto.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/borrow.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/draw.h"
#include "infer/pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE_BYTES = 16 * 1024,
	PROGRESS_FRAMES = 10,
	DEADLINE_MS = 60000, /* of one inference: a slow machine is not an error here */
	FPS_MAX = 60,        /* the most the setting allows: every frame of most clips */
};

static const double score_lowest = 0.01; /* track.score_low's range begins there */

struct detect {
	double score; /* 0: the pack's */
	char model[HF_PATH_BYTES];
	const char *draw;
	struct hf_config config;
	struct hf_pack pack;
	const char *file;
	uint64_t frames, frames_failed; /* of this file */
	bool progress;                  /* standard error is a terminal */
	char line[LINE_BYTES];
	uint8_t tile[3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX];
};

/* Arguments */

static int parse_score(const char *text, double *ret_score)
{
	char *end = NULL;
	double score = strtod(text, &end);

	if (end == text || *end != '\0' || !(score >= score_lowest && score <= 1))
		return hf_cli_usage("detect", "--score wants a number from 0.01 to 1, not \"%s\"",
				    text);
	*ret_score = score;
	return HF_EXIT_OK;
}

static int take_words(struct detect *detect, const struct hf_words *words)
{
	const char *score = hf_words_value(words, "--score");
	const char *model = hf_words_value(words, "--model");

	detect->draw = hf_words_value(words, "--draw");
	if (model != NULL && strlen(model) >= sizeof detect->model)
		return hf_cli_usage("detect", "--model: the path is too long");
	if (model != NULL)
		(void)snprintf(detect->model, sizeof detect->model, "%s", model);
	return score != NULL ? parse_score(score, &detect->score) : HF_EXIT_OK;
}

/* Frames */

static void put_detection(struct hf_json *json, const struct detect *detect,
			  const struct hf_job *job, const struct hf_detection *d)
{
	double x_scale = (double)job->source_width / job->width;
	double y_scale = (double)job->source_height / job->height;
	bool known = d->class_index < detect->pack.class_count;

	hf_json_object_open(json);
	hf_json_put_text(json, "class", known ? detect->pack.classes[d->class_index] : NULL);
	hf_json_put_real(json, "score", (double)d->score, 3);
	hf_json_key(json, "box");
	hf_json_array_open(json);
	hf_json_real(json, (double)d->x * x_scale, 1);
	hf_json_real(json, (double)d->y * y_scale, 1);
	hf_json_real(json, (double)d->width * x_scale, 1);
	hf_json_real(json, (double)d->height * y_scale, 1);
	hf_json_array_close(json);
	hf_json_object_close(json);
}

static enum hf_code print_line(struct detect *detect, const struct hf_result *result,
			       struct hf_err *err)
{
	struct hf_json json = hf_json_begin(detect->line, sizeof detect->line);

	hf_json_object_open(&json);
	hf_json_put_text(&json, "source", detect->file);
	hf_json_put_u64(&json, "frame", result->job.frame);
	hf_json_key(&json, "detections");
	hf_json_array_open(&json);
	for (uint32_t i = 0; i < result->detection_count; i++)
		if ((double)result->detections[i].score >= detect->score)
			put_detection(&json, detect, &result->job, &result->detections[i]);
	hf_json_array_close(&json);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	/* Each line at once: who reads along a clip need not wait for its end. */
	if (puts(detect->line) < 0 || fflush(stdout) != 0)
		return hf_fail_errno(err, "write to standard output");
	return HF_OK;
}

static enum hf_code draw(struct detect *detect, const struct hf_result *result,
			 const struct hf_ring *ring, struct hf_err *err)
{
	const struct hf_job *job = &result->job;
	const char *slash = strrchr(detect->file, '/');
	const char *name = slash != NULL ? slash + 1 : detect->file;
	char path[2 * HF_PATH_BYTES];
	enum hf_code code = hf_ring_read(ring, job->slot, job->slot_generation, detect->tile,
					 (size_t)3 * job->width * job->height, err);

	if (code != HF_OK)
		return hf_err_prefix(err, "draw frame %" PRIu64, job->frame);
	if ((size_t)snprintf(path, sizeof path, "%s/%s-%06" PRIu64 ".jpg", detect->draw, name,
			     job->frame) >= sizeof path)
		return hf_fail(err, HF_E_LIMIT, "--draw: the path is too long");
	hf_draw_boxes(detect->tile, job->width, job->height, result->detections,
		      result->detection_count, (float)detect->score);
	return hf_draw_write(detect->tile, job->width, job->height, path, err);
}

static void show_progress(const struct detect *detect)
{
	if (detect->progress && detect->frames % PROGRESS_FRAMES == 0)
		(void)fprintf(stderr, "\r%s: frame %" PRIu64 " ", detect->file, detect->frames);
}

static void end_progress(const struct detect *detect)
{
	if (detect->progress && detect->frames >= PROGRESS_FRAMES)
		(void)fputs("\r\033[K", stderr);
}

static enum hf_code on_result(void *context, const struct hf_result *result,
			      const struct hf_ring *ring, struct hf_err *err)
{
	struct detect *detect = context;

	detect->frames++;
	show_progress(detect);
	if (result->failed != 0) {
		detect->frames_failed++;
		end_progress(detect);
		(void)fprintf(stderr, "holdfast: %s: frame %" PRIu64 " could not be looked at\n",
			      detect->file, result->job.frame);
		return HF_OK;
	}
	enum hf_code code = print_line(detect, result, err);
	if (code != HF_OK || detect->draw == NULL)
		return code;
	return draw(detect, result, ring, err);
}

/* Files */

/* A source with one camera, all of whose frames are looked at. */
static enum hf_code configure(struct detect *detect, const char *file, struct hf_err *err)
{
	struct hf_config *config = &detect->config;
	struct hf_config_source *source = &config->sources[0];
	struct hf_config_camera *camera = &config->cameras[0];

	hf_config_defaults(config);
	config->track_score_low = detect->score;
	config->infer_deadline_ms = DEADLINE_MS;
	(void)snprintf(config->model_path, sizeof config->model_path, "%s", detect->model);
	if (strlen(file) >= sizeof source->url)
		return hf_fail(err, HF_E_LIMIT, "path longer than %zu bytes: %.80s...",
			       sizeof source->url - 1, file);
	config->source_count = config->camera_count = 1;
	(void)snprintf(source->id, sizeof source->id, "file");
	(void)snprintf(source->url, sizeof source->url, "%s", file);
	source->type = HF_SOURCE_FILE;
	source->layout = HF_LAYOUT_1X1;
	source->fps = FPS_MAX;
	(void)snprintf(camera->id, sizeof camera->id, "file");
	(void)snprintf(camera->source_id, sizeof camera->source_id, "file");
	camera->tile = 1;
	return HF_OK;
}

static bool look_at_file(struct detect *detect, struct hf_borrow *borrow, const char *file)
{
	const struct hf_borrow_ops ops = { .context = detect, .on_result = on_result };
	struct hf_err err = { 0 };

	detect->file = file;
	detect->frames = detect->frames_failed = 0;
	enum hf_code code = configure(detect, file, &err);
	if (code == HF_OK)
		code = hf_borrow_run(borrow, &detect->config, 0, &ops, &err);
	end_progress(detect);
	if (code == HF_OK)
		return detect->frames_failed == 0;
	/* Most reasons name the file themselves. */
	bool named = strstr(err.text, file) != NULL;
	(void)fprintf(stderr, "holdfast: %s%s%s\n", named ? "" : file, named ? "" : ": ", err.text);
	return false;
}

static int look_at_files(struct detect *detect, struct hf_borrow *borrow, char **files, int count)
{
	int good = 0;

	for (int i = 0; i < count && ferror(stdout) == 0; i++)
		good += look_at_file(detect, borrow, files[i]);
	return good == count ? HF_EXIT_OK : good > 0 ? HF_EXIT_PARTIAL : HF_EXIT_FAILED;
}

static int fail(const struct hf_err *err)
{
	(void)fprintf(stderr, "holdfast: %s\n", err->text);
	return HF_EXIT_FAILED;
}

/* --model, or the one that was installed. */
static enum hf_code find_model(struct detect *detect, const struct hf_borrow *borrow,
			       struct hf_err *err)
{
	const char *share = hf_borrow_tree(borrow)->share;

	if (detect->model[0] == '\0' && (size_t)snprintf(detect->model, sizeof detect->model,
							 "%s/model", share) >= sizeof detect->model)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s/model", share);
	return hf_pack_open(detect->model, &detect->pack, err);
}

static int run(struct detect *detect, char **files, int count)
{
	const struct hf_borrow_options options = { .lockstep = HF_LOCKSTEP_ALL, .infer_count = 1 };
	struct hf_borrow *borrow = NULL;
	struct hf_err err = { 0 };

	if (hf_borrow_open(&options, &borrow, &err) != HF_OK)
		return fail(&err);
	enum hf_code code = find_model(detect, borrow, &err);
	if (code == HF_OK && detect->draw != NULL)
		code = hf_folder_make(detect->draw, 0755, &err);
	if (code == HF_OK && detect->score <= 0)
		detect->score = (double)detect->pack.score_threshold;
	int exit_code = code == HF_OK ? look_at_files(detect, borrow, files, count) : fail(&err);
	hf_borrow_close(borrow);
	return exit_code;
}

int hf_cli_detect(int argc, char **argv)
{
	struct hf_words words;
	int exit_code = hf_command_parse(hf_command_find("detect"), argc, argv, &words);

	if (exit_code != HF_EXIT_OK)
		return exit_code;
	HF_AUTO_FREE struct detect *detect = calloc(1, sizeof *detect);
	if (detect == NULL)
		return HF_EXIT_FAILED;
	detect->progress = isatty(STDERR_FILENO) == 1;
	exit_code = take_words(detect, &words);
	return exit_code != HF_EXIT_OK ? exit_code
				       : run(detect, words.arguments, words.argument_count);
}
