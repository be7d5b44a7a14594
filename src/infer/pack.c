/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/pack.h"

#include "base/auto.h"
#include "base/file.h"
#include "base/random.h"

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <string.h>

enum {
	JSON_BYTES_MAX = 64 * 1024,
	MODEL_BYTES_MAX = 512 * 1024 * 1024,
	PATH_BYTES = HF_PATH_BYTES + HF_ID_BYTES + 2,
};

static const char remedy[] =
	"take the pack that came with the build (leave model.path empty) or import it again";

/* Where reading is: the first thing wrong is kept, what follows does nothing. */
struct reader {
	const char *path;
	struct hf_err *err;
	enum hf_code code;
};

static void wrong(struct reader *r, const char *key, const char *expected)
{
	if (r->code == HF_OK)
		r->code = hf_fail(r->err, HF_E_INVALID, "%s: \"%s\" must be %s: %s", r->path, key,
				  expected, remedy);
}

static void get_text(struct reader *r, const json_t *object, const char *key, size_t size_bytes,
		     char *ret_text)
{
	const json_t *value = json_object_get(object, key);
	size_t length = json_string_length(value);

	if (length == 0 || length >= size_bytes || strlen(json_string_value(value)) != length)
		wrong(r, key, "a text that is not empty and not overlong");
	else
		memcpy(ret_text, json_string_value(value), length + 1);
}

static uint32_t get_count(struct reader *r, const json_t *value, const char *key, uint32_t min,
			  uint32_t max)
{
	char expected[64];

	if (json_is_integer(value) && json_integer_value(value) >= (json_int_t)min &&
	    json_integer_value(value) <= (json_int_t)max)
		return (uint32_t)json_integer_value(value);
	(void)snprintf(expected, sizeof expected, "a whole number from %u to %u", min, max);
	wrong(r, key, expected);
	return min;
}

static float get_share(struct reader *r, const json_t *object, const char *key)
{
	double value = json_number_value(json_object_get(object, key));

	if (!(value > 0 && value < 1))
		wrong(r, key, "a number between 0 and 1");
	return (float)value;
}

/* Three finite numbers: of B, G and R. */
static void get_bgr(struct reader *r, const json_t *object, const char *key, float ret_bgr[3])
{
	const json_t *list = json_object_get(object, key);

	if (json_array_size(list) != 3) {
		wrong(r, key, "a list of three numbers, for blue, green and red");
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		double value = json_number_value(json_array_get(list, i));

		if (!json_is_number(json_array_get(list, i)) || !(fabs(value) < 1e6))
			wrong(r, key, "a list of three numbers, for blue, green and red");
		ret_bgr[i] = (float)value;
	}
}

static void get_std(struct reader *r, const json_t *object, float ret_std[3])
{
	get_bgr(r, object, "std", ret_std);
	for (size_t i = 0; i < 3; i++)
		if (!(ret_std[i] > 0))
			wrong(r, "std", "above 0 in each channel");
}

/* The file lies in the pack's folder: a name and not a path. */
static void get_file(struct reader *r, const json_t *root, struct hf_pack *pack)
{
	char digits[2 * HF_PACK_SHA256_BYTES + 1] = "";
	size_t length = 0;

	get_text(r, root, "file", sizeof pack->file, pack->file);
	if (strchr(pack->file, '/') != NULL || pack->file[0] == '.')
		wrong(r, "file", "the name of a file in the pack's folder");
	get_text(r, root, "sha256", sizeof digits, digits);
	if (sodium_hex2bin(pack->sha256, sizeof pack->sha256, digits, strlen(digits), NULL, &length,
			   NULL) != 0 ||
	    length != sizeof pack->sha256)
		wrong(r, "sha256", "64 hexadecimal digits");
}

static void get_input(struct reader *r, const json_t *root, struct hf_pack *pack)
{
	const json_t *input = json_object_get(root, "input");
	const json_t *channels = json_object_get(input, "channels");

	get_text(r, input, "name", sizeof pack->input_name, pack->input_name);
	pack->input_width = get_count(r, json_object_get(input, "width"), "input.width",
				      HF_PACK_INPUT_MIN, HF_PACK_INPUT_MAX);
	pack->input_height = get_count(r, json_object_get(input, "height"), "input.height",
				       HF_PACK_INPUT_MIN, HF_PACK_INPUT_MAX);
	if (channels != NULL &&
	    (!json_is_string(channels) || strcmp(json_string_value(channels), "bgr") != 0))
		wrong(r, "input.channels", "\"bgr\", the only order this build prepares");
}

