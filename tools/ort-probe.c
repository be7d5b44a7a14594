/* SPDX-License-Identifier: Apache-2.0
 *
 * ort-probe - runs one ONNX model on raw tensors, for set-up and benchmarks.
 *
 * Usage    ort-probe MODEL INPUT OUTDIR [REPEATS]
 * Input    float32 tensors of the model's one input, one after the other
 * Output   OUTDIR/NAME.f32 for each output of the model, tensor after tensor;
 *          one line of JSON on stdout: shapes, milliseconds, resident memory
 *
 * It talks to ONNX Runtime exactly as the inference worker does: API level 17,
 * all graph optimisations, one thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "onnxruntime_c_api.h"

enum {
	API_LEVEL = 17,
	OUTPUTS_MAX = 8,
	DIMS_MAX = 8,
	RUNS_MAX = 100000
};

static const OrtApi *api;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "ort-probe: %s: %s\n", what, why);
	exit(1);
}

static void check(OrtStatus *status, const char *what)
{
	if (status)
		die(what, api->GetErrorMessage(status));
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static long status_kib(const char *key)
{
	char line[256];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtol(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

struct port {
	char *name;
	int64_t dims[DIMS_MAX];
	size_t dims_count;
	size_t values; /* in one tensor */
	FILE *file;
};

static void describe(OrtTypeInfo *type, struct port *port)
{
	const OrtTensorTypeAndShapeInfo *shape;

	check(api->CastTypeInfoToTensorInfo(type, &shape), "tensor type");
	check(api->GetDimensionsCount(shape, &port->dims_count), "rank");
	if (port->dims_count > DIMS_MAX)
		die(port->name, "has too many dimensions");
	check(api->GetDimensions(shape, port->dims, port->dims_count), "shape");
	port->values = 1;
	for (size_t i = 0; i < port->dims_count; i++) {
		if (port->dims[i] <= 0)
			die(port->name, "has a dimension that is not fixed");
		port->values *= (size_t)port->dims[i];
	}
	api->ReleaseTypeInfo(type);
}

static void print_port(const struct port *port)
{
	printf("\"%s\":[", port->name);
	for (size_t i = 0; i < port->dims_count; i++)
		printf("%s%lld", i ? "," : "", (long long)port->dims[i]);
	printf("]");
}

int main(int argc, char **argv)
{
	static double took_ms[RUNS_MAX];
	struct port in = { 0 }, out[OUTPUTS_MAX] = { 0 };
	const char *out_names[OUTPUTS_MAX];
	size_t outputs, runs = 0;
	OrtEnv *env;
	OrtSessionOptions *options;
	OrtSession *session;
	OrtAllocator *allocator;
	OrtMemoryInfo *memory;
	OrtTypeInfo *type;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: ort-probe MODEL INPUT OUTDIR [REPEATS]\n");
		return 2;
	}
	long repeats = argc == 5 ? strtol(argv[4], NULL, 10) : 1;
	const OrtApiBase *base = OrtGetApiBase();

	api = base->GetApi(API_LEVEL);
	if (!api)
		die("ONNX Runtime", "does not offer API level 17");
	double start_ms = now_ms();

	check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "ort-probe", &env), "environment");
	check(api->CreateSessionOptions(&options), "options");
	check(api->SetIntraOpNumThreads(options, 1), "threads");
	check(api->SetInterOpNumThreads(options, 1), "threads");
	check(api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL), "optimisation");
	check(api->CreateSession(env, argv[1], options, &session), argv[1]);
	double load_ms = now_ms() - start_ms;

	check(api->GetAllocatorWithDefaultOptions(&allocator), "allocator");
	check(api->SessionGetInputName(session, 0, allocator, &in.name), "input");
	check(api->SessionGetInputTypeInfo(session, 0, &type), "input");
	describe(type, &in);
	check(api->SessionGetOutputCount(session, &outputs), "outputs");
	if (outputs > OUTPUTS_MAX)
		die(argv[1], "has too many outputs");
	for (size_t i = 0; i < outputs; i++) {
		char path[4096];

		check(api->SessionGetOutputName(session, i, allocator, &out[i].name), "output");
		check(api->SessionGetOutputTypeInfo(session, i, &type), "output");
		describe(type, &out[i]);
		out_names[i] = out[i].name;
		snprintf(path, sizeof path, "%s/%s.f32", argv[3], out[i].name);
		out[i].file = fopen(path, "wb");
		if (!out[i].file)
			die(path, strerror(errno));
	}

	FILE *input = fopen(argv[2], "rb");

	if (!input)
		die(argv[2], strerror(errno));
	float *data = malloc(in.values * sizeof *data);

	if (!data)
		die("input", "no memory");
	check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory), "memory");
	const char *in_names[] = { in.name };

	while (fread(data, sizeof *data, in.values, input) == in.values) {
		OrtValue *x, *y[OUTPUTS_MAX];

		check(api->CreateTensorWithDataAsOrtValue(memory, data, in.values * sizeof *data,
							  in.dims, in.dims_count,
							  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x),
		      "input tensor");
		for (long r = 0; r < repeats; r++) {
			memset(y, 0, sizeof y);
			double begin_ms = now_ms();

			check(api->Run(session, NULL, in_names, (const OrtValue *const *)&x, 1,
				       out_names, outputs, y),
			      "run");
			if (runs < RUNS_MAX)
				took_ms[runs++] = now_ms() - begin_ms;
			for (size_t i = 0; i < outputs; i++) {
				void *values;

				check(api->GetTensorMutableData(y[i], &values), "output tensor");
				if (r == 0 && fwrite(values, sizeof(float), out[i].values,
						     out[i].file) != out[i].values)
					die(out[i].name, "cannot write the output");
				api->ReleaseValue(y[i]);
			}
		}
		api->ReleaseValue(x);
	}
	if (runs == 0)
		die(argv[2], "holds less than one input tensor");

	qsort(took_ms, runs, sizeof took_ms[0], by_value);
	printf("{\"runtime\":\"%s\",\"input\":{", base->GetVersionString());
	print_port(&in);
	printf("},\"output\":{");
	for (size_t i = 0; i < outputs; i++) {
		printf("%s", i ? "," : "");
		print_port(&out[i]);
		if (fclose(out[i].file) != 0)
			die(out[i].name, strerror(errno));
	}
	printf("},\"runs\":%zu,\"load_ms\":%.1f,\"min_ms\":%.2f,\"median_ms\":%.2f,\"p95_ms\":%.2f,"
	       "\"rss_kib\":%ld,\"rss_peak_kib\":%ld,\"rss_anon_kib\":%ld}\n",
	       runs, load_ms, took_ms[0], took_ms[runs / 2], took_ms[runs * 95 / 100],
	       status_kib("VmRSS:"), status_kib("VmHWM:"), status_kib("RssAnon:"));
	return 0;
}
