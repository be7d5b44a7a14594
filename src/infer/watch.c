/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/watch.h"

enum {
	STEP_US = 10 * 1000 * 1000,
	PERMILLE = 1000,
};

static int64_t step_of(struct hf_mono now)
{
	return (int64_t)now.us / STEP_US;
}

void hf_recent_add(struct hf_recent *recent, struct hf_mono now)
{
	int64_t step = step_of(now), passed = step - recent->newest;

	for (int64_t i = 0; i < passed && i < HF_RECENT_STEPS; i++)
		recent->counts[(step - i) % HF_RECENT_STEPS] = 0;
	recent->newest = step;
	recent->counts[step % HF_RECENT_STEPS]++;
}

uint32_t hf_recent_count(const struct hf_recent *recent, struct hf_mono now)
{
	int64_t oldest = step_of(now) - (HF_RECENT_STEPS - 1);
	uint32_t count = 0;

	for (int64_t i = 0; i < HF_RECENT_STEPS && recent->newest - i >= 0; i++)
		if (recent->newest - i >= oldest)
			count += recent->counts[(recent->newest - i) % HF_RECENT_STEPS];
	return count;
}

void hf_drift_add(struct hf_drift *drift, float score)
{
	int bin = (int)(score * HF_DRIFT_BINS);

	bin = bin < 0 ? 0 : bin >= HF_DRIFT_BINS ? HF_DRIFT_BINS - 1 : bin;
	if (drift->baseline_count < HF_DRIFT_BASELINE) {
		drift->baseline_count++;
		drift->baseline[bin]++;
		return;
	}
	drift->recent[bin]++;
	if (++drift->recent_count < HF_DRIFT_RECENT_MAX)
		return;
	drift->recent_count = 0;
	for (int i = 0; i < HF_DRIFT_BINS; i++) {
		drift->recent[i] /= 2;
		drift->recent_count += drift->recent[i];
	}
}

bool hf_drift_permille(const struct hf_drift *drift, int64_t *ret_permille)
{
	int64_t before = 0, now = 0, greatest = 0;

	if (drift->baseline_count < HF_DRIFT_BASELINE || drift->recent_count < HF_DRIFT_RECENT_MIN)
		return false;
	for (int i = 0; i < HF_DRIFT_BINS; i++) {
		before += drift->baseline[i];
		now += drift->recent[i];
		int64_t apart = now * PERMILLE / drift->recent_count -
				before * PERMILLE / drift->baseline_count;

		if (apart < 0)
			apart = -apart;
		greatest = apart > greatest ? apart : greatest;
	}
	*ret_permille = greatest;
	return true;
}
