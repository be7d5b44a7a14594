/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * thumbs - pictures by the SHA-256 of their bytes.
 *
 * Shape       DIR/ab/ab…64 digits….jpg. A name can only ever have one content, so putting it
 *             twice is putting it once.
 *
 * Durability  put() returns HF_OK when the picture survives a power cut.
 *
 * Errors      put(): HF_E_INVALID: the name is no digest, the bytes are no JPEG or do not hash
 *             to the name. HF_E_NOSPACE, HF_E_IO, HF_E_DENIED as the disk says.
 *             open(): HF_E_NOENT: not here (yet: pictures come after the events that name them).
 *
 * Limits      HF_THUMB_BYTES_MAX a picture. Nothing is ever removed.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HF_THUMB_BYTES_MAX = 1 << 20,
	HF_THUMB_NAME_BYTES = 65, /* 64 hexadecimal digits and the NUL */
};

bool hf_thumb_name_valid(const char *name);

/* ret_new: false when it was already here. */
enum hf_code hf_thumb_put(const char *dir, const char *name, const void *data, size_t size_bytes,
			  bool *ret_new, struct hf_err *err) HF_MUST_CHECK;

/* ret_fd is the caller's to close. */
enum hf_code hf_thumb_open(const char *dir, const char *name, int *ret_fd, uint64_t *ret_size_bytes,
			   struct hf_err *err) HF_MUST_CHECK;
