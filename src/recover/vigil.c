/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/vigil.h"

static struct hf_mono later_of(struct hf_mono a, struct hf_mono b)
{
	return hf_mono_before(a, b) ? b : a;
}

static bool longer_than(struct hf_mono since, struct hf_mono now, int64_t limit_ms)
{
	return hf_mono_before(hf_mono_add_ms(since, limit_ms), now);
}

const char *hf_vigil(const struct hf_vigil *vigil, struct hf_mono now)
{
	struct hf_mono born = later_of(vigil->started, vigil->awake);
	struct hf_mono heard = later_of(vigil->beat, born);
	int64_t silence_ms = vigil->heartbeat_ms;

	if (!vigil->ready && longer_than(born, now, HF_READY_MS))
		return "not ready two minutes after its start";
	if (vigil->busy_until.us != 0) {
		if (longer_than(now, vigil->busy_until, HF_BUSY_MS_MAX))
			return "announced to be busy for longer than anybody may";
		/* After a pause of ours it has one heartbeat to say that it is done. */
		if (hf_mono_before(vigil->busy_until, now) &&
		    longer_than(vigil->awake, now, vigil->heartbeat_ms))
			return "busy past the deadline it announced";
		return NULL;
	}
	if (vigil->beat.us == 0 && silence_ms < HF_FIRST_BEAT_MS)
		silence_ms = HF_FIRST_BEAT_MS;
	return longer_than(heard, now, silence_ms) ? "no heartbeat" : NULL;
}

struct hf_mono hf_vigil_awake(struct hf_mono awake, struct hf_mono looked, struct hf_mono now)
{
	return longer_than(looked, now, HF_ASLEEP_MS) ? now : awake;
}
