/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox/receipt.h"

#include "base/auto.h"
#include "base/json.h"
#include "base/random.h"
#include "outbox/line.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE_BYTES_MAX = 1024,
	/* A line more than the limit may be there, and what others made of the file. */
	FILE_BYTES_MAX = 4 * HF_RECEIPTS_BYTES_MAX,
	HEX_BYTES_MAX = 2 * HF_RECEIPT_SIG_BYTES + 1,
};

_Static_assert((int)HF_RECEIPT_CHAIN_BYTES == (int)HF_CHAIN_BYTES, "the same chain");
_Static_assert(HF_RECEIPT_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(HF_RECEIPT_SIG_BYTES == crypto_sign_BYTES, "Ed25519");

static bool epoch_valid(const char *epoch)
{
	size_t length = strlen(epoch);

	/* It becomes part of a path. */
	return length > 0 && length < HF_ID_BYTES && strspn(epoch, "0123456789abcdef") == length;
}

static enum hf_code path_of(const char *epoch, char ret_path[HF_DISK_PATH_BYTES],
			    struct hf_err *err)
{
	if (!epoch_valid(epoch))
		return hf_fail(err, HF_E_INVALID, "\"%.40s\" is not an epoch", epoch);
	(void)snprintf(ret_path, HF_DISK_PATH_BYTES, HF_RECEIPTS_FOLDER "/%s.jsonl", epoch);
	return HF_OK;
}

bool hf_receipt_good(const struct hf_receipt *receipt, const char *device_id, const char *epoch)
{
	char text[HF_RECEIPT_TEXT_BYTES];
	size_t length = hf_receipt_text(receipt, device_id, epoch, text);

	return crypto_sign_verify_detached(receipt->sig, (const unsigned char *)text, length,
					   receipt->key) == 0;
}

/* ---- reading ---- */

static bool get_hex(const struct hf_slice *object, const char *key, size_t size_bytes,
		    uint8_t *ret_bytes)
{
	char text[HEX_BYTES_MAX];

	return hf_attrs_text(object, key, text, sizeof text) && strlen(text) == 2 * size_bytes &&
	       hf_unhex(text, size_bytes, ret_bytes);
}

static bool parse(const char *data, size_t size_bytes, const char *epoch,
		  struct hf_receipt_entry *entry)
{
	const struct hf_slice object = { .data = data, .size_bytes = size_bytes };
	struct hf_receipt receipt = { 0 };
	char at[HF_WALL_TEXT_BYTES];

	if (size_bytes < 2 || data[0] != '{' || data[size_bytes - 1] != '}' ||
	    !hf_attrs_u64(&object, "seq", &receipt.seq) || receipt.seq == 0 ||
	    !get_hex(&object, "chain", sizeof receipt.chain, receipt.chain) ||
	    !hf_attrs_text(&object, "at", at, sizeof at) || !hf_receipt_at_valid(at) ||
	    !get_hex(&object, "key", sizeof receipt.key, receipt.key) ||
	    !get_hex(&object, "sig", sizeof receipt.sig, receipt.sig) ||
	    !hf_attrs_text(&object, "device_id", entry->device_id, sizeof entry->device_id))
		return false;
	memcpy(receipt.at, at, sizeof receipt.at);
	memcpy(entry->at, at, sizeof entry->at);
	entry->seq = receipt.seq;
	memcpy(entry->chain, receipt.chain, sizeof entry->chain);
	memcpy(entry->key, receipt.key, sizeof entry->key);
	memcpy(entry->sig, receipt.sig, sizeof entry->sig);
	entry->signature_good = hf_receipt_good(&receipt, entry->device_id, epoch);
	return true;
}

static int by_seq(const void *a, const void *b)
{
	uint64_t left = ((const struct hf_receipt_entry *)a)->seq;
	uint64_t right = ((const struct hf_receipt_entry *)b)->seq;

	return left < right ? -1 : left > right;
}

static size_t count_newlines(const char *data, size_t size_bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < size_bytes; i++)
		count += data[i] == '\n';
	return count;
}

