/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/chain.h"

#include <stdio.h>
#include <string.h>

bool hf_chain_continues(const uint8_t previous[HF_CHAIN_BYTES], const struct hf_intake_line *line)
{
	uint8_t wanted[HF_CHAIN_BYTES];

	if (line->follows != NULL && memcmp(line->follows, previous, HF_CHAIN_BYTES) == 0)
		return true;
	hf_intake_chain(previous, line, wanted);
	return memcmp(wanted, line->chain, sizeof wanted) == 0;
}

enum hf_chain_fit hf_chain_judge(const struct hf_chain_tip *tip, const struct hf_intake_line *line,
				 const char *epoch)
{
	static const uint8_t zeros[HF_CHAIN_BYTES];

	if (tip->known && strcmp(tip->epoch, epoch) == 0) {
		if (hf_chain_continues(tip->chain, line))
			return HF_CHAIN_FITS;
		return tip->seq + 1 == line->seq ? HF_CHAIN_FORK : HF_CHAIN_UNCHECKED;
	}
	return hf_chain_continues(zeros, line) ? HF_CHAIN_FITS : HF_CHAIN_BEGINS;
}

void hf_chain_move(struct hf_chain_tip *tip, const struct hf_intake_line *line, const char *epoch)
{
	tip->seq = line->seq;
	tip->known = true;
	memcpy(tip->chain, line->chain, sizeof tip->chain);
	if (strcmp(tip->epoch, epoch) != 0)
		(void)snprintf(tip->epoch, sizeof tip->epoch, "%s", epoch);
}
