/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/supervisor/readings.h"

#include "base/auto.h"
#include "base/file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
	LOOK_EVERY_MS = 1000,
	CLOCK_STEP_MS = 500, /* less is slewing, or a busy machine */
	CLOCK_STEP_KEPT_MS = 60000,
	CAMERA_LOST_MS = 5000,
	TEXT_BYTES_MAX = 4096,
	OTHERS = HF_INFER_WORKERS_MAX,
};

/* Whose word on what counts. The rest the supervisor knows itself. */
static const struct {
	enum hf_signal signal;
	uint32_t from; /* bits 1 << enum hf_role */
} rights[] = {
	{ HF_SIGNAL_SOURCE_FRAME, UINT32_C(1) << HF_ROLE_INGEST },
	{ HF_SIGNAL_CAMERA_FRAME, UINT32_C(1) << HF_ROLE_INGEST },
	{ HF_SIGNAL_CAMERA_DROPS, UINT32_C(1) << HF_ROLE_INGEST },
	{ HF_SIGNAL_CAMERA_SKEW, UINT32_C(1) << HF_ROLE_INGEST },
	{ HF_SIGNAL_CAMERA_FROZEN, UINT32_C(1) << HF_ROLE_INGEST },
	{ HF_SIGNAL_INFER_OOM, UINT32_C(1) << HF_ROLE_INFER },
	{ HF_SIGNAL_INFER_ERRORS, UINT32_C(1) << HF_ROLE_INFER },
	{ HF_SIGNAL_INFER_GOLDEN, UINT32_C(1) << HF_ROLE_INFER },
	{ HF_SIGNAL_INFER_NAN, UINT32_C(1) << HF_ROLE_INFER },
	{ HF_SIGNAL_INFER_DRIFT, UINT32_C(1) << HF_ROLE_INFER },
	{ HF_SIGNAL_MODEL_INVALID, UINT32_C(1) << HF_ROLE_INFER },
	{ HF_SIGNAL_INFER_P99, UINT32_C(1) << HF_ROLE_INFER | UINT32_C(1) << HF_ROLE_RESPOND },
	{ HF_SIGNAL_INPUT_AGE, UINT32_C(1) << HF_ROLE_RESPOND },
	{ HF_SIGNAL_OUTBOX_AGE, UINT32_C(1) << HF_ROLE_UPLINK },
	{ HF_SIGNAL_OUTBOX_DEPTH, UINT32_C(1) << HF_ROLE_UPLINK },
	{ HF_SIGNAL_ACTUATION_FAILED, UINT32_C(1) << HF_ROLE_ACTUATE },
};

void readings_open(struct readings *readings, struct hf_mono now)
{
	memset(readings, 0, sizeof *readings);
	readings->started = now;
}

static bool may_say(enum hf_signal signal, enum hf_role role)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(rights); i++)
		if (rights[i].signal == signal)
			return (rights[i].from & UINT32_C(1) << role) != 0;
	return false;
}

/* A source is its ingest's, and so are the cameras on it. */
static struct seen *place_of(struct readings *readings, const struct hf_config *config,
			     enum hf_role role, uint32_t index, const struct hf_sample *sample)
{
	switch (hf_signal_scope((enum hf_signal)sample->signal)) {
	case HF_SCOPE_UNIT:
		if (sample->scope != 0 || (role == HF_ROLE_INFER && index >= OTHERS))
			return NULL;
		return &readings->unit[role == HF_ROLE_INFER ? index : OTHERS][sample->signal];
	case HF_SCOPE_SOURCE:
		if (sample->scope != index || index >= config->source_count)
			return NULL;
		return &readings->source[index][sample->signal];
	case HF_SCOPE_CAMERA:
		if (sample->scope >= config->camera_count ||
		    config->cameras[sample->scope].source != index)
			return NULL;
		return &readings->camera[sample->scope][sample->signal];
	case HF_SCOPE_WORKER:
	case HF_SCOPE_COUNT:
		break;
	}
	return NULL;
}

enum hf_code readings_take(struct readings *readings, const struct hf_config *config,
			   enum hf_role role, uint32_t index, const struct hf_signals *signals,
			   struct hf_mono now, struct hf_err *err)
{
	for (uint32_t i = 0; i < signals->count; i++) {
		const struct hf_sample *sample = &signals->samples[i];

		if (sample->signal >= HF_SIGNAL_COUNT)
			return hf_fail(err, HF_E_INVALID, "signals: there is no number %u",
				       sample->signal);
		const char *name = hf_signal_name((enum hf_signal)sample->signal);
		if (!may_say((enum hf_signal)sample->signal, role))
			return hf_fail(err, HF_E_DENIED, "signals: %s may not say %s",
				       hf_role_name(role), name);
		struct seen *seen = place_of(readings, config, role, index, sample);
		if (seen == NULL)
			return hf_fail(err, HF_E_INVALID, "signals: %s of %u is not of %s.%u", name,
				       sample->scope, hf_role_name(role), index);
		*seen = (struct seen){ .known = !sample->unknown,
				       .value = sample->value,
				       .at = seen->known || seen->at.us == 0 || !sample->unknown
						     ? now
						     : seen->at };
	}
	return HF_OK;
}