static void get_outputs(struct reader *r, const json_t *root, struct hf_pack *pack)
{
	json_t *outputs = json_object_get(root, "outputs");
	const char *key;
	json_t *output;

	if (json_object_size(outputs) == 0 || json_object_size(outputs) > HF_PACK_OUTPUTS_MAX) {
		wrong(r, "outputs", "an object of one to four outputs");
		return;
	}
	json_object_foreach(outputs, key, output)
	{
		struct hf_pack_output *o = &pack->outputs[pack->output_count++];

		if (strlen(key) >= sizeof o->key)
			wrong(r, "outputs", "named by short keys");
		(void)snprintf(o->key, sizeof o->key, "%s", key);
		get_text(r, output, "name", sizeof o->name, o->name);
	}
}

static void get_classes(struct reader *r, const json_t *root, struct hf_pack *pack)
{
	const json_t *list = json_object_get(root, "classes");

	if (json_array_size(list) == 0 || json_array_size(list) > HF_CLASSES_MAX) {
		wrong(r, "classes", "a list of 1 to 80 names");
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *name = json_array_get(list, i);

		if (json_string_length(name) == 0 ||
		    json_string_length(name) >= sizeof pack->classes[i]) {
			wrong(r, "classes", "a list of short names");
			return;
		}
		(void)snprintf(pack->classes[i], sizeof pack->classes[i], "%s",
			       json_string_value(name));
		pack->class_count++;
	}
	/* Rules, tracks and stays are about people: index 0 is what they start from. */
	if (strcmp(pack->classes[0], "person") != 0)
		wrong(r, "classes", "a list that begins with \"person\"");
}

