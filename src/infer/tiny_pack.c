/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/tiny_pack.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/random.h"
#include "infer/golden.h"
#include "test.h"

#include <math.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CHANNELS = 3,
	BINS = 11, /* reg_max 10 */
	LOGITS = 4 * BINS,
	CELLS = (TINY_WIDTH / TINY_STRIDE) * (TINY_HEIGHT / TINY_STRIDE),
	PATCH = CHANNELS * TINY_STRIDE * TINY_STRIDE,
	BUFFER_BYTES = 64 * 1024,
};

/* Protobuf: a field is its number and wire type, then a varint, or a length and bytes. */
struct proto {
	size_t size;
	uint8_t bytes[BUFFER_BYTES];
};

static void put(struct proto *p, const void *data, size_t size)
{
	CHECK_U64(p->size + size, <=, sizeof p->bytes);
	memcpy(p->bytes + p->size, data, size);
	p->size += size;
}

static void put_varint(struct proto *p, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

		put(p, &byte, 1);
		value >>= 7;
	} while (value > 0);
}

static void number(struct proto *p, unsigned field, uint64_t value)
{
	put_varint(p, field << 3);
	put_varint(p, value);
}

static void bytes(struct proto *p, unsigned field, const void *data, size_t size)
{
	put_varint(p, field << 3 | 2);
	put_varint(p, size);
	put(p, data, size);
}

static void text(struct proto *p, unsigned field, const char *value)
{
	bytes(p, field, value, strlen(value));
}

/* Takes the inner message over. */
static void message(struct proto *p, unsigned field, struct proto *inner)
{
	bytes(p, field, inner->bytes, inner->size);
	free(inner);
}

static struct proto *new_proto(void)
{
	struct proto *p = calloc(1, sizeof *p);

	CHECK(p != NULL);
	return p;
}

static void tensor(struct proto *graph, const char *name, unsigned type, const int64_t *dims,
		   size_t dim_count, const void *data, size_t size)
{
	struct proto *t = new_proto();

	for (size_t i = 0; i < dim_count; i++)
		number(t, 1, (uint64_t)dims[i]);
	number(t, 2, type);
	text(t, 8, name);
	bytes(t, 9, data, size);
	message(graph, 5, t);
}

static void value_info(struct proto *graph, unsigned field, const char *name, const int64_t *dims,
		       size_t dim_count)
{
	struct proto *shape = new_proto(), *type = new_proto(), *any = new_proto();
	struct proto *value = new_proto();

	for (size_t i = 0; i < dim_count; i++) {
		struct proto *dim = new_proto();

		number(dim, 1, (uint64_t)dims[i]);
		message(shape, 1, dim);
	}
	number(type, 1, 1); /* float */
	message(type, 2, shape);
	message(any, 1, type);
	text(value, 1, name);
	message(value, 2, any);
	message(graph, field, value);
}

static struct proto *node(const char *op, const char *const *inputs, size_t count,
			  const char *output)
{
	struct proto *n = new_proto();

	for (size_t i = 0; i < count; i++)
		text(n, 1, inputs[i]);
	text(n, 2, output);
	text(n, 4, op);
	return n;
}

static void attribute(struct proto *n, const char *name, const int64_t *values, size_t count)
{
	struct proto *a = new_proto();

	text(a, 1, name);
	for (size_t i = 0; i < count; i++)
		number(a, 8, (uint64_t)values[i]);
	number(a, 20, 7); /* a list of integers */
	message(n, 5, a);
}

/* One value (or 44 logits) a cell: a convolution as large as the stride, then rows of it. */
static void branch(struct proto *graph, const char *prefix, int64_t channels, const float *weights,
		   const float *biases)
{
	char w[32], b[32], out[32];
	const int64_t dims[] = { channels, CHANNELS, TINY_STRIDE, TINY_STRIDE };
	const int64_t strides[] = { TINY_STRIDE, TINY_STRIDE };

	(void)snprintf(w, sizeof w, "%s_w", prefix);
	(void)snprintf(b, sizeof b, "%s_b", prefix);
	(void)snprintf(out, sizeof out, "%s_map", prefix);
	tensor(graph, w, 1, dims, 4, weights, (size_t)channels * PATCH * sizeof *weights);
	tensor(graph, b, 1, dims, 1, biases, (size_t)channels * sizeof *biases);
	struct proto *conv = node("Conv", (const char *const[]){ "input", w, b }, 3, out);
	attribute(conv, "strides", strides, 2);
	message(graph, 1, conv);
}

