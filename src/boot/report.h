/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * report - what is wrong with a file that somebody wrote, each with its place.
 *
 * Shape       Messages in the order of the file; those of no place in it first. A
 *             message says what, why it matters and what to do. Control
 *             characters and bytes that are not UTF-8 become '?' in it: it quotes
 *             the file, and a terminal obeys what it is sent. What may be a secret
 *             in an address is hidden; an address that is quoted must be whole for
 *             that, or be hidden before it is cut.
 *
 * Limits      HF_REPORT_MESSAGES_MAX messages; the others are counted.
 */
#include "base/err.h"
#include "shape/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	HF_REPORT_MESSAGES_MAX = 20,
	HF_REPORT_MESSAGE_BYTES = 400,
};

/* Where something stands in the file, counted from 1. Line 0: nowhere, it is the default. */
struct hf_place {
	uint32_t line;
	uint32_t column;
	bool refused; /* it is there and was not accepted: what depends on it is not judged */
};

struct hf_message {
	struct hf_place place; /* line 0: of the file as a whole */
	bool warning;
	char text[HF_REPORT_MESSAGE_BYTES];
};

struct hf_report {
	char path[HF_PATH_BYTES];
	uint32_t errors;   /* found, also those that are not among the messages */
	uint32_t warnings; /* the same */
	uint32_t message_count;
	struct hf_message messages[HF_REPORT_MESSAGES_MAX];
};

void hf_report_begin(struct hf_report *ret_report, const char *path);

void hf_complain(struct hf_report *report, struct hf_place place, const char *format, ...)
	HF_PRINTF(3, 4);
void hf_warn(struct hf_report *report, struct hf_place place, const char *format, ...)
	HF_PRINTF(3, 4);

/* Sort the messages by place; HF_E_INVALID with the first of them when there is an error. */
enum hf_code hf_report_end(struct hf_report *report, struct hf_err *err) HF_MUST_CHECK;

/* One line a message: FILE:LINE:COLUMN: text. */
void hf_report_print(const struct hf_report *report, FILE *stream);