/* ---- the machine ---- */

static bool read_text(const char *root, const char *path, char ret_text[TEXT_BYTES_MAX])
{
	char whole[PATH_MAX];
	char *text = NULL;
	struct hf_err ignored;

	(void)snprintf(whole, sizeof whole, "%s%s", root, path);
	if (hf_file_read(whole, TEXT_BYTES_MAX - 1, &text, NULL, &ignored) != HF_OK)
		return false;
	(void)snprintf(ret_text, TEXT_BYTES_MAX, "%s", text);
	free(text);
	return true;
}

/* "some avg10=1.23 ..." in thousandths. */
static void look_at_pressure(struct readings *readings, const char *root, const char *path,
			     const char *line, enum hf_signal signal, struct hf_mono now)
{
	char text[TEXT_BYTES_MAX];
	struct seen *seen = &readings->machine[signal];
	double percent;

	seen->known = false;
	if (!read_text(root, path, text))
		return;
	const char *at = strstr(text, line);
	if (at == NULL || sscanf(at + strlen(line), " avg10=%lf", &percent) != 1)
		return;
	*seen = (struct seen){ .known = true, .value = (int64_t)(percent * 10), .at = now };
}

static void look_at_temperature(struct readings *readings, const char *root, struct hf_mono now)
{
	static const char folder_path[] = "/sys/class/thermal";
	char path[PATH_MAX], text[TEXT_BYTES_MAX];
	struct seen *seen = &readings->machine[HF_SIGNAL_TEMPERATURE];

	seen->known = false;
	(void)snprintf(path, sizeof path, "%s%s", root, folder_path);
	DIR *folder = opendir(path);
	if (folder == NULL)
		return;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		long milli;

		if (strncmp(entry->d_name, "thermal_zone", 12) != 0)
			continue;
		(void)snprintf(path, sizeof path, "%s/%.64s/temp", folder_path, entry->d_name);
		/* Zones without a sensor say 0, or something below. */
		if (!read_text(root, path, text) || sscanf(text, "%ld", &milli) != 1 || milli <= 0)
			continue;
		if (!seen->known || milli / 1000 > seen->value)
			*seen = (struct seen){ .known = true, .value = milli / 1000, .at = now };
	}
	(void)closedir(folder);
}

static void look_at_disk(struct readings *readings, const char *data_path, struct hf_mono now)
{
	struct seen *space = &readings->machine[HF_SIGNAL_DISK_FREE];
	struct seen *inodes = &readings->machine[HF_SIGNAL_DISK_INODES];
	struct seen *read_only = &readings->machine[HF_SIGNAL_DISK_READ_ONLY];
	struct statvfs disk;

	space->known = inodes->known = read_only->known = false;
	if (statvfs(data_path, &disk) != 0 || disk.f_blocks == 0)
		return;
	*space = (struct seen){ true, (int64_t)(disk.f_bavail * 1000 / disk.f_blocks), now };
	/* Some file systems have no such limit. */
	*inodes = (struct seen){
		true, disk.f_files > 0 ? (int64_t)(disk.f_favail * 1000 / disk.f_files) : 1000, now
	};
	*read_only = (struct seen){ true, (disk.f_flag & ST_RDONLY) != 0 ? 1 : 0, now };
}

/* Wall time and monotonic time go on together; what opens between them is a step. */
static void look_at_clock(struct readings *readings, const struct hf_clock *clock)
{
	struct hf_mono now = hf_mono_now(clock);
	int64_t difference_ms = hf_wall_now(clock).ms - now.us / 1000;
	int64_t step_ms =
		readings->wall_less_mono_ms != 0 ? difference_ms - readings->wall_less_mono_ms : 0;

	readings->wall_less_mono_ms = difference_ms;
	if (step_ms > CLOCK_STEP_MS || step_ms < -CLOCK_STEP_MS) {
		readings->clock_step_ms = step_ms > 0 ? step_ms : -step_ms;
		readings->clock_stepped = now;
	} else if (readings->clock_step_ms != 0 &&
		   hf_mono_before(hf_mono_add_ms(readings->clock_stepped, CLOCK_STEP_KEPT_MS),
				  now)) {
		readings->clock_step_ms = 0;
	}
	readings->machine[HF_SIGNAL_CLOCK_STEP] =
		(struct seen){ true, readings->clock_step_ms, now };
}

