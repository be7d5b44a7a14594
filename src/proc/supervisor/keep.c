/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device state (recover/device_state.h) as the supervisor keeps it: found before anything else
 * of the unit is touched, stored before what it is about is told or done, marked clean at the very
 * end. What was found is an event, whenever it is not what an orderly stop leaves behind.
 */
#include "proc/supervisor/supervisor.h"

#include "base/json.h"
#include "base/log.h"
#include "recover/device_state.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	UNCLEAN_WINDOW_MS = 30 * 60 * 1000,
	AGAIN_MS = 1000,
};

struct keep {
	struct hf_disk *data;
	struct hf_disk *run;
	struct hf_slots *slots;
	struct hf_slots_report report;
	struct hf_device_state device;
	struct hf_mono tried;
};

enum hf_code keep_find(struct supervisor *supervisor, struct hf_err *err)
{
	struct keep *keep = calloc(1, sizeof *keep);
	char boot_id[HF_BOOT_ID_BYTES];
	struct hf_err ignored;

	if (keep == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	supervisor->governor->keep = keep;
	enum hf_code code = hf_boot_id_read("", boot_id, err);
	if (code == HF_OK)
		code = hf_disk_real_open(supervisor->data.path, &keep->data, err);
	if (code != HF_OK)
		return code;
	if (hf_disk_real_open(supervisor->settings.run_path, &keep->run, &ignored) != HF_OK)
		keep->run = NULL;
	const struct hf_slots_options options = { .disk = keep->data,
						  .run = keep->run,
						  .boot_id = boot_id };
	return hf_slots_open(&options, &keep->slots, &keep->report, err);
}

static void note_volatile(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	bool is_volatile = hf_slots_is_volatile(governor->keep->slots);

	if (is_volatile && !governor->is_volatile)
		hf_log(HF_LOG_ERROR, "state_not_stored",
		       "why=\"%s\": kept in memory; nothing that could not be remembered is done",
		       hf_slots_volatile_why(governor->keep->slots));
	else if (!is_volatile && governor->is_volatile)
		hf_log(HF_LOG_INFO, "state_stored_again", "data=%s", supervisor->data.path);
	governor->is_volatile = is_volatile;
}

void keep_store(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	struct keep *keep = governor->keep;
	struct hf_err ignored;

	keep->device.machine_bytes =
		hf_policy_state_pack(&governor->policy, &governor->state, keep->device.machine);
	keep->tried = hf_mono_now(supervisor->clock);
	/* What it said is asked of the slots: volatile, and why. */
	if (hf_device_store(&keep->device, keep->slots, keep->tried, &ignored) != HF_OK)
		keep->device.was_stored = false;
	note_volatile(supervisor);
}

static void tell_start(struct supervisor *supervisor, enum hf_device_start start)
{
	const struct keep *keep = supervisor->governor->keep;
	const char *name = hf_device_start_name(start);
	char attrs[1024];
	struct hf_err err;
	struct hf_json json = hf_json_begin(attrs, sizeof attrs);
	bool is_odd = start == HF_DEVICE_LOST || keep->report.bad[0] || keep->report.bad[1] ||
		      keep->report.newer_format;

	hf_log(is_odd ? HF_LOG_ERROR : HF_LOG_INFO, "device_state",
	       "found=%s powered_on_s=%lld%s%s%s%s", name, (long long)(keep->device.on_ms / 1000),
	       keep->report.bad[0] ? " device.0=" : "",
	       keep->report.bad[0] ? keep->report.why[0] : "",
	       keep->report.bad[1] ? " device.1=" : "",
	       keep->report.bad[1] ? keep->report.why[1] : "");
	if (start == HF_DEVICE_NEW || (start == HF_DEVICE_CLEAN && !is_odd))
		return;
	hf_json_object_open(&json);
	hf_json_put_text(&json, "found", name);
	for (unsigned i = 0; i < HF_SLOTS; i++)
		if (keep->report.bad[i])
			hf_json_put_text(&json, i == 0 ? "device_0" : "device_1",
					 keep->report.why[i]);
	if (keep->report.newer_format)
		hf_json_put_bool(&json, "of_newer_release", true);
	hf_json_object_close(&json);
	raise_event(supervisor, "device_state", NULL,
		    hf_json_end(&json, &err) == HF_OK ? attrs : "{}");
}

/* What the policy remembers. False: it cannot be read, so nothing is assumed. */
static bool restore(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	struct keep *keep = governor->keep;
	struct hf_err err;

	hf_policy_state_fresh(&governor->state);
	if (keep->device.machine_bytes == 0)
		return true;
	if (hf_policy_state_unpack(&governor->policy, keep->device.machine,
				   keep->device.machine_bytes, &governor->state, &err) == HF_OK)
		return true;
	hf_log(HF_LOG_ERROR, "policy_state_unreadable", "why=\"%s\"", err.text);
	return false;
}

void keep_open(struct supervisor *supervisor)
{
	struct governor *governor = supervisor->governor;
	struct keep *keep = governor->keep;
	struct hf_mono now = hf_mono_now(supervisor->clock);
	enum hf_device_start start =
		hf_device_begin(&keep->report, supervisor->identity.boot_id, now, &keep->device);

	if (!restore(supervisor) || start == HF_DEVICE_LOST) {
		hf_policy_state_lost(&governor->state);
		governor->state_lost = true;
		start = HF_DEVICE_LOST;
	}
	governor->state.now_ms = hf_device_on_ms(&keep->device, now);
	tell_start(supervisor, start);
	keep_store(supervisor);
}

int64_t keep_on_ms(const struct supervisor *supervisor, struct hf_mono now)
{
	return hf_device_on_ms(&supervisor->governor->keep->device, now);
}

uint32_t keep_unclean(const struct supervisor *supervisor)
{
	const struct governor *governor = supervisor->governor;
	const struct hf_device_state *device = &governor->keep->device;

	return hf_device_times_within(&device->unclean, governor->state.now_ms, UNCLEAN_WINDOW_MS) +
	       hf_device_times_within(&device->crashes, governor->state.now_ms, UNCLEAN_WINDOW_MS);
}

void keep_tick(struct supervisor *supervisor)
{
	const struct keep *keep = supervisor->governor->keep;
	struct hf_mono now = hf_mono_now(supervisor->clock);

	/* A disk that refuses is not asked with every tick. */
	if (hf_device_is_due(&keep->device, now) &&
	    !hf_mono_before(now, hf_mono_add_ms(keep->tried, AGAIN_MS)))
		keep_store(supervisor);
}

void keep_close(struct supervisor *supervisor, bool clean)
{
	struct keep *keep = supervisor->governor->keep;

	if (keep == NULL)
		return;
	if (clean && keep->slots != NULL) {
		hf_device_end(&keep->device);
		keep_store(supervisor);
	}
	hf_slots_close(keep->slots);
	hf_disk_real_close(keep->run);
	hf_disk_real_close(keep->data);
	free(keep);
	supervisor->governor->keep = NULL;
}