static void scores(struct proto *graph, const char *name, int64_t cells, float nan)
{
	const int64_t three = 3, shape[] = { 1, cells, 1 };
	const float bias = -10 + nan;
	float weights[PATCH];

	for (size_t i = 0; i < PATCH; i++)
		weights[i] = 20.0F / PATCH;
	branch(graph, "score", 1, weights, &bias);
	tensor(graph, "score_shape", 7, &three, 1, shape, sizeof shape);
	message(graph, 1,
		node("Reshape", (const char *const[]){ "score_map", "score_shape" }, 2,
		     "score_rows"));
	message(graph, 1, node("Sigmoid", (const char *const[]){ "score_rows" }, 1, name));
	value_info(graph, 12, name, shape, 3);
}

static void dists(struct proto *graph, int64_t cells, float nan, float weight)
{
	static float weights[LOGITS * PATCH];
	const int64_t three = 3, columns[] = { 1, LOGITS, cells }, shape[] = { 1, cells, LOGITS };
	const int64_t order[] = { 0, 2, 1 };
	float biases[LOGITS];

	for (size_t i = 0; i < HF_ARRAY_LEN(weights); i++)
		weights[i] = weight;
	for (size_t i = 0; i < LOGITS; i++)
		biases[i] = (i % BINS == TINY_REACH / TINY_STRIDE ? 50 : 0) + nan;
	branch(graph, "dist", LOGITS, weights, biases);
	tensor(graph, "dist_shape", 7, &three, 1, columns, sizeof columns);
	message(graph, 1,
		node("Reshape", (const char *const[]){ "dist_map", "dist_shape" }, 2,
		     "dist_columns"));
	struct proto *transpose =
		node("Transpose", (const char *const[]){ "dist_columns" }, 1, "dists");
	attribute(transpose, "perm", order, 3);
	message(graph, 1, transpose);
	value_info(graph, 12, "dists", shape, 3);
}

static struct proto *network(enum tiny_flaw flaw)
{
	struct proto *model = new_proto(), *graph = new_proto(), *opset = new_proto();
	bool tall = flaw == TINY_OTHER_SHAPE;
	const int64_t input[] = { 1, CHANNELS, tall ? 2 * TINY_HEIGHT : TINY_HEIGHT, TINY_WIDTH };
	int64_t cells = tall ? 2 * CELLS : CELLS;
	float nan = flaw == TINY_NAN ? NAN : 0;

	text(graph, 2, "tiny");
	scores(graph, flaw == TINY_OTHER_NAME ? "points" : "scores", cells, nan);
	dists(graph, cells, nan, flaw == TINY_OVERFLOW ? 3e38F : 0);
	value_info(graph, 11, "input", input, 4);
	number(model, 1, 8); /* IR version */
	number(opset, 2, 13);
	message(model, 8, opset);
	message(model, 7, graph);
	return model;
}

static void write_file(const char *folder, const char *name, const void *data, size_t size)
{
	char path[1024];
	HF_AUTO_FCLOSE FILE *file = NULL;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	CHECK(file != NULL);
	CHECK_U64(fwrite(data, 1, size, file), ==, size);
}

static void write_description(const char *folder, const uint8_t *model, size_t size)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char digits[2 * sizeof hash + 1], json[1024];

	(void)crypto_hash_sha256(hash, model, size);
	hf_hex(hash, sizeof hash, digits);
	int n = snprintf(
		json, sizeof json,
		"{\"file\": \"model.onnx\", \"sha256\": \"%s\", \"decoder\": \"nanodet\",\n"
		"\"tag\": \"tiny@1\",\n"
		"\"input\": {\"name\": \"input\", \"width\": %d, \"height\": %d},\n"
		"\"outputs\": {\"scores\": {\"name\": \"scores\"},\n"
		"\"dists\": {\"name\": \"dists\"}},\n"
		"\"classes\": [\"person\"], \"strides\": [%d], \"reg_max\": %d,\n"
		"\"mean\": [0, 0, 0], \"std\": [255, 255, 255],\n"
		"\"score_threshold\": 0.5, \"nms_iou\": 0.5}\n",
		digits, TINY_WIDTH, TINY_HEIGHT, TINY_STRIDE, BINS - 1);
	write_file(folder, "model.json", json, (size_t)n);
}

