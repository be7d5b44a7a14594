/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* config_check - what one value of a configuration alone does not tell. Used by the files of config
 * only. */
#include "boot/config.h"

/* Checks and resolves; see config.h. */
void hf_config_cross_check(struct hf_config *config, struct hf_config_report *report);

/* Warns of files that are named and not there. */
void hf_config_check_files(const struct hf_config *config, struct hf_config_report *report);