static enum hf_code read_all(struct hf_disk *disk, const char *path, char **ret_data,
			     size_t *ret_bytes, struct hf_err *err)
{
	int file;
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_READ, &file, err);

	if (code != HF_OK)
		return code;
	HF_AUTO_FREE char *data = malloc(FILE_BYTES_MAX);
	size_t size = 0;
	code = data == NULL ? hf_fail(err, HF_E_NOMEM, "out of memory")
			    : hf_disk_read(disk, file, 0, data, FILE_BYTES_MAX, &size, err);
	hf_disk_close(disk, file);
	if (code != HF_OK)
		return code;
	if (size == FILE_BYTES_MAX)
		return hf_fail(err, HF_E_LIMIT, "%s is larger than %d bytes", path,
			       FILE_BYTES_MAX - 1);
	*ret_data = HF_TAKE(data);
	*ret_bytes = size;
	return HF_OK;
}

enum hf_code hf_receipts_load(struct hf_disk *disk, const char *epoch,
			      struct hf_receipts *ret_receipts, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES];
	HF_AUTO_FREE char *data = NULL;
	size_t size = 0;
	struct hf_err ignored;
	enum hf_code code = path_of(epoch, path, err);

	if (code == HF_OK)
		code = read_all(disk, path, &data, &size, err);
	if (code != HF_OK)
		return code;
	struct hf_receipts receipts = { 0 };
	receipts.list = calloc(count_newlines(data, size) + 1, sizeof *receipts.list);
	if (receipts.list == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	receipts.has_pinned = hf_receipts_key_load(disk, receipts.pinned, &ignored) == HF_OK;
	for (const char *at = data, *end = data + size; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline != NULL ? newline : end;
		struct hf_receipt_entry *entry = &receipts.list[receipts.count];

		if (parse(at, (size_t)(stop - at), epoch, entry)) {
			entry->key_pinned =
				receipts.has_pinned &&
				memcmp(entry->key, receipts.pinned, sizeof entry->key) == 0;
			receipts.count++;
		} else if (stop > at) {
			receipts.lines_bad++;
		}
		at = stop + 1;
	}
	qsort(receipts.list, receipts.count, sizeof *receipts.list, by_seq);
	*ret_receipts = receipts;
	return HF_OK;
}

void hf_receipts_free(struct hf_receipts *receipts)
{
	free(receipts->list);
	*receipts = (struct hf_receipts){ 0 };
}

enum hf_code hf_receipts_key_load(struct hf_disk *disk, uint8_t ret_key[HF_RECEIPT_KEY_BYTES],
				  struct hf_err *err)
{
	char text[2 * HF_RECEIPT_KEY_BYTES + 3];
	enum hf_code code = hf_disk_text_read(disk, HF_RECEIPTS_KEY, text, sizeof text, err);

	if (code != HF_OK && code != HF_E_LIMIT)
		return code;
	if (code == HF_OK)
		text[strcspn(text, "\n")] = '\0';
	if (code != HF_OK || strlen(text) != 2 * HF_RECEIPT_KEY_BYTES ||
	    !hf_unhex(text, HF_RECEIPT_KEY_BYTES, ret_key))
		return hf_fail(err, HF_E_CORRUPT, "%s does not hold a key", HF_RECEIPTS_KEY);
	return HF_OK;
}

/* ---- writing ---- */

static enum hf_code make_folders(struct hf_disk *disk, struct hf_err *err)
{
	enum hf_code code = hf_disk_folder_ensure(disk, "identity", err);

	if (code == HF_OK)
		code = hf_disk_folder_ensure(disk, HF_RECEIPTS_FOLDER, err);
	return code != HF_OK ? code : hf_disk_folder_sync(disk, "identity", err);
}

enum hf_code hf_receipts_key_pin(struct hf_disk *disk, const uint8_t key[HF_RECEIPT_KEY_BYTES],
				 struct hf_err *err)
{
	char text[2 * HF_RECEIPT_KEY_BYTES + 2];
	enum hf_code code = make_folders(disk, err);

	if (code != HF_OK)
		return code;
	hf_hex(key, HF_RECEIPT_KEY_BYTES, text);
	memcpy(text + 2 * HF_RECEIPT_KEY_BYTES, "\n", 2);
	return hf_disk_text_replace(disk, HF_RECEIPTS_KEY, text, err);
}

static void put_hex(struct hf_json *json, const char *key, const uint8_t *bytes, size_t size_bytes)
{
	char text[HEX_BYTES_MAX];

	hf_hex(bytes, size_bytes, text);
	hf_json_put_text(json, key, text);
}