void tiny_pack_write(const char *folder, enum tiny_flaw flaw)
{
	struct proto *model = network(flaw);

	if (flaw == TINY_NOT_ONNX)
		memset(model->bytes, 0xff, model->size);
	write_description(folder, model->bytes, model->size);
	if (flaw == TINY_DAMAGED)
		model->bytes[model->size / 2] ^= 1;
	if (flaw != TINY_NO_NETWORK)
		write_file(folder, "model.onnx", model->bytes, model->size);
	free(model);
}

void tiny_pack_describe(const char *folder, const char *from, const char *to)
{
	struct hf_err err = { 0 };
	char path[1024], changed[16384];
	HF_AUTO_FREE char *json = NULL;
	size_t size;

	(void)snprintf(path, sizeof path, "%s/model.json", folder);
	CHECK_OK(hf_file_read(path, sizeof changed, &json, &size, &err));
	const char *at = strstr(json, from);
	CHECK(at != NULL);
	int n = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - json), json, to,
			 at + strlen(from));
	CHECK(n > 0 && (size_t)n < sizeof changed);
	write_file(folder, "model.json", changed, (size_t)n);
}

/* The score of one cell of the known picture. */
static double golden_score(const uint8_t *picture, size_t cell)
{
	size_t across = TINY_WIDTH / TINY_STRIDE;
	size_t left = cell % across * TINY_STRIDE, top = cell / across * TINY_STRIDE;
	double sum = 0;

	for (size_t y = top; y < top + TINY_STRIDE; y++)
		for (size_t i = CHANNELS * left; i < CHANNELS * (left + TINY_STRIDE); i++)
			sum += picture[y * TINY_WIDTH * CHANNELS + i];
	return 1 / (1 + exp(10 - 20 * sum / PATCH / 255));
}

void tiny_pack_golden(const char *folder, double off)
{
	uint8_t picture[CHANNELS * TINY_WIDTH * TINY_HEIGHT];
	char json[4096], at[512] = "", values[2048] = "";
	double mean = 0;

	hf_golden_picture(TINY_WIDTH, TINY_HEIGHT, picture);
	for (size_t i = 0; i < CELLS; i++) {
		double score = golden_score(picture, i);
		const char *comma = i > 0 ? "," : "";

		mean += score / CELLS;
		(void)snprintf(at + strlen(at), sizeof at - strlen(at), "%s%zu", comma, i);
		(void)snprintf(values + strlen(values), sizeof values - strlen(values), "%s%.7f",
			       comma, score + off);
	}
	int n = snprintf(json, sizeof json,
			 "\"nms_iou\": 0.5, \"golden\": {\"recipe\": \"figures-1\", \"outputs\": {"
			 "\"scores\": {\"tolerance\": 0.001, \"mean\": %.7f, \"at\": [%s], "
			 "\"values\": [%s]}, \"dists\": {\"tolerance\": 0.05, \"mean\": %.7f, "
			 "\"at\": [0, %d], \"values\": [0, 50]}}}",
			 mean, at, values, 50.0 / BINS, TINY_REACH / TINY_STRIDE);
	CHECK(n > 0 && (size_t)n < sizeof json);
	tiny_pack_describe(folder, "\"nms_iou\": 0.5", json);
}

void tiny_pack_fallback(const char *folder, enum tiny_flaw flaw)
{
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/small", folder);
	CHECK_I64(mkdir(path, 0755), ==, 0);
	tiny_pack_write(path, flaw);
	tiny_pack_describe(path, "tiny@1", "tiny@2");
	tiny_pack_describe(folder, "\"nms_iou\": 0.5", "\"nms_iou\": 0.5, \"fallback\": \"small\"");
}

int tiny_pack_remove(const char *folder)
{
	static const char *const names[] = { "small/model.json", "small/model.onnx", "model.json",
					     "model.onnx" };
	char path[1024];

	for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof path, "%s/small", folder);
	(void)rmdir(path);
	return rmdir(folder);
}
