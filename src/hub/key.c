/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/key.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/file.h"
#include "base/random.h"

#include <sodium.h>
#include <string.h>

_Static_assert(HF_RECEIPT_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(HF_RECEIPT_SIG_BYTES == crypto_sign_BYTES, "Ed25519");
_Static_assert(sizeof((struct hf_hub_key *)NULL)->secret == crypto_sign_SECRETKEYBYTES, "Ed25519");

enum {
	SEED_TEXT_BYTES = 2 * crypto_sign_SEEDBYTES + 1, /* with the newline */
};

static enum hf_code make(const char *path, uint8_t ret_seed[crypto_sign_SEEDBYTES],
			 struct hf_err *err)
{
	char text[SEED_TEXT_BYTES + 1];

	randombytes_buf(ret_seed, crypto_sign_SEEDBYTES);
	hf_hex(ret_seed, crypto_sign_SEEDBYTES, text);
	text[SEED_TEXT_BYTES - 1] = '\n';
	enum hf_code code = hf_file_replace(path, text, SEED_TEXT_BYTES, 0600, err);
	sodium_memzero(text, sizeof text);
	return code;
}

enum hf_code hf_hub_key_open(const char *path, struct hf_hub_key *ret_key, struct hf_err *err)
{
	uint8_t seed[crypto_sign_SEEDBYTES];
	HF_AUTO_FREE char *text = NULL;
	size_t size = 0;

	enum hf_code code = hf_file_read(path, SEED_TEXT_BYTES, &text, &size, err);
	if (code == HF_E_NOENT) {
		code = make(path, seed, err);
	} else if (code == HF_E_LIMIT ||
		   (code == HF_OK &&
		    (size < SEED_TEXT_BYTES - 1 || !hf_unhex(text, sizeof seed, seed) ||
		     (size == SEED_TEXT_BYTES && text[size - 1] != '\n')))) {
		code = hf_fail(
			err, HF_E_CORRUPT,
			"%s does not hold a key of %d hexadecimal digits: put back a copy of "
			"it. If there is none, remove it: a new key is made, and every unit "
			"will tell that the hub's key is another one",
			path, SEED_TEXT_BYTES - 1);
	}
	if (code != HF_OK)
		return code;
	int made = crypto_sign_seed_keypair(ret_key->public, ret_key->secret, seed);
	HF_ASSERT(made == 0);
	sodium_memzero(seed, sizeof seed);
	return HF_OK;
}

void hf_hub_key_sign(const struct hf_hub_key *key, const char *device_id, const char *epoch,
		     struct hf_receipt *receipt)
{
	char text[HF_RECEIPT_TEXT_BYTES];
	size_t length = hf_receipt_text(receipt, device_id, epoch, text);

	memcpy(receipt->key, key->public, sizeof receipt->key);
	int made = crypto_sign_detached(receipt->sig, NULL, (const unsigned char *)text, length,
					key->secret);
	HF_ASSERT(made == 0);
}
