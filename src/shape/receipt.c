/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/receipt.h"

#include "base/assert.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

size_t hf_receipt_text(const struct hf_receipt *receipt, const char *device_id, const char *epoch,
		       char ret_text[HF_RECEIPT_TEXT_BYTES])
{
	char chain[2 * HF_RECEIPT_CHAIN_BYTES + 1];

	HF_ASSERT(strlen(device_id) < HF_ID_BYTES && strlen(epoch) < HF_ID_BYTES);
	hf_hex(receipt->chain, sizeof receipt->chain, chain);
	int length = snprintf(ret_text, HF_RECEIPT_TEXT_BYTES,
			      "holdfast-receipt-1\n%s\n%s\n%llu\n%s\n%s\n", device_id, epoch,
			      (unsigned long long)receipt->seq, chain, receipt->at);
	HF_ASSERT(length > 0 && length < HF_RECEIPT_TEXT_BYTES);
	return (size_t)length;
}

bool hf_receipt_at_valid(const char *at)
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";

	for (size_t i = 0; i < sizeof shape; i++) {
		bool digit = at[i] >= '0' && at[i] <= '9';

		if (shape[i] == '0' ? !digit : at[i] != shape[i])
			return false;
	}
	return true;
}
