/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX Runtime is asked for API level 17, which every version since 1.17 offers, whatever the
 * header is. Its arena is off: one tile after the other in tensors of fixed shape gains nothing
 * from it, and it keeps memory that only the loading needed. The plan of memory by patterns is
 * kept, it makes one block of all intermediate tensors.
 */
#include "infer/runtime.h"

#include "base/assert.h"
#include "base/auto.h"
#include "infer/decode.h"
#include "infer/golden.h"
#include "infer/preprocess.h"

#include <malloc.h>
#include <onnxruntime_c_api.h>
#include <string.h>

enum {
	API_LEVEL = 17,
};

/* Of the process: it is one and the same inside the runtime, too. Never released. */
static OrtEnv *env;

struct hf_runtime {
	const OrtApi *api;
	struct hf_pack pack;
	bool thrifty;
	const struct hf_decoder *decoder;
	struct hf_preprocess *preprocess;
	struct hf_candidates candidates;
	OrtSession *session;
	OrtMemoryInfo *memory;
	OrtValue *input;
	OrtValue *outputs[HF_PACK_OUTPUTS_MAX];
	const char *output_names[HF_PACK_OUTPUTS_MAX];
	float *output_values[HF_PACK_OUTPUTS_MAX];
};

/* It has no code for this: what its allocators and the C++ library write is all there is. */
static bool is_out_of_memory(const char *message)
{
	static const char *const says[] = { "bad_alloc", "Failed to allocate memory",
					    "Cannot allocate memory", "out of memory" };

	for (size_t i = 0; i < HF_ARRAY_LEN(says); i++)
		if (strstr(message, says[i]) != NULL)
			return true;
	return false;
}

/* Takes the status over. */
static enum hf_code judge(const OrtApi *api, OrtStatus *status, const char *what,
			  struct hf_err *err)
{
	if (status == NULL)
		return HF_OK;
	const char *message = api->GetErrorMessage(status);
	enum hf_code code = hf_fail(err, is_out_of_memory(message) ? HF_E_NOMEM : HF_E_IO,
				    "ONNX Runtime cannot %s: %s", what, message);
	api->ReleaseStatus(status);
	return code;
}

static enum hf_code set_options(const OrtApi *api, bool thrifty, OrtSessionOptions *options,
				struct hf_err *err)
{
	static const char *const entries[][2] = {
		{ "session.intra_op.allow_spinning", "0" },
		{ "session.inter_op.allow_spinning", "0" },
	};
	enum hf_code code = judge(api,
				  api->SetSessionGraphOptimizationLevel(
					  options, thrifty ? ORT_ENABLE_EXTENDED : ORT_ENABLE_ALL),
				  "set the optimisation level", err);

	if (code == HF_OK)
		code = judge(api, api->SetIntraOpNumThreads(options, 1), "use one thread", err);
	if (code == HF_OK)
		code = judge(api, api->SetInterOpNumThreads(options, 1), "use one thread", err);
	if (code == HF_OK)
		code = judge(api, api->DisableCpuMemArena(options), "do without its arena", err);
	for (size_t i = 0; i < HF_ARRAY_LEN(entries) && code == HF_OK; i++)
		code = judge(api, api->AddSessionConfigEntry(options, entries[i][0], entries[i][1]),
			     "be configured", err);
	return code;
}

static enum hf_code open_session(struct hf_runtime *r, struct hf_err *err)
{
	HF_AUTO_FREE uint8_t *model = NULL;
	OrtSessionOptions *options = NULL;
	size_t size;

	enum hf_code code = hf_pack_read_model(&r->pack, &model, &size, err);
	if (code != HF_OK)
		return code;
	code = judge(r->api, r->api->CreateSessionOptions(&options), "start", err);
	if (code != HF_OK)
		return code;
	code = set_options(r->api, r->thrifty, options, err);
	if (code == HF_OK)
		code = judge(r->api,
			     r->api->CreateSessionFromArray(env, model, size, options, &r->session),
			     "load the network", err);
	r->api->ReleaseSessionOptions(options);
	if (code == HF_OK)
		return HF_OK;
	if (code == HF_E_NOMEM)
		return hf_err_prefix(err, "%s/%s", r->pack.folder, r->pack.file);
	const struct hf_err why = *err;
	return hf_fail(err, code,
		       "%s/%s: %.300s: take the pack that came with the build (leave model.path "
		       "empty) or import it again",
		       r->pack.folder, r->pack.file, why.text);
}

