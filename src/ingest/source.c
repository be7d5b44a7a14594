/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/source.h"

enum hf_code hf_source_open(const struct hf_source_options *options, struct hf_source **ret_source,
			    struct hf_err *err)
{
	const struct hf_config_source *config = options->config;

	switch ((enum hf_source_type)config->type) {
	case HF_SOURCE_FILE:
		return hf_source_file_open(options, ret_source, err);
	case HF_SOURCE_V4L2:
		return hf_source_v4l2_open(options, ret_source, err);
	case HF_SOURCE_RTSP:
		return hf_source_rtsp_open(options, ret_source, err);
	}
	return hf_fail(err, HF_E_INVALID, "%s: source of unknown type %d", config->url,
		       config->type);
}

void hf_source_close(struct hf_source *source)
{
	if (source != NULL)
		source->ops->close(source);
}

enum hf_code hf_source_step(struct hf_source *source, struct hf_frame *ret_frame,
			    struct hf_err *err)
{
	return source->ops->step(source, ret_frame, err);
}

struct hf_mono hf_source_due(const struct hf_source *source)
{
	return source->ops->due(source);
}

bool hf_source_poll(const struct hf_source *source, struct pollfd *ret_poll)
{
	return source->ops->poll != NULL && source->ops->poll(source, ret_poll);
}

struct hf_source_info hf_source_info(const struct hf_source *source)
{
	struct hf_source_info info = { 0 };

	source->ops->info(source, &info);
	return info;
}
