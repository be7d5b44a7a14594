/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer_bench - what the detector costs beside the bare model runtime.
 *
 * Usage    infer_bench [--json] [--model DIR]
 * Figures  detector_time    a tile in, detections out (hf_runtime_run), against ONNX Runtime
 *                           alone on the same numbers with its own defaults: how much is ours
 *          detector_scaled  the same for a tile that must be scaled first
 *          detector_memory  resident memory of a process after 20 tiles, against one that has
 *                           only the bare runtime
 *
 * Method: the three kinds of runs take turns, so that a busy neighbour or a change of clock
 * meets all of them; medians. Memory is measured in children that do nothing else.
 */
#include "base/auto.h"
#include "base/clock.h"
#include "infer/preprocess.h"
#include "infer/runtime.h"

#include <inttypes.h>
#include <onnxruntime_c_api.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	API_LEVEL = 17,
	WARM_UP = 20,
	ROUNDS = 150,
	OUTPUTS = 2,
	TILE_WIDTH = 480,
	TILE_HEIGHT = 270,
};

struct bare {
	const OrtApi *api;
	OrtEnv *env;
	OrtSession *session;
	OrtValue *input;
	float *values;
};

struct figure {
	const char *name;
	const char *unit;
	double value;
	double limit; /* what it is held against */
};

static uint8_t tile[3 * HF_TILE_WIDTH_MAX * HF_TILE_HEIGHT_MAX];
static struct hf_detection found[HF_DETECTIONS_MAX];

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "infer_bench: %s: %s\n", what, why);
	exit(1);
}

static void must(enum hf_code code, const struct hf_err *err)
{
	if (code != HF_OK)
		die(hf_code_name(code), err->text);
}

static void must_ort(const struct bare *b, OrtStatus *status)
{
	if (status != NULL)
		die("ONNX Runtime", b->api->GetErrorMessage(status));
}

/* The same numbers hf_runtime_run() would give it. */
static float *prepare(const struct hf_pack *pack)
{
	struct hf_preprocess *preprocess = NULL;
	struct hf_err err;
	size_t bytes = 3 * sizeof(float) * pack->input_width * pack->input_height;
	float *values = malloc(bytes);

	if (values == NULL)
		die("input", "out of memory");
	must(hf_preprocess_open(pack, &preprocess, &err), &err);
	struct hf_mapping mapping = hf_preprocess_map(preprocess, TILE_WIDTH, TILE_HEIGHT);
	hf_preprocess_run(preprocess, &mapping, tile);
	memcpy(values, hf_preprocess_planes(preprocess), bytes);
	hf_preprocess_close(preprocess);
	return values;
}

/* As its documentation shows it; one thread, as ours. */
static struct bare open_bare(const struct hf_pack *pack)
{
	struct bare b = { .api = OrtGetApiBase()->GetApi(API_LEVEL) };
	const int64_t shape[] = { 1, 3, pack->input_height, pack->input_width };
	OrtSessionOptions *options;
	OrtMemoryInfo *memory;
	char path[HF_PATH_BYTES + HF_ID_BYTES + 2];

	if (b.api == NULL)
		die("ONNX Runtime", "too old");
	(void)snprintf(path, sizeof path, "%s/%s", pack->folder, pack->file);
	b.values = prepare(pack);
	must_ort(&b, b.api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &b.env));
	must_ort(&b, b.api->CreateSessionOptions(&options));
	must_ort(&b, b.api->SetIntraOpNumThreads(options, 1));
	must_ort(&b, b.api->SetInterOpNumThreads(options, 1));
	must_ort(&b, b.api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
	must_ort(&b, b.api->CreateSession(b.env, path, options, &b.session));
	must_ort(&b, b.api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
	must_ort(&b, b.api->CreateTensorWithDataAsOrtValue(
			     memory, b.values,
			     3 * sizeof(float) * pack->input_width * pack->input_height, shape, 4,
			     ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &b.input));
	b.api->ReleaseMemoryInfo(memory);
	b.api->ReleaseSessionOptions(options);
	return b;
}

static void run_bare(const struct bare *b, const struct hf_pack *pack)
{
	const char *input_name = pack->input_name;
	const char *names[OUTPUTS] = { pack->outputs[0].name, pack->outputs[1].name };
	const OrtValue *input = b->input;
	OrtValue *outputs[OUTPUTS] = { NULL };

	must_ort(b, b->api->Run(b->session, NULL, &input_name, &input, 1, names, OUTPUTS, outputs));
	for (size_t i = 0; i < OUTPUTS; i++)
		b->api->ReleaseValue(outputs[i]);
}

static void close_bare(struct bare *b)
{
	b->api->ReleaseValue(b->input);
	b->api->ReleaseSession(b->session);
	b->api->ReleaseEnv(b->env);
	free(b->values);
}

static void run_ours(struct hf_runtime *runtime, uint32_t width, uint32_t height)
{
	struct hf_err err;
	uint32_t count;

	must(hf_runtime_run(runtime, tile, width, height, 0.1F, found, &count, &err), &err);
}

static double now_ms(void)
{
	return (double)hf_mono_now(hf_clock_real()).us / 1000;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof *values, by_value);
	return values[ROUNDS / 2];
}

