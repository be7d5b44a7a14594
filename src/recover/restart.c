/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/restart.h"

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

int64_t hf_restart_wait_ms(uint32_t failures, int64_t min_ms, int64_t max_ms,
			   const struct hf_random *random)
{
	int64_t wait_ms = min_ms;

	for (uint32_t i = 0; i < failures && wait_ms < max_ms; i++)
		wait_ms *= 10;
	if (wait_ms > max_ms)
		wait_ms = max_ms;
	return (int64_t)hf_random_between(random, (uint64_t)(wait_ms - wait_ms / 5),
					  (uint64_t)(wait_ms + wait_ms / 5));
}

bool hf_restart_forgiven(struct hf_mono ready, struct hf_mono ended)
{
	return ready.us != 0 && longer_than(ready, ended, HF_FORGIVEN_AFTER_MS);
}