static void shape_text(const struct hf_tensor_shape *shape, size_t size_bytes, char *ret_text)
{
	size_t used = 0;

	ret_text[0] = '\0';
	for (uint32_t i = 0; i < shape->count && used < size_bytes; i++) {
		int n = snprintf(ret_text + used, size_bytes - used, "%s%lld", i == 0 ? "" : "x",
				 (long long)shape->dims[i]);

		used += n > 0 ? (size_t)n : 0;
	}
}

static enum hf_code read_shape(const OrtApi *api, const OrtTypeInfo *type,
			       struct hf_tensor_shape *ret_shape, bool *ret_float,
			       struct hf_err *err)
{
	const OrtTensorTypeAndShapeInfo *info = NULL;
	ONNXTensorElementDataType element;
	size_t count;

	*ret_shape = (struct hf_tensor_shape){ 0 };
	*ret_float = false;
	enum hf_code code =
		judge(api, api->CastTypeInfoToTensorInfo(type, &info), "tell a type", err);
	if (code != HF_OK || info == NULL) /* NULL: not a tensor at all */
		return code;
	code = judge(api, api->GetTensorElementType(info, &element), "tell a type", err);
	if (code == HF_OK)
		code = judge(api, api->GetDimensionsCount(info, &count), "tell a shape", err);
	if (code != HF_OK || count > HF_TENSOR_DIMS_MAX)
		return code;
	*ret_float = element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
	ret_shape->count = (uint32_t)count;
	return judge(api, api->GetDimensions(info, ret_shape->dims, count), "tell a shape", err);
}

/* Which of the session's inputs or outputs has this name. */
static enum hf_code find_port(struct hf_runtime *r, bool output, const char *name,
			      size_t *ret_index, struct hf_err *err)
{
	const OrtApi *api = r->api;
	OrtAllocator *allocator;
	size_t count;
	bool found = false;

	enum hf_code code = judge(api,
				  output ? api->SessionGetOutputCount(r->session, &count)
					 : api->SessionGetInputCount(r->session, &count),
				  "count tensors", err);
	if (code == HF_OK)
		code = judge(api, api->GetAllocatorWithDefaultOptions(&allocator), "allocate", err);
	for (size_t i = 0; code == HF_OK && i < count && !found; i++) {
		char *its_name = NULL;

		code = judge(api,
			     output ? api->SessionGetOutputName(r->session, i, allocator, &its_name)
				    : api->SessionGetInputName(r->session, i, allocator, &its_name),
			     "name a tensor", err);
		if (code != HF_OK)
			break;
		found = strcmp(its_name, name) == 0;
		if (found)
			*ret_index = i;
		code = judge(api, api->AllocatorFree(allocator, its_name), "free", err);
	}
	if (code == HF_OK && (!found || (!output && count != 1)))
		return hf_fail(err, HF_E_INVALID, "%s/%s: %s \"%s\", which model.json names",
			       r->pack.folder, r->pack.file,
			       found    ? "has other inputs besides"
			       : output ? "has no output"
					: "has no input",
			       name);
	return code;
}

static enum hf_code check_port(struct hf_runtime *r, bool output, const char *name,
			       const struct hf_tensor_shape *expected, struct hf_err *err)
{
	struct hf_tensor_shape shape;
	OrtTypeInfo *type = NULL;
	bool is_float;
	size_t index = 0;
	char expected_text[64], shape_is[64];

	enum hf_code code = find_port(r, output, name, &index, err);
	if (code != HF_OK)
		return code;
	code = judge(r->api,
		     output ? r->api->SessionGetOutputTypeInfo(r->session, index, &type)
			    : r->api->SessionGetInputTypeInfo(r->session, index, &type),
		     "tell a type", err);
	if (code != HF_OK)
		return code;
	code = read_shape(r->api, type, &shape, &is_float, err);
	r->api->ReleaseTypeInfo(type);
	if (code != HF_OK)
		return code;
	if (is_float && shape.count == expected->count &&
	    memcmp(shape.dims, expected->dims, shape.count * sizeof shape.dims[0]) == 0)
		return HF_OK;
	shape_text(expected, sizeof expected_text, expected_text);
	shape_text(&shape, sizeof shape_is, shape_is);
	return hf_fail(
		err, HF_E_INVALID,
		"%s/%s: %s \"%s\" must be float32 %s by model.json and decoder %s, it is "
		"%s%s: network and description do not belong together, import the pack again",
		r->pack.folder, r->pack.file, output ? "output" : "input", name, expected_text,
		r->decoder->name, is_float ? "" : "not float32, ", shape_is);
}