static void measure_time(const struct hf_pack *pack, struct figure *ret_plain,
			 struct figure *ret_scaled)
{
	static double bare_ms[ROUNDS], plain_ms[ROUNDS], scaled_ms[ROUNDS];
	struct bare bare = open_bare(pack);
	struct hf_runtime *runtime = NULL;
	struct hf_err err;

	must(hf_runtime_open(pack, &runtime, &err), &err);
	for (int i = -WARM_UP; i < ROUNDS; i++) {
		double t0 = now_ms();
		run_bare(&bare, pack);
		double t1 = now_ms();
		run_ours(runtime, TILE_WIDTH, TILE_HEIGHT);
		double t2 = now_ms();
		run_ours(runtime, HF_TILE_WIDTH_MAX, HF_TILE_HEIGHT_MAX);
		double t3 = now_ms();

		if (i < 0)
			continue;
		bare_ms[i] = t1 - t0;
		plain_ms[i] = t2 - t1;
		scaled_ms[i] = t3 - t2;
	}
	double limit = median(bare_ms);
	*ret_plain = (struct figure){ "detector_time", "ms", median(plain_ms), limit };
	*ret_scaled = (struct figure){ "detector_scaled", "ms", median(scaled_ms), limit };
	hf_runtime_close(runtime);
	close_bare(&bare);
}

static double resident_mb(void)
{
	char line[256];
	HF_AUTO_FCLOSE FILE *file = fopen("/proc/self/smaps_rollup", "r");
	long kib = 0;

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, "Rss:", 4) == 0)
			kib = strtol(line + 4, NULL, 10);
	return (double)kib / 1024;
}

/* Of a child that only looks at tiles. */
static double measure_memory(const struct hf_pack *pack, bool ours)
{
	int ends[2];
	double mb = 0;

	if (pipe(ends) != 0)
		die("memory", "no pipe");
	pid_t pid = fork();
	if (pid < 0)
		die("memory", "no child");
	if (pid == 0) {
		struct hf_runtime *runtime = NULL;
		struct bare bare = { 0 };
		struct hf_err err;

		if (ours)
			must(hf_runtime_open(pack, &runtime, &err), &err);
		else
			bare = open_bare(pack);
		for (int i = 0; i < WARM_UP; i++) {
			if (ours)
				run_ours(runtime, TILE_WIDTH, TILE_HEIGHT);
			else
				run_bare(&bare, pack);
		}
		mb = resident_mb();
		_exit(write(ends[1], &mb, sizeof mb) == sizeof mb ? 0 : 1);
	}
	(void)close(ends[1]);
	if (read(ends[0], &mb, sizeof mb) != sizeof mb)
		die("memory", "the child failed");
	(void)close(ends[0]);
	(void)waitpid(pid, NULL, 0);
	return mb;
}

static void print(const struct figure *f, bool json)
{
	if (json)
		(void)printf(
			"{\"bench\":\"infer\",\"figure\":\"%s\",\"value\":%.3f,\"unit\":\"%s\","
			"\"limit\":%.3f,\"ratio\":%.3f}\n",
			f->name, f->value, f->unit, f->limit, f->value / f->limit);
	else
		(void)printf("%-16s %8.2f %-3s  bare runtime %8.2f %-3s  ratio %.3f\n", f->name,
			     f->value, f->unit, f->limit, f->unit, f->value / f->limit);
}

int main(int argc, char **argv)
{
	const char *model = MODEL_PATH;
	bool json = false;
	struct hf_pack pack;
	struct hf_err err;
	struct figure plain, scaled;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = true;
		} else if (strcmp(argv[i], "--model") == 0 && i + 1 < argc) {
			model = argv[++i];
		} else {
			(void)fputs("usage: infer_bench [--json] [--model DIR]\n", stderr);
			return 2;
		}
	}
	must(hf_pack_open(model, &pack, &err), &err);
	if (pack.output_count != OUTPUTS)
		die(model, "not a pack with two outputs");
	/* Any picture will do: the work does not depend on what it shows. */
	for (size_t i = 0; i < sizeof tile; i++)
		tile[i] = (uint8_t)(i * 2654435761U >> 24);
	struct figure memory = { "detector_memory", "MB", measure_memory(&pack, true),
				 measure_memory(&pack, false) };
	measure_time(&pack, &plain, &scaled);
	print(&plain, json);
	print(&scaled, json);
	print(&memory, json);
	return 0;
}