void readings_look(struct readings *readings, const char *root, const char *data_path,
		   const struct hf_clock *clock)
{
	struct hf_mono now = hf_mono_now(clock);

	look_at_clock(readings, clock);
	if (readings->looked.us != 0 &&
	    hf_mono_before(now, hf_mono_add_ms(readings->looked, LOOK_EVERY_MS)))
		return;
	readings->looked = now;
	look_at_disk(readings, data_path, now);
	look_at_pressure(readings, root, "/proc/pressure/memory", "full", HF_SIGNAL_MEMORY_PRESSURE,
			 now);
	look_at_pressure(readings, root, "/proc/pressure/cpu", "some", HF_SIGNAL_CPU_PRESSURE, now);
	look_at_temperature(readings, root, now);
}

/* ---- into the policy's input ---- */

static struct hf_reading reading_of(const struct readings *readings, const struct seen *seen,
				    struct hf_mono now)
{
	struct hf_mono since = seen->at.us != 0 ? seen->at : readings->started;
	int64_t age_ms = hf_mono_diff_us(now, since) / 1000;

	if (seen->at.us != 0 && seen->known && age_ms <= HF_READINGS_FRESH_MS)
		return (struct hf_reading){ .known = true, .value = seen->value };
	return (struct hf_reading){ .known = false, .value = age_ms };
}

/* Of several detectors: numbers of things are added, of the rest the worst counts. One that does
 * not say is passed over as long as another does. */
static struct hf_reading join(const struct readings *readings, const struct hf_config *config,
			      enum hf_signal signal, struct hf_mono now)
{
	struct hf_reading all = reading_of(readings, &readings->unit[OTHERS][signal], now);

	for (int64_t i = 0; i < config->infer_workers && i < OTHERS; i++) {
		struct hf_reading one = reading_of(readings, &readings->unit[i][signal], now);

		if (!one.known) {
			if (!all.known && one.value < all.value)
				all.value = one.value;
			continue;
		}
		if (!all.known)
			all = one;
		else if (hf_signal_unit(signal) == HF_UNIT_COUNT)
			all.value += one.value;
		else if (one.value > all.value)
			all.value = one.value;
	}
	return all;
}

static void fill_cameras_lost(const struct hf_config *config, struct hf_policy_input *input)
{
	struct hf_reading *lost = &input->readings[HF_SIGNAL_CAMERAS_LOST][0];
	int64_t count = 0, known = 0;

	for (uint32_t c = 0; c < config->camera_count; c++) {
		const struct hf_reading *frame = &input->readings[HF_SIGNAL_CAMERA_FRAME][c];

		known += frame->known ? 1 : 0;
		count += frame->known && frame->value > CAMERA_LOST_MS ? 1 : 0;
	}
	if (known == 0) {
		*lost = input->readings[HF_SIGNAL_CAMERA_FRAME][0];
		return;
	}
	*lost = (struct hf_reading){ .known = true, .value = count * 1000 / config->camera_count };
}

void readings_fill(const struct readings *readings, const struct hf_config *config,
		   struct hf_mono now, struct hf_policy_input *input)
{
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++) {
		enum hf_signal signal = (enum hf_signal)i;

		switch (hf_signal_scope(signal)) {
		case HF_SCOPE_UNIT:
			if (readings->machine[i].at.us != 0)
				input->readings[i][0] =
					reading_of(readings, &readings->machine[i], now);
			else if (may_say(signal, HF_ROLE_INFER) ||
				 may_say(signal, HF_ROLE_RESPOND) ||
				 may_say(signal, HF_ROLE_UPLINK) ||
				 may_say(signal, HF_ROLE_ACTUATE))
				input->readings[i][0] = join(readings, config, signal, now);
			break;
		case HF_SCOPE_SOURCE:
			for (uint32_t s = 0; s < config->source_count; s++)
				input->readings[i][s] =
					reading_of(readings, &readings->source[s][i], now);
			break;
		case HF_SCOPE_CAMERA:
			for (uint32_t c = 0; c < config->camera_count; c++)
				input->readings[i][c] =
					reading_of(readings, &readings->camera[c][i], now);
			break;
		case HF_SCOPE_WORKER:
		case HF_SCOPE_COUNT:
			break;
		}
	}
	fill_cameras_lost(config, input);
}
