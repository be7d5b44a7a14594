/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/view.h"

int64_t hf_view_tick(struct hf_view *view, struct hf_mono at, bool blind)
{
	bool first = view->last.us == 0, was_blind = view->blind;
	int64_t gap_us = hf_mono_diff_us(at, view->last);

	if (!first && gap_us < 0)
		return 0;
	view->last = at;
	view->blind = blind;
	if (blind && !was_blind)
		view->blind_since = at;
	if (!blind && was_blind)
		view->blind_until = at;
	if (first)
		return 0;
	if (blind || was_blind || gap_us > (int64_t)HF_VIEW_GAP_MS * 1000) {
		view->blind_us += gap_us;
		return gap_us;
	}
	view->seen_us += gap_us;
	return 0;
}

bool hf_view_was_blind(const struct hf_view *view, struct hf_mono at)
{
	if (view->blind_since.us == 0 || hf_mono_before(at, view->blind_since))
		return false;
	return view->blind || hf_mono_before(at, view->blind_until);
}

int64_t hf_view_seen_us(const struct hf_view *view, struct hf_mono at)
{
	const int64_t gap_us_max = (int64_t)HF_VIEW_GAP_MS * 1000;
	int64_t ahead_us = view->last.us == 0 ? 0 : hf_mono_diff_us(at, view->last);

	if (ahead_us > gap_us_max)
		ahead_us = gap_us_max;
	int64_t seen_us = view->seen_us + ahead_us;
	return seen_us > 0 ? seen_us : 0;
}