/* With its newline. */
static enum hf_code line_of(const struct hf_receipt *receipt, const char *device_id,
			    char ret_line[LINE_BYTES_MAX], size_t *ret_bytes, struct hf_err *err)
{
	struct hf_json json = hf_json_begin(ret_line, LINE_BYTES_MAX - 1);

	hf_json_object_open(&json);
	hf_json_put_u64(&json, "seq", receipt->seq);
	put_hex(&json, "chain", receipt->chain, sizeof receipt->chain);
	hf_json_put_text(&json, "at", receipt->at);
	put_hex(&json, "key", receipt->key, sizeof receipt->key);
	put_hex(&json, "sig", receipt->sig, sizeof receipt->sig);
	hf_json_put_text(&json, "device_id", device_id);
	hf_json_object_close(&json);
	enum hf_code code = hf_json_end(&json, err);
	if (code != HF_OK)
		return code;
	memcpy(ret_line + json.size_bytes, "\n", 2);
	*ret_bytes = json.size_bytes + 1;
	return HF_OK;
}

/* Every second line goes, the last one stays. */
static enum hf_code thin_out(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	HF_AUTO_FREE char *data = NULL;
	size_t size = 0, kept = 0, left = 0;
	enum hf_code code = read_all(disk, path, &data, &size, err);

	if (code != HF_OK)
		return code;
	while (size > 0 && data[size - 1] != '\n') /* torn */
		size--;
	left = count_newlines(data, size);
	for (size_t at = 0; at < size; left--) {
		const char *newline = memchr(data + at, '\n', size - at);
		size_t bytes = (size_t)(newline - (data + at)) + 1;

		if (left % 2 == 1) {
			memmove(data + kept, data + at, bytes);
			kept += bytes;
		}
		at += bytes;
	}
	data[kept] = '\0';
	return hf_disk_text_replace(disk, path, data, err);
}

static enum hf_code open_for_append(struct hf_disk *disk, const char *path, int *ret_file,
				    struct hf_err *err)
{
	enum hf_code code = hf_disk_open(disk, path, HF_DISK_WRITE, ret_file, err);

	if (code != HF_E_NOENT)
		return code;
	code = make_folders(disk, err);
	if (code == HF_OK)
		code = hf_disk_open(disk, path, HF_DISK_CREATE, ret_file, err);
	return code != HF_OK ? code : hf_disk_folder_sync(disk, HF_RECEIPTS_FOLDER, err);
}

/* The end of the file, behind a newline that closes what was cut short. */
static enum hf_code find_end(struct hf_disk *disk, int file, uint64_t *ret_end, struct hf_err *err)
{
	char last = '\n';
	size_t size = 0;
	enum hf_code code = hf_disk_size(disk, file, ret_end, err);

	if (code == HF_OK && *ret_end > 0)
		code = hf_disk_read(disk, file, *ret_end - 1, &last, 1, &size, err);
	if (code == HF_OK && last != '\n')
		code = hf_disk_write(disk, file, (*ret_end)++, "\n", 1, err);
	return code;
}

enum hf_code hf_receipts_add(struct hf_disk *disk, const char *device_id, const char *epoch,
			     const struct hf_receipt *receipt, struct hf_err *err)
{
	char path[HF_DISK_PATH_BYTES], line[LINE_BYTES_MAX];
	struct hf_err ignored;
	uint64_t end = 0;
	size_t size = 0;
	int file = -1;
	enum hf_code code = path_of(epoch, path, err);

	if (code == HF_OK)
		code = line_of(receipt, device_id, line, &size, err);
	if (code == HF_OK)
		code = open_for_append(disk, path, &file, err);
	if (code != HF_OK)
		return code;
	code = find_end(disk, file, &end, err);
	if (code == HF_OK)
		code = hf_disk_write(disk, file, end, line, size, err);
	if (code == HF_OK)
		code = hf_disk_sync(disk, file, err);
	hf_disk_close(disk, file);
	/* What cannot be thinned out now is thinned out another time. */
	if (code == HF_OK && end + size > HF_RECEIPTS_BYTES_MAX)
		(void)!thin_out(disk, path, &ignored);
	return code;
}