static void get_strides(struct reader *r, const json_t *root, struct hf_pack *pack)
{
	const json_t *list = json_object_get(root, "strides");

	if (json_array_size(list) == 0 || json_array_size(list) > HF_PACK_STRIDES_MAX) {
		wrong(r, "strides", "a list of one to four strides");
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		pack->strides[pack->stride_count++] =
			get_count(r, json_array_get(list, i), "strides", 1, 256);
}

/* A folder in the pack's own. */
static void get_fallback(struct reader *r, const json_t *root, struct hf_pack *pack)
{
	if (json_object_get(root, "fallback") == NULL)
		return;
	get_text(r, root, "fallback", sizeof pack->fallback, pack->fallback);
	if (strchr(pack->fallback, '/') != NULL || pack->fallback[0] == '.')
		wrong(r, "fallback", "the name of a folder in the pack's folder");
}

static float get_finite(struct reader *r, const json_t *value, const char *key)
{
	double number = json_number_value(value);

	if (!json_is_number(value) || !(fabs(number) < 1e6))
		wrong(r, key, "a number");
	return (float)number;
}

static void get_golden_output(struct reader *r, const json_t *entry, struct hf_pack_golden *golden)
{
	const json_t *at = json_object_get(entry, "at"), *values = json_object_get(entry, "values");
	size_t count = json_array_size(at);

	if (count == 0 || count > HF_PACK_GOLDEN_MAX || json_array_size(values) != count) {
		wrong(r, "golden.outputs",
		      "for each output: at and values, as many, and at most 64");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		golden->at[i] =
			get_count(r, json_array_get(at, i), "golden.outputs.at", 0, INT32_MAX);
		golden->values[i] =
			get_finite(r, json_array_get(values, i), "golden.outputs.values");
	}
	golden->mean = get_finite(r, json_object_get(entry, "mean"), "golden.outputs.mean");
	golden->tolerance =
		get_finite(r, json_object_get(entry, "tolerance"), "golden.outputs.tolerance");
	if (!(golden->tolerance > 0))
		wrong(r, "golden.outputs.tolerance", "above 0");
	golden->count = (uint32_t)count;
}

static void get_golden(struct reader *r, const json_t *root, struct hf_pack *pack)
{
	const json_t *golden = json_object_get(root, "golden");
	const json_t *outputs = json_object_get(golden, "outputs");
	const char *recipe = json_string_value(json_object_get(golden, "recipe"));

	if (golden == NULL)
		return;
	if (recipe == NULL || strcmp(recipe, "figures-1") != 0)
		wrong(r, "golden.recipe", "\"figures-1\", the only picture this build can draw");
	for (uint32_t i = 0; i < pack->output_count; i++)
		get_golden_output(r, json_object_get(outputs, pack->outputs[i].key),
				  &pack->outputs[i].golden);
	pack->golden = true;
}

static enum hf_code read_json(const char *path, const char *folder, json_t **ret_root,
			      struct hf_err *err)
{
	HF_AUTO_FREE char *text = NULL;
	size_t size;
	json_error_t where;
	enum hf_code code = hf_file_read(path, JSON_BYTES_MAX, &text, &size, err);

	if (code == HF_E_NOENT)
		return hf_fail(err, code, "no model pack in %s (model.json is missing): %s", folder,
			       remedy);
	if (code != HF_OK)
		return code;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (root == NULL)
		return hf_fail(err, HF_E_INVALID, "%s:%d:%d: %s: %s", path, where.line,
			       where.column, where.text, remedy);
	*ret_root = root;
	return HF_OK;
}

enum hf_code hf_pack_open(const char *folder, struct hf_pack *ret_pack, struct hf_err *err)
{
	struct hf_pack pack = { 0 };
	char path[PATH_BYTES];
	json_t *root = NULL;

	if ((size_t)snprintf(pack.folder, sizeof pack.folder, "%s", folder) >= sizeof pack.folder)
		return hf_fail(err, HF_E_LIMIT, "model.path is longer than %d bytes: %.60s...",
			       HF_PATH_BYTES - 1, folder);
	(void)snprintf(path, sizeof path, "%s/model.json", folder);
	enum hf_code code = read_json(path, folder, &root, err);
	if (code != HF_OK)
		return code;

	struct reader r = { .path = path, .err = err };
	get_file(&r, root, &pack);
	get_text(&r, root, "decoder", sizeof pack.decoder, pack.decoder);
	get_text(&r, root, "tag", sizeof pack.tag, pack.tag);
	get_input(&r, root, &pack);
	get_outputs(&r, root, &pack);
	get_classes(&r, root, &pack);
	get_strides(&r, root, &pack);
	pack.reg_max =
		get_count(&r, json_object_get(root, "reg_max"), "reg_max", 1, HF_PACK_REG_MAX_MAX);
	get_bgr(&r, root, "mean", pack.mean);
	get_std(&r, root, pack.std);
	pack.score_threshold = get_share(&r, root, "score_threshold");
	pack.nms_iou = get_share(&r, root, "nms_iou");
	get_fallback(&r, root, &pack);
	get_golden(&r, root, &pack);
	json_decref(root);
	if (r.code == HF_OK)
		*ret_pack = pack;
	return r.code;
}

enum hf_code hf_pack_open_fallback(const struct hf_pack *pack, struct hf_pack *ret_fallback,
				   struct hf_err *err)
{
	char path[PATH_BYTES];

	if (pack->fallback[0] == '\0')
		return hf_fail(err, HF_E_NOENT, "%s/model.json names no fallback", pack->folder);
	(void)snprintf(path, sizeof path, "%s/%s", pack->folder, pack->fallback);
	enum hf_code code = hf_pack_open(path, ret_fallback, err);
	if (code == HF_OK)
		ret_fallback->fallback[0] = '\0';
	return code;
}

enum hf_code hf_pack_read_model(const struct hf_pack *pack, uint8_t **ret_model,
				size_t *ret_size_bytes, struct hf_err *err)
{
	HF_AUTO_FREE char *model = NULL;
	uint8_t hash[crypto_hash_sha256_BYTES];
	char path[PATH_BYTES];
	char expected[2 * HF_PACK_SHA256_BYTES + 1], found[2 * HF_PACK_SHA256_BYTES + 1];
	size_t size;

	(void)snprintf(path, sizeof path, "%s/%s", pack->folder, pack->file);
	enum hf_code code = hf_file_read(path, MODEL_BYTES_MAX, &model, &size, err);
	if (code == HF_E_NOENT)
		return hf_fail(err, code, "%s is missing, model.json names it: %s", path, remedy);
	if (code != HF_OK)
		return code;
	(void)crypto_hash_sha256(hash, (const unsigned char *)model, size);
	if (memcmp(hash, pack->sha256, sizeof hash) != 0) {
		hf_hex(pack->sha256, sizeof pack->sha256, expected);
		hf_hex(hash, sizeof hash, found);
		return hf_fail(err, HF_E_CORRUPT,
			       "%s is damaged or another network: its SHA-256 is %.12s..., "
			       "model.json says %.12s...: %s",
			       path, found, expected, remedy);
	}
	*ret_model = (uint8_t *)HF_TAKE(model);
	*ret_size_bytes = size;
	return HF_OK;
}
