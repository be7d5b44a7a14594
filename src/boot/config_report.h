/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* config_report - collects what is wrong with a file. Used by the files of config only. */
#include "boot/config.h"

void hf_config_report_begin(struct hf_config_report *ret_report, const char *path);

/* Control characters and bytes that are not UTF-8 become '?': a message quotes the file, and a
 * terminal obeys what it is sent. What may be a secret in an address is hidden; an address that is
 * quoted must be whole for that, or be hidden before it is cut. */
void hf_config_complain(struct hf_config_report *report, struct hf_config_place place,
			const char *format, ...) HF_PRINTF(3, 4);
void hf_config_warn(struct hf_config_report *report, struct hf_config_place place,
		    const char *format, ...) HF_PRINTF(3, 4);

/* Sort the messages by place; HF_E_INVALID with the first of them when there is an error. */
enum hf_code hf_config_report_end(struct hf_config_report *report,
				  struct hf_err *err) HF_MUST_CHECK;

/* Checks and resolves what one value alone does not tell; see config.h. */
void hf_config_cross_check(struct hf_config *config, struct hf_config_report *report);

/* Warns of files that are named and not there. */
void hf_config_check_files(const struct hf_config *config, struct hf_config_report *report);
