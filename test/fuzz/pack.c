/* SPDX-License-Identifier: Apache-2.0 */
/* The model.json of a pack. What is accepted is within what the decoder's loops rely on. */
#include "fuzz.h"

#include "infer/pack.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

static char folder[] = "/tmp/holdfast-fuzz-pack-XXXXXX";
static char path[sizeof folder + 16];

static void remove_folder(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

static void prepare(void)
{
	if (path[0] != '\0')
		return;
	FUZZ_MUST(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof path, "%s/model.json", folder);
	(void)atexit(remove_folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct hf_err err = { 0 };
	struct hf_pack pack;

	prepare();
	HF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_MUST(fd >= 0 && write(fd, data, size_bytes) == (ssize_t)size_bytes);
	if (hf_pack_open(folder, &pack, &err) != HF_OK) {
		FUZZ_MUST(strstr(err.text, "model.json") != NULL);
		return 0;
	}
	FUZZ_MUST(pack.input_width >= HF_PACK_INPUT_MIN && pack.input_width <= HF_PACK_INPUT_MAX);
	FUZZ_MUST(pack.input_height >= HF_PACK_INPUT_MIN && pack.input_height <= HF_PACK_INPUT_MAX);
	FUZZ_MUST(pack.stride_count >= 1 && pack.stride_count <= HF_PACK_STRIDES_MAX);
	FUZZ_MUST(pack.output_count <= HF_PACK_OUTPUTS_MAX && pack.class_count >= 1);
	FUZZ_MUST(pack.reg_max <= HF_PACK_REG_MAX_MAX && strchr(pack.file, '/') == NULL);
	for (uint32_t i = 0; i < pack.stride_count; i++)
		FUZZ_MUST(pack.strides[i] > 0);
	for (int i = 0; i < 3; i++)
		FUZZ_MUST(isfinite(pack.mean[i]) && isfinite(pack.std[i]) && pack.std[i] > 0);
	return 0;
}