/* On our memory, or (data NULL) on the runtime's. */
static enum hf_code make_tensor(struct hf_runtime *r, const struct hf_tensor_shape *shape,
				float *data, OrtValue **ret_value, struct hf_err *err)
{
	const OrtApi *api = r->api;
	size_t count = 1;
	OrtAllocator *allocator;

	for (uint32_t i = 0; i < shape->count; i++)
		count *= (size_t)shape->dims[i];
	if (data != NULL)
		return judge(api,
			     api->CreateTensorWithDataAsOrtValue(
				     r->memory, data, count * sizeof *data, shape->dims,
				     shape->count, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ret_value),
			     "make a tensor", err);
	enum hf_code code =
		judge(api, api->GetAllocatorWithDefaultOptions(&allocator), "allocate", err);
	if (code != HF_OK)
		return code;
	return judge(api,
		     api->CreateTensorAsOrtValue(allocator, shape->dims, shape->count,
						 ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, ret_value),
		     "make a tensor", err);
}

static enum hf_code bind_input(struct hf_runtime *r, struct hf_err *err)
{
	struct hf_tensor_shape shape = {
		.count = 4, .dims = { 1, 3, r->pack.input_height, r->pack.input_width }
	};

	enum hf_code code = check_port(r, false, r->pack.input_name, &shape, err);
	if (code != HF_OK)
		return code;
	return make_tensor(r, &shape, hf_preprocess_planes(r->preprocess), &r->input, err);
}

static const struct hf_pack_output *find_output(const struct hf_pack *pack, const char *key)
{
	for (uint32_t i = 0; i < pack->output_count; i++)
		if (strcmp(pack->outputs[i].key, key) == 0)
			return &pack->outputs[i];
	return NULL;
}

static enum hf_code bind_output(struct hf_runtime *r, uint32_t index, struct hf_err *err)
{
	const char *key = r->decoder->outputs[index];
	struct hf_tensor_shape shape = r->decoder->shape(&r->pack, index);
	void *values;

	const struct hf_pack_output *output = find_output(&r->pack, key);
	if (output == NULL)
		return hf_fail(err, HF_E_INVALID,
			       "%s/model.json: decoder %s needs an output \"%s\" and none is named",
			       r->pack.folder, r->decoder->name, key);
	r->output_names[index] = output->name;
	enum hf_code code = check_port(r, true, r->output_names[index], &shape, err);
	if (code == HF_OK)
		code = make_tensor(r, &shape, NULL, &r->outputs[index], err);
	if (code == HF_OK)
		code = judge(r->api, r->api->GetTensorMutableData(r->outputs[index], &values),
			     "hand out a tensor", err);
	if (code == HF_OK)
		r->output_values[index] = values;
	return code;
}

enum hf_code hf_runtime_init(struct hf_err *err)
{
	const OrtApi *api = OrtGetApiBase()->GetApi(API_LEVEL);

	if (api == NULL)
		return hf_fail(err, HF_E_INVALID,
			       "ONNX Runtime %s does not offer API level %d: version 1.17 or newer "
			       "is needed",
			       OrtGetApiBase()->GetVersionString(), API_LEVEL);
	if (env != NULL)
		return HF_OK;
	/* What it has to say comes back as a status; rooms do not log. */
	return judge(api, api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "holdfast", &env), "start", err);
}

static enum hf_code fill(struct hf_runtime *r, struct hf_err *err)
{
	enum hf_code code = hf_runtime_init(err);
	if (code != HF_OK)
		return code;
	r->api = OrtGetApiBase()->GetApi(API_LEVEL);
	code = hf_decoder_find(r->pack.decoder, &r->decoder, err);
	if (code != HF_OK)
		return hf_err_prefix(err, "%s/model.json", r->pack.folder);
	code = hf_preprocess_open(&r->pack, &r->preprocess, err);
	if (code == HF_OK)
		code = hf_candidates_open(r->decoder, &r->pack, &r->candidates, err);
	if (code == HF_OK)
		code = open_session(r, err);
	if (code == HF_OK)
		code = judge(r->api,
			     r->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault,
							 &r->memory),
			     "describe memory", err);
	if (code == HF_OK)
		code = bind_input(r, err);
	for (uint32_t i = 0; i < r->decoder->output_count && code == HF_OK; i++)
		code = bind_output(r, i, err);
	return code;
}

