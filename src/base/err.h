/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * err - what went wrong, as the response it asks for.
 *
 * Shape       A function that can fail returns enum hf_code and takes a last
 *             struct hf_err * for the text; the pointer may be NULL. The text
 *             says what, where, and if it is not plain, why and what to do.
 *
 * Errors      Each code names what the caller can do about it; see the enum.
 *             A switch on a code has no default.
 *
 * Limits      The text is cut at HF_ERR_TEXT_BYTES_MAX - 1 bytes.
 */
#include <stdarg.h>
#include <stddef.h>

#define HF_MUST_CHECK       __attribute__((warn_unused_result))
#define HF_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))

enum {
	HF_ERR_TEXT_BYTES_MAX = 512,
};

enum hf_code {
	HF_OK = 0,
	HF_E_AGAIN,   /* not now: the same call may succeed later */
	HF_E_NOENT,   /* the named thing does not exist */
	HF_E_NOSPACE, /* disk, quota or queue is full */
	HF_E_IO,      /* the medium failed; what was being written is in doubt */
	HF_E_CORRUPT, /* bytes are there and do not verify */
	HF_E_INVALID, /* input from outside breaks its contract */
	HF_E_LIMIT,   /* a declared maximum was reached */
	HF_E_DENIED,  /* permission or signature refused */
	HF_E_NOMEM,
	HF_E_CLOSED, /* the peer ended the connection */
};

struct hf_err {
	enum hf_code code;
	char text[HF_ERR_TEXT_BYTES_MAX];
};

/* Fill err (if not NULL) and return code: `return hf_fail(err, HF_E_INVALID, "...")`. */
enum hf_code hf_fail(struct hf_err *err, enum hf_code code, const char *format, ...)
	HF_PRINTF(3, 4);

/* The same from errno: the code is chosen by errno's value, its text is appended. */
enum hf_code hf_fail_errno(struct hf_err *err, const char *format, ...) HF_PRINTF(2, 3);

/* Put "context: " in front of a text that is already there. Returns err's code. */
enum hf_code hf_err_prefix(struct hf_err *err, const char *format, ...) HF_PRINTF(2, 3);

/* The code an errno value asks for. */
enum hf_code hf_code_of_errno(int error_number);

/* "again", "noent", ...: stable, for logs and JSON. */
const char *hf_code_name(enum hf_code code);
