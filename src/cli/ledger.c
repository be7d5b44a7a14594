/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ledger.h"

#include <stdio.h>
#include <string.h>

static const char boot_id[] = "00000000-0000-0000-0000-000000000001";
static const char epoch[] = "0000000000000001";

struct hf_ledger hf_ledger_begin(const char *release)
{
	struct hf_ledger ledger = { 0 };

	(void)snprintf(ledger.context.boot_id, sizeof ledger.context.boot_id, "%s", boot_id);
	(void)snprintf(ledger.context.release, sizeof ledger.context.release, "%s", release);
	return ledger;
}

void hf_ledger_hello(const struct hf_ledger *ledger, struct hf_hello *hello)
{
	hello->boot = HF_LEDGER_BOOT;
	hello->run = HF_LEDGER_RUN;
	(void)snprintf(hello->boot_id, sizeof hello->boot_id, "%s", ledger->context.boot_id);
	(void)snprintf(hello->device_id, sizeof hello->device_id, "%s", HF_LEDGER_DEVICE);
	(void)snprintf(hello->release, sizeof hello->release, "%s", ledger->context.release);
}

enum hf_code hf_ledger_offer(struct hf_ledger *ledger, const struct hf_offer *offer, char *ret_data,
			     struct hf_line *ret_line, struct hf_err *err)
{
	const struct hf_line_stamp stamp = { .device_id = HF_LEDGER_DEVICE,
					     .epoch = epoch,
					     .local_seq = ledger->seq_last + 1,
					     .chain_previous = ledger->chain };
	enum hf_code code = hf_line_make(offer, &stamp, ret_data, ret_line, err);

	if (code != HF_OK)
		return code;
	ledger->seq_last++;
	memcpy(ledger->chain, ret_line->chain, sizeof ledger->chain);
	return HF_OK;
}

enum hf_code hf_ledger_note(struct hf_ledger *ledger, const struct hf_note *note,
			    const struct hf_tick *now, char *ret_data, struct hf_line *ret_line,
			    struct hf_err *err)
{
	const struct hf_origin origin = { .boot = HF_LEDGER_BOOT,
					  .run = HF_LEDGER_RUN,
					  .n = ledger->notes + 1,
					  .producer = 's' };
	bool has_moment = note->captured_mono.us != 0;
	struct hf_event event = {
		.event_class = note->event_class,
		.captured_wall = has_moment ? note->captured_wall : now->captured_wall,
		.captured_mono = has_moment ? note->captured_mono : now->captured_mono,
		.layout_id = note->layout != HF_LAYOUT_UNKNOWN
				     ? hf_layout_id((enum hf_layout)note->layout)
				     : NULL,
		.camera_name = note->camera_name[0] != '\0' ? note->camera_name : NULL,
		.clock = "synced",
		.state = HF_STATE_HEALTHY,
		.attrs = note->attrs,
	};
	struct hf_offer offer;
	enum hf_code code = hf_offer_make(&event, &ledger->context, &origin, &offer, err);

	if (code == HF_OK)
		code = hf_ledger_offer(ledger, &offer, ret_data, ret_line, err);
	ledger->notes += code == HF_OK;
	return code;
}