static enum hf_code open_as(const struct hf_pack *pack, bool thrifty,
			    struct hf_runtime **ret_runtime, struct hf_err *err)
{
	struct hf_runtime *r = calloc(1, sizeof *r);

	if (r == NULL)
		return hf_fail(err, HF_E_NOMEM, "runtime: out of memory");
	r->pack = *pack;
	r->thrifty = thrifty;
	enum hf_code code = fill(r, err);
	if (code != HF_OK) {
		hf_runtime_close(r);
		return code;
	}
	/* Parsing and optimising the network left 9 MB of holes that no tile will ever use. */
	(void)malloc_trim(0);
	*ret_runtime = r;
	return HF_OK;
}

enum hf_code hf_runtime_open(const struct hf_pack *pack, struct hf_runtime **ret_runtime,
			     struct hf_err *err)
{
	return open_as(pack, false, ret_runtime, err);
}

enum hf_code hf_runtime_open_thrifty(const struct hf_pack *pack, struct hf_runtime **ret_runtime,
				     struct hf_err *err)
{
	return open_as(pack, true, ret_runtime, err);
}

void hf_runtime_close(struct hf_runtime *runtime)
{
	if (runtime == NULL)
		return;
	if (runtime->api != NULL) {
		/* Each takes NULL. Values before the session. */
		for (size_t i = 0; i < HF_PACK_OUTPUTS_MAX; i++)
			runtime->api->ReleaseValue(runtime->outputs[i]);
		runtime->api->ReleaseValue(runtime->input);
		runtime->api->ReleaseMemoryInfo(runtime->memory);
		runtime->api->ReleaseSession(runtime->session);
	}
	hf_candidates_close(&runtime->candidates);
	hf_preprocess_close(runtime->preprocess);
	free(runtime);
}

static enum hf_code run(struct hf_runtime *r, const struct hf_mapping *mapping, const uint8_t *bgr,
			struct hf_err *err)
{
	const char *const input_name = r->pack.input_name;
	const OrtValue *const input = r->input;

	hf_preprocess_run(r->preprocess, mapping, bgr);
	return judge(r->api,
		     r->api->Run(r->session, NULL, &input_name, &input, 1, r->output_names,
				 r->decoder->output_count, r->outputs),
		     "run the network", err);
}

enum hf_code hf_runtime_run(struct hf_runtime *runtime, const uint8_t *bgr, uint32_t width,
			    uint32_t height, float score_min,
			    struct hf_detection ret_detections[HF_DETECTIONS_MAX],
			    uint32_t *ret_count, struct hf_err *err)
{
	struct hf_runtime *r = runtime;
	struct hf_mapping mapping = hf_preprocess_map(r->preprocess, width, height);
	enum hf_code code = run(r, &mapping, bgr, err);

	if (code != HF_OK)
		return code;
	return hf_decode(r->decoder, &r->pack, (const float *const *)r->output_values, &mapping,
			 score_min, &r->candidates, ret_detections, ret_count, err);
}

enum hf_code hf_runtime_golden(struct hf_runtime *runtime, struct hf_err *err)
{
	struct hf_runtime *r = runtime;
	const uint32_t width = r->pack.input_width, height = r->pack.input_height;
	struct hf_mapping mapping = hf_preprocess_map(r->preprocess, width, height);

	if (!r->pack.golden)
		return hf_fail(err, HF_E_NOENT, "%s/model.json does not say what to expect",
			       r->pack.folder);
	HF_AUTO_FREE uint8_t *picture = malloc((size_t)3 * width * height);
	if (picture == NULL)
		return hf_fail(err, HF_E_NOMEM, "known picture: out of memory");
	hf_golden_picture(width, height, picture);
	enum hf_code code = run(r, &mapping, picture, err);
	for (uint32_t i = 0; i < r->decoder->output_count && code == HF_OK; i++) {
		struct hf_tensor_shape shape = r->decoder->shape(&r->pack, i);
		const struct hf_pack_output *output = find_output(&r->pack, r->decoder->outputs[i]);
		size_t count = 1;

		for (uint32_t d = 0; d < shape.count; d++)
			count *= (size_t)shape.dims[d];
		HF_ASSERT(output != NULL);
		code = hf_golden_compare(output, r->output_values[i], count, err);
	}
	return code;
}
